"""Chapter 4's bounds: fitted on half the networks of an ensemble, scored on the other half.

Depths are scaled: the input is 0, the last probe (the softmax) is 1. As the ledger says, a bound
leaves 2.5 % of the examples beyond it where it is fitted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nbcore.chapters.depth_bounds.config import DepthBounds
from nbcore.chapters.depth_bounds.scores import (
    Course,
    Floats,
    Sample,
    Scores,
    courses,
    halves,
    scores,
    turns,
)
from nbcore.depths.ensembles import load
from nbcore.depths.view import EnsembleView
from nbcore.errors import DataError
from nbcore.measures.bounds import Bound, BoundResult, TooFewExamples, fit_bound, score_bound
from nbcore.runs.store import Run

#: of the examples lie beyond a bound where it is fitted, as the ledger says
SHARE = 0.025
#: predictions on which a consistency score must rest for the ledger
ENOUGH = 10


class Bounds(NamedTuple):
    """One ensemble's scores and bounds; a bound is None where too few examples fill the depths.

    whole: scores over all networks; parts: over each half; right: whether the consensus of all
    networks is the label; lower, agreement, entropy: the bounds of B5, B8, B12; upper: B6's.
    """

    sample: Sample
    whole: Scores
    parts: tuple[Scores, Scores]
    right: np.ndarray
    lower: BoundResult | None
    upper: Bound | None
    agreement: BoundResult | None
    entropy: BoundResult | None


@dataclass(frozen=True)
class Study:
    """What the chapter is made of; `found`, `along` hold the ensembles that the ledger can use."""

    config: DepthBounds
    runs: dict[str, Run]
    samples: dict[str, Sample]
    found: dict[str, Bounds]
    along: dict[str, dict[str, Course | None]]
    slopes: pd.DataFrame


def gather(config: DepthBounds, fresh: bool = False) -> Study:
    """Gather everything on the page; `fresh`: from networks trained now, not from stored runs."""
    runs = load(config, fresh)
    samples = {key: Sample.of(EnsembleView.of(key, run)) for key, run in runs.items()}
    usable, many = ready(samples), config.resamples
    return Study(
        config,
        runs,
        samples,
        {key: bounds(sample, many) for key, sample in usable.items()},
        {key: courses(sample, many) for key, sample in usable.items()},
        steepness(samples, many),
    )


def ready(samples: Mapping[str, Sample]) -> dict[str, Sample]:
    """Keep the ensembles that the ledger can use: DATASET:NETWORK -> sample.

    Those whose examples were held out ten times or more, by the median; if there are none, those
    held out twice or more. DataError if not even that: then no two halves can be made.
    """
    for fewest in (ENOUGH, 2):
        found = {k: s for k, s in samples.items() if np.median(s.predictions) >= fewest}
        if found:
            return found
    raise DataError(
        "No ensemble holds its examples out twice, so no bound can be fitted on one half and "
        "scored on the other; give members=20 or more."
    )


def only(values: Floats, kept: Any) -> Floats:
    """Replace the values that are not kept by NaN."""
    return np.where(kept, values, np.nan)


def bounds(
    sample: Sample, resamples: int = 500, tie: str = "label", seed: int | None = None
) -> Bounds:
    """Compute all bounds of one ensemble; seed: draws the halves anew (see `scores.halves`)."""
    half = halves(sample.held_out, seed)
    a, b = (scores(sample.some(half == i), tie) for i in (0, 1))
    whole = scores(sample, tie)
    right, known = whole.consensus == sample.label, whole.consensus >= 0

    def scored(field: str, side: str = "lower", kept: Any = True) -> BoundResult | None:
        x, y = only(a.depth, kept), b.depth
        u, v = getattr(a, field), getattr(b, field)
        return attempt(score_bound, x, u, y, v, side, SHARE, resamples=resamples)

    wrong = only(a.depth, known & ~right)
    upper = attempt(fit_bound, wrong, a.consistency, "upper", SHARE)
    return Bounds(
        sample,
        whole,
        (a, b),
        right,
        scored("consistency", kept=right),
        upper,
        scored("agreement"),
        scored("entropy", "upper"),
    )


def attempt(fit: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """Return fit(...), or None where the examples do not fill two depth bins."""
    try:
        return fit(*args, **keywords)
    except TooFewExamples:
        return None


def steepness(samples: Mapping[str, Sample], resamples: int) -> pd.DataFrame:
    """Fit the bound on consensus-consistency of each ensemble, on equally many predictions (B13).

    Where the line lies depends on how many predictions a score rests on, so all ensembles of one
    architecture are cut to as many rounds as the smallest has. Columns key, architecture, networks,
    predictions, and as draws (resample + 1,), the observed one first, slope and mean depth.
    """
    rows, rng = [], np.random.default_rng(0)
    for architecture in dict.fromkeys(k.rpartition(":")[2] for k in samples):
        own = {k: s for k, s in samples.items() if k.endswith(f":{architecture}")}
        rounds = min(int(turns(s.held_out)[-1]) + 1 for s in own.values())
        for key, sample in own.items():
            cut = sample.some(turns(sample.held_out) < rounds)
            s = scores(cut)
            kept = np.flatnonzero(np.isfinite(s.depth))
            draws = []
            for r in range(resamples + 1):
                pick = rng.choice(kept, len(kept)) if r else kept
                line = attempt(fit_bound, s.depth[pick], s.agreement[pick], "lower", SHARE)
                draws.append((line.slope if line else np.nan, s.depth[pick].mean()))
            slope, depth = np.array(draws).T
            rows.append(
                {
                    "key": key,
                    "architecture": architecture,
                    "networks": cut.networks,
                    "predictions": int(np.median(cut.predictions)),
                    "slope": slope,
                    "depth": depth,
                }
            )
    return pd.DataFrame(rows)
