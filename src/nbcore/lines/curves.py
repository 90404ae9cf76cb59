"""Curves of effective robustness over training, with one bootstrap for all of them.

A draw resamples the evaluation images, the same ones for every model, and refits the testbed's line
to them, so differences between conditions are paired; other seeds of each condition stand in as
`bootstrap.seed_weights` says. What is said of several curves is in `compare`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from nbcore.errors import DataError, ParameterError
from nbcore.lines.public import add_intervals
from nbcore.measures import robustness
from nbcore.measures.bends import Bend, bend
from nbcore.measures.bootstrap import IMAGES, IMAGES_AND_SEEDS, seed_weights
from nbcore.runs.store import Run

#: claims of which a bend alone can decide the outcome: that no model ever leaves the line, that two
#: trainings reach one height, that further training loses height
ON_STRAIGHTNESS = ("A6", "A13", "A25")


@dataclass
class Curve:
    """One condition, averaged over seeds. Draw 0 is what was observed; fractions throughout.

    steps: (checkpoint,); id, ood, er, gap_share: (draw, checkpoint), where other seeds stand in;
    er_of_these: the same of the seeds that were trained, so that only images vary; er_by_seed:
    (seed, checkpoint) and id_by_seed likewise, observed; covered: (checkpoint,) mean ID accuracy
    within the line's range; band: (checkpoint,) upper end of the testbed's 95 % chance band at the
    mean ID accuracy.
    """

    name: str
    steps: np.ndarray
    id: np.ndarray
    ood: np.ndarray
    er: np.ndarray
    gap_share: np.ndarray
    er_of_these: np.ndarray
    id_by_seed: np.ndarray
    er_by_seed: np.ndarray
    covered: np.ndarray
    band: np.ndarray

    @property
    def start(self) -> int:
        """The first checkpoint within the line's range."""
        return int(np.flatnonzero(self.covered)[0])

    @property
    def end(self) -> int:
        """The last checkpoint within the line's range."""
        return int(np.flatnonzero(self.covered)[-1])

    @property
    def peak(self) -> int:
        """The covered checkpoint of highest mean effective robustness, as observed.

        Chance has a part in this choice: `compare.peak` has the interval that allows for it.
        """
        return int(np.argmax(np.where(self.covered, self.er[0], -np.inf)))

    @property
    def seeds(self) -> int:
        """How many networks were trained alike."""
        return len(self.er_by_seed)

    @property
    def over(self) -> str:
        """What the draws of this curve stand for."""
        return IMAGES_AND_SEEDS if self.seeds > 1 else IMAGES

    def excess(self) -> np.ndarray:
        """Return effective robustness above the chance band: (draw, checkpoint).

        NaN where not covered.
        """
        return np.where(self.covered, self.er - self.band, np.nan)


@dataclass
class Study:
    """A testbed with its line, and the curves measured against it on one shifted set.

    models, apart: model, id, ood and intervals of the models of the line, and of those shown beside
    it. bend: None where there are too few models to tell.
    """

    testbed: Run
    run: Run
    models: pd.DataFrame
    apart: pd.DataFrame
    line: robustness.Line
    bend: Bend | None
    curves: dict[str, Curve]
    id_total: int
    ood_total: int

    def doubt(self, claim: str) -> str:
        """Say why heights above the line decide nothing about a claim; "" where they do."""
        if claim not in ON_STRAIGHTNESS or self.bend is None or not self.bend.significant:
            return ""
        term = f"{self.bend.term:+.3f}".replace("-", "\u2212")
        return (
            f"the testbed bends (quadratic term {term}, {self.bend.told}), so "
            "that a height above its line is partly the curve's"
        )


def by_condition(*tables: xr.Dataset) -> dict[str, xr.Dataset]:
    """Group the members (NAME-seedN) of tables of curves by condition, in the tables' order."""
    out: dict[str, xr.Dataset] = {}
    for table in tables:
        names = [str(m) for m in table["member"].values]
        for name in dict.fromkeys(n.rsplit("-seed", 1)[0] for n in names):
            out[name] = table.sel(member=[n for n in names if n.rsplit("-seed", 1)[0] == name])
    return out


def measure(
    bed: Run,
    run: Run,
    parts: Mapping[str, xr.Dataset],
    testbed: Sequence[str],
    resamples: int,
    role: str = "ood",
    shuffled: bool = False,
    apart: Sequence[str] = (),
) -> Study:
    """Measure the curves of `parts` (see `by_condition`) against the line of the testbed's models.

    parts: `correct_ROLE` and `shuffled_ROLE` as packed bits (member, checkpoint, byte) of the
    images that the testbed saw, and `step` (member, checkpoint), NaN at the end of short members.
    testbed: the models that count; apart: those that are only shown. ParameterError: no such set;
    DataError: no line.
    """
    kinds = {"id": "correct_id", role: f"{'shuffled' if shuffled else 'correct'}_{role}"}
    table = bed.table("models")
    if kinds[role] not in table:
        raise ParameterError(f"The run has no evaluation set {role!r}; it has one per `ood` name.")
    totals = {k: int(table.attrs[f"total_{k}"]) for k in kinds}
    rng = np.random.default_rng(0)
    weights = {k: _weights(n, resamples, rng) for k, n in totals.items()}
    wanted, bed_acc = _models(table, testbed, kinds, weights)
    observed = {k: v[..., 0] for k, v in bed_acc.items()}
    try:
        line = robustness.fit_line(observed["id"], observed[role])
    except robustness.NoLine as error:
        raise DataError(f"The testbed gives no line on {role}: {error}") from None
    slope, intercept = _lines(bed_acc["id"], bed_acc[role])
    shown, shown_acc = _models(table, apart, kinds, weights)
    models, beside = (
        add_intervals(
            pd.DataFrame({"model": names, "id": at["id"][..., 0], "ood": at[role][..., 0]}),
            line,
            totals["id"],
            totals[role],
            0.95,
        )
        for names, at in ((wanted, bed_acc), (shown, shown_acc))
    )
    curves = {}
    for name, part in parts.items():
        steps = part["step"].values[0]
        kept = ~np.isnan(steps)
        inside, outside = (
            _accuracy(part, kinds[k], weights[k])[:, kept].transpose(2, 0, 1) for k in ("id", role)
        )
        expected = special.expit(slope[:, None, None] * _logit(inside) + intercept[:, None, None])
        curves[name] = _curve(name, steps[kept], inside, outside, expected, line, totals[role], rng)
    curved = bend(observed["id"], observed[role]) if line.n >= 5 else None
    return Study(bed, run, models, beside, line, curved, curves, totals["id"], totals[role])


def _models(
    table: xr.Dataset,
    names: Sequence[str],
    kinds: Mapping[str, str],
    weights: Mapping[str, np.ndarray],
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Keep the named models that the table has; give per role their accuracy in every draw.

    A model that is always right or always wrong has no logit, so it is left out.
    """
    present = {str(m) for m in table["member"].values}
    found = [m for m in names if m in present]
    part = table.sel(member=found)
    accuracy = {k: _accuracy(part, v, weights[k]) for k, v in kinds.items()}
    finite = np.all([(v[:, 0] > 0) & (v[:, 0] < 1) for v in accuracy.values()], axis=0)
    kept = [m for m, keep in zip(found, finite, strict=True) if keep]
    return kept, {k: v[finite] for k, v in accuracy.items()}


def id_weights(total: int, resamples: int) -> np.ndarray:
    """Count how often `measure` draws each ID image: (image, 1 + resamples); draw 0 is all once."""
    return _weights(total, resamples, np.random.default_rng(0))


def _curve(name, steps, inside, outside, expected, line, ood_total, rng) -> Curve:
    """Average over seeds; arrays (draw, seed, checkpoint), other seeds stand in from draw 1 on."""
    draws, seeds, _ = inside.shape
    by = seed_weights(seeds, draws - 1, rng)

    def mean(x: np.ndarray) -> np.ndarray:
        return np.einsum("ds,dsk->dk", by, x)

    gap = mean(inside - expected)
    er = mean(outside - expected)
    middle = mean(inside)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(np.abs(gap) < 1e-9, np.nan, er / gap)
    return Curve(
        name,
        steps.astype(int),
        middle,
        mean(outside),
        er,
        share,
        (outside - expected).mean(1),
        inside[0],
        (outside - expected)[0],
        line.covers(middle[0]),
        robustness.chance_band(middle[0], ood_total, line)[1],
    )


def _weights(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how often each image is used: (image, 1 + resamples); the first draw takes each once."""
    drawn = rng.multinomial(n, np.full(n, 1 / n), resamples).T
    return np.concatenate([np.ones((n, 1)), drawn], axis=1).astype(np.float32)


def _accuracy(table: xr.Dataset, variable: str, weights: np.ndarray) -> np.ndarray:
    """Compute the accuracy under each draw from packed bits: (member, [checkpoint,] draw)."""
    bits = np.unpackbits(table[variable].values, axis=-1, count=len(weights))
    right = bits.astype(np.float32) @ weights  # whole numbers: exact in single precision
    return right.astype(float) / len(weights)


def _logit(x: np.ndarray) -> np.ndarray:
    return special.logit(np.clip(x, 1e-4, 1 - 1e-4))


def _lines(inside: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit slope and intercept in logits of every draw; arrays (model, draw)."""
    x, y = _logit(inside), _logit(outside)
    dx = x - x.mean(0)
    slope = (dx * y).sum(0) / (dx**2).sum(0)
    return slope, y.mean(0) - slope * x.mean(0)
