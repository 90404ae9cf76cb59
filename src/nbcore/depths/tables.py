"""From the members of an ensemble to the tables that pages read: `members`, `examples`, `votes`.

Everything per member and example that the chapters' measures need is kept in a byte or two, so that
those measures are computed from the stored run itself, not stored as results.
"""

from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr

from nbcore.measures.depth import prediction_depth
from nbcore.measures.learning import iteration_learned
from nbcore.runs.store import Run, Tables
from nbcore.training.ensemble import Pool

#: at most so many pictures travel with a run
THUMBNAILS = 480
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))
END = {"example": "", "test_example": "_test"}


def reduce(run: Run, pool: Callable[[], Pool], folds: int | None = None) -> Tables:
    """Make the tables of an ensemble run from its members.

    members: per (member, example) `held_out`, `final`, `depth`, `learned` (checkpoint index), -1
    where undefined; with `_test` on (member, test_example); `half` (member): which of two halves
    that hold out every example equally often, -1 for members that hold out none; per (member,
    checkpoint) `loss`, `accuracy_train`, `_val`, `_test`; per (member, probe) `probe_accuracy_*`.
    examples: labels and mean margins over members. votes: sums over held-out members by half:
    `votes` (half, example, probe, class), how often a probe `said` a class, `count` (half, example)
    of members.
    thumbnails: pictures of examples from all corners of the plane of mean depths, and at random.
    folds: members that share a partition (`ensemble.held_out_mask`); None: they draw their own.
    """
    rows, sums = [], _Sums()
    for name, member in run.members():
        kind, _, number = name.rpartition("-")
        half = -1 if kind == "full" else int(number) // (folds or 1) % 2
        row = reduce_member(member, pool().test_labels).assign(half=((), np.int8(half)))
        rows.append(row.expand_dims(member=[name]))
        sums.add(member, row, half)
    members = xr.concat(rows, "member", data_vars="minimal", coords="minimal", compat="override")
    examples = sums.examples().assign_attrs(classes=list(pool().classes))
    examples["original_label"] = "example", pool().original.astype(np.int16)
    examples["label_test"] = "test_example", pool().test_labels.astype(np.int16)
    tables = {"members": members, "examples": examples, "thumbnails": _thumbnails(members, pool())}
    return tables | ({"votes": sums.votes(member)} if sums.has_votes else {})


def join(old: Tables, new: Tables, pool: Callable[[], Pool]) -> Tables:
    """Join the tables of two disjoint groups of members into those of all members.

    Equal to `reduce` of all, but for the rounding of the mean margins (float32).
    """
    parts = [old["members"], new["members"]]
    members = xr.concat(parts, "member", data_vars="minimal", coords="minimal", compat="override")
    tables = {"members": members.sortby("member"), "examples": _mean_margins(old, new)}
    tables["thumbnails"] = _thumbnails(tables["members"], pool())
    votes = [t["votes"] for t in (old, new) if "votes" in t]
    if votes:
        tables["votes"] = xr.concat(votes, "part").sum("part", dtype=np.uint16)
    return tables


def _mean_margins(old: Tables, new: Tables) -> xr.Dataset:
    """Join the tables `examples` of two groups of members; each group counts by its size."""
    full = any((t["members"]["half"] < 0).any() for t in (old, new))
    groups = [(t["examples"], _margin_counts(t["members"], full)) for t in (old, new)]
    out = {**groups[0][0], **groups[1][0]}
    for name in [str(n) for n in out if "margin" in str(n)]:
        has = [(examples[name], counts[name]) for examples, counts in groups if name in examples]
        sums = xr.concat([(mean * count).fillna(0.0) for mean, count in has], "group").sum("group")
        number = xr.concat([count for _, count in has], "group").sum("group")
        out[name] = (sums / number).astype(np.float32)  # 0 / 0: no member, NaN as before
    return xr.Dataset(out, attrs=old["examples"].attrs)


def _margin_counts(members: xr.Dataset, full: bool) -> dict[str, xr.DataArray]:
    """Count the members behind each mean of `_Sums.examples`."""
    whole = members["half"] < 0
    return {
        "output_margin_train": (~whole & ~members["held_out"]).sum("member"),
        "output_margin_val": (~whole & members["held_out"]).sum("member"),
        "output_margin_test": (whole if full else ~whole).sum("member"),
        "input_margin_train": whole.sum("member"),
        "input_margin_test": whole.sum("member"),
    }


def reduce_member(member: xr.Dataset, test_labels: np.ndarray) -> xr.Dataset:
    """Make one row of `members` from a member, as `ensemble.train_member` returns it."""
    out: dict = {"held_out": member["held_out"], "step": member["step"], "loss": member["loss"]}
    held = member["held_out"].values
    right, probed = {}, {}
    for dim, end in END.items():
        final = member[f"final{end}"].values
        said = member[f"votes{end}"].values.argmax(-1)  # of tied classes the lowest number
        history = member[f"history{end}"].values.T
        out[f"final{end}"] = dim, final
        out[f"depth{end}"] = dim, prediction_depth(said, final).astype(np.int8)
        out[f"learned{end}"] = dim, iteration_learned(history, final).astype(np.int8)
        truth = member["label"].values if dim == "example" else test_labels
        right[end], probed[end] = history == truth[:, None], said == truth[:, None]
    for role, end, mask in (
        ("train", "", ~held),
        ("val", "", held),
        ("test", "_test", slice(None)),
    ):
        for what, dim, values in (("", "checkpoint", right), ("probe_", "probe", probed)):
            some = values[end][mask]
            mean = some.mean(0) if len(some) else np.full(some.shape[1], np.nan)
            out[f"{what}accuracy_{role}"] = dim, mean.astype(np.float32)
    return xr.Dataset(out, coords={"probe": member["probe"]})


class _Sums:
    """Running sums over members, so that no more than one member is held at a time."""

    def __init__(self) -> None:
        self.margins: dict[str, tuple[tuple, np.ndarray, np.ndarray]] = {}
        self.labels: np.ndarray | None = None
        self.counts: dict[str, np.ndarray] = {}

    @property
    def has_votes(self) -> bool:
        return bool(self.counts)

    def add(self, member: xr.Dataset, row: xr.Dataset, half: int) -> None:
        self.labels = member["label"].values
        held = member["held_out"].values
        if half >= 0:
            self._mean("output_margin_train", member["output_margin"], ~held)
            self._mean("output_margin_val", member["output_margin"], held)
            self._votes(member, held, half)
        # the test set's margins are those of the networks on the whole pool, where there are any
        role = "test" if half < 0 else "test_of_splits"
        self._mean(f"output_margin_{role}", member["output_margin_test"])
        for end, name in (("", "train"), ("_test", "test")):
            if f"input_margin{end}" in member:
                self._mean(f"input_margin_{name}", member[f"input_margin{end}"])

    def _mean(self, name: str, values: xr.DataArray, mask: np.ndarray | None = None) -> None:
        x = values.values.astype(float)
        used = np.ones(len(x), int) if mask is None else mask.astype(int)
        _, total, count = self.margins.get(name, ((), np.zeros(len(x)), np.zeros(len(x), int)))
        self.margins[name] = (values.dims, total + np.where(used, x, 0.0), count + used)

    def _votes(self, member: xr.Dataset, held: np.ndarray, half: int) -> None:
        votes = member["votes"].values
        if not self.counts:
            self.counts = {k: np.zeros((2, *votes.shape), np.uint16) for k in ("votes", "said")}
            self.counts["count"] = np.zeros((2, len(votes)), np.uint16)
        self.counts["votes"][half, held] += votes[held]
        said = votes[held].argmax(-1)[..., None] == np.arange(votes.shape[-1])
        self.counts["said"][half, held] += said.astype(np.uint16)
        self.counts["count"][half] += held

    def examples(self) -> xr.Dataset:
        means = {
            name: (
                dims,
                np.divide(total, count, where=count > 0, out=np.full(len(total), np.nan)).astype(
                    np.float32
                ),
            )
            for name, (dims, total, count) in self.margins.items()
        }
        of_splits = means.pop("output_margin_test_of_splits", None)
        if "output_margin_test" not in means and of_splits is not None:
            means["output_margin_test"] = of_splits
        assert self.labels is not None
        return xr.Dataset({"label": ("example", self.labels)} | means)

    def votes(self, member: xr.Dataset) -> xr.Dataset:
        dims = ("half", "example", "probe", "class")
        return xr.Dataset(
            {
                "votes": (dims, self.counts["votes"]),
                "said": (dims, self.counts["said"]),
                "count": (dims[:2], self.counts["count"]),
            },
            coords={"probe": member["probe"]},
        )


def mean_depths(members: xr.Dataset, held_out: bool) -> np.ndarray:
    """Average depths over the members that held an example out (or did not): (example,).

    NaN where no depth is defined.
    """
    splits = members.isel(member=np.flatnonzero(members["half"].values >= 0))
    source = splits if splits.sizes["member"] else members
    known = (source["held_out"] == held_out) & (source["depth"] >= 0)
    return source["depth"].where(known).mean("member").values


def _thumbnails(members: xr.Dataset, pool: Pool) -> xr.Dataset:
    """Pick pictures: per class those nearest each corner of (validation, training) depth.

    Random ones fill the rest.
    """
    plane = np.stack([mean_depths(members, True), mean_depths(members, False)])
    plane = np.where(np.isnan(plane).all(1, keepdims=True), 0.5, plane)  # no held-out members
    low, high = np.nanmin(plane, 1, keepdims=True), np.nanmax(plane, 1, keepdims=True)
    plane = (plane - low) / np.maximum(high - low, 1e-9)
    classes = range(len(pool.classes))
    each = max(THUMBNAILS // (5 * len(CORNERS) * len(pool.classes)) * 4, 1)
    chosen: list[int] = []
    for corner in CORNERS:
        distance = np.hypot(plane[0] - corner[0], plane[1] - corner[1])
        for c in classes:
            own = np.flatnonzero((pool.labels == c) & ~np.isnan(distance))
            chosen += own[np.argsort(distance[own], kind="stable")[:each]].tolist()
    rest = _not_in(chosen, np.random.default_rng(0).permutation(len(pool.labels)))
    picked = np.array((sorted(set(chosen)) + list(rest))[:THUMBNAILS])
    dims = ("thumb", "height", "width", "channel")
    return xr.Dataset({"image": (dims, pool.images[picked]), "example": ("thumb", picked)})


def _not_in(chosen: list[int], order: np.ndarray) -> Iterator[int]:
    taken = set(chosen)
    return (int(i) for i in order if int(i) not in taken)
