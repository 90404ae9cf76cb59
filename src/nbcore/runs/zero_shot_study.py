"""Chapter 6's measures against chapter 2's testbed: effective robustness of every reading and head.

The bootstrap is chapter 2's: a draw resamples the evaluation images, the same ones for every model,
refits the line, and resamples seeds, so that all differences are paired.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from nbcore.errors import DataError, ParameterError
from nbcore.measures import robustness
from nbcore.paths import cache_dir, results_dir
from nbcore.runs import er_curves
from nbcore.runs.conditions import RiseAndFall, data_roles
from nbcore.runs.er_curves import Curve
from nbcore.runs.line import add_intervals
from nbcore.runs.rise_and_fall import run_testbed
from nbcore.runs.store import find
from nbcore.runs.zero_shot import RULES, ZeroShot, beside
from nbcore.runs.zero_shot_members import run_zero_shot


@dataclass
class ZeroShotStudy(er_curves.Study):
    """Chapter 2's `Study` with what dominance needs.

    curves: one per rule (a single checkpoint, a single seed), `probe`, one per head, and `full`,
    chapter 2's whole network, where its run is stored. testbed_bits: (model, example) bool;
    bits[name]: (seed, checkpoint, example) bool; weights: (example, draw) of the ID images.
    """

    config: ZeroShot = field(default_factory=ZeroShot)
    role: str = "ood"
    testbed_bits: np.ndarray = field(default_factory=lambda: np.empty((0, 0), bool))
    bits: dict[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray = field(default_factory=lambda: np.empty((0, 1)))

    @property
    def rules(self) -> dict[str, Curve]:
        """The readings without training, by name."""
        return {k: c for k, c in self.curves.items() if k in RULES}

    @cached_property
    def plain(self) -> xr.Dataset:
        """The zero-shot member: predictions, labels, sources, control."""
        return self.run.table("zero_shot")


def study(
    config: ZeroShot, role: str = "ood", shuffled: bool = False, fresh: bool = False
) -> ZeroShotStudy:
    """Load or compute the run and chapter 2's testbed, and measure everything against its line.

    role: which shifted set ("ood", "ood2", ...). shuffled: the control, in which that set's labels
    are shuffled. Raises ParameterError when the set was not measured.
    """
    bed, run = run_testbed(beside(config)), run_zero_shot(config, fresh)
    table, rows = bed.table("models"), run.table("curves")
    kinds = {"id": "correct_id", role: f"{'shuffled' if shuffled else 'correct'}_{role}"}
    if kinds[role] not in table:
        raise ParameterError(f"The run has no evaluation set {role!r}; it has one per `ood` name.")
    totals = {k: int(table.attrs[f"total_{k}"]) for k in kinds}
    rng = np.random.default_rng(0)
    weights = {k: er_curves._weights(n, config.resamples, rng) for k, n in totals.items()}
    wanted = [m for m in config.testbed if m in {str(m) for m in table["member"].values}]
    theirs = {k: er_curves._accuracy(table.sel(member=wanted), v, weights[k])
              for k, v in kinds.items()}  # fmt: skip
    # a model that is always right or always wrong has no logit, and no place on the line
    finite = np.all([(v[:, 0] > 0) & (v[:, 0] < 1) for v in theirs.values()], axis=0)
    theirs = {k: v[finite] for k, v in theirs.items()}
    wanted = [m for m, keep in zip(wanted, finite, strict=True) if keep]
    try:
        line = robustness.fit_line(theirs["id"][:, 0], theirs[role][:, 0])
    except ValueError as error:
        raise DataError(f"The testbed gives no line on {role}: {error}") from None
    fits = er_curves._lines(theirs["id"], theirs[role])
    models = pd.DataFrame({"model": wanted, "id": theirs["id"][:, 0], "ood": theirs[role][:, 0]})
    models = add_intervals(models, line, totals["id"], totals[role], 0.95)
    curves, bits = {}, {}
    for name, part in _conditions(rows, chapter_two(config)).items():
        kept = ~np.isnan(part["step"].values[0])
        acc = [er_curves._accuracy(part, kinds[k], weights[k])[:, kept].transpose(2, 0, 1)
               for k in ("id", role)]  # fmt: skip
        expected = special.expit(
            fits[0][:, None, None] * er_curves._logit(acc[0]) + fits[1][:, None, None]
        )
        steps = part["step"].values[0][kept]
        curves[name] = er_curves._curve(
            name, steps, acc[0], acc[1], expected, line, totals[role], rng
        )
        bits[name] = _unpack(part["correct_id"].values[:, kept], totals["id"])
    return ZeroShotStudy(
        bed, run, models, line, curves, totals["id"], totals[role], config, role,
        _unpack(table.sel(member=wanted)["correct_id"].values, totals["id"]), bits, weights["id"],
    )  # fmt: skip


def chapter_two(config: ZeroShot) -> xr.Dataset | None:
    """Chapter 2's whole-network members where they are stored: nothing is computed for them."""
    c = beside(config)
    for root, origin in ((results_dir(), "stored"), (cache_dir() / "runs", "cached")):
        run = find(root, RiseAndFall.slug, c, data_roles(c), origin)
        if run and "curves" in run.manifest["tables"]:
            table = run.table("curves")
            names = [str(m) for m in table["member"].values if str(m).startswith("full-seed")]
            return table.sel(member=names) if names else None
    return None


def _conditions(rows: xr.Dataset, more: xr.Dataset | None) -> dict[str, xr.Dataset]:
    """The members of each condition, the rules first."""
    out: dict[str, xr.Dataset] = {}
    for table in (t for t in (rows, more) if t is not None):
        names = [str(m) for m in table["member"].values]
        for name in dict.fromkeys(n.rsplit("-seed", 1)[0] for n in names):
            mine = [n for n in names if n.rsplit("-seed", 1)[0] == name]
            out[name] = table.sel(member=mine)
    order = {name: i for i, name in enumerate((*RULES, "probe", "fresh-head", "mapped-head"))}
    return dict(sorted(out.items(), key=lambda kv: (order.get(kv[0], 99), kv[0])))


def _unpack(packed: np.ndarray, total: int) -> np.ndarray:
    return np.unpackbits(packed, axis=-1, count=total).astype(bool)
