"""How uncertain a public testbed's line is: its models scatter, and its images are a sample too.

The least-squares errors know only the scatter of the models. Had other images been drawn, all
models would have done better or worse together, which moves the line without any scatter. Where
only right answers per model are kept, not predictions per image, that is drawn from a model
(parametric bootstrap): accuracies jointly normal, each with its binomial variance p (1 - p) / n.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from nbcore.lines.public import Testbed

Floats = NDArray[np.float64]


class Errors(NamedTuple):
    """Standard errors of a line's slope and intercept: scatter of models and images together."""

    slope: float
    intercept: float


def errors(bed: Testbed, resamples: int = 2000, seed: int = 0) -> Errors:
    """Add the spread over drawn images to the least-squares errors, as variances.

    The scatter already holds the part of the images' noise that differs from model to model, so
    this errs on the wide side.
    """
    draws = image_draws(bed, resamples, seed)
    spread = draws.std(axis=0, ddof=1)
    slope, intercept = np.hypot((bed.line.slope_se, bed.line.intercept_se), spread)
    return Errors(float(slope), float(intercept))


def image_draws(bed: Testbed, resamples: int, seed: int = 0) -> Floats:
    """Draw both test sets again, models fixed: (draw, 2) slope and intercept in logits."""
    rng, shared = np.random.default_rng(seed), correlation(bed)
    root = _root(shared)
    scaled = []
    for axis, total in (("id", bed.id_total), ("ood", bed.ood_total)):
        accuracy = bed.models[axis].to_numpy()
        noise = rng.standard_normal((resamples, root.shape[1])) @ root.T
        drawn = accuracy + noise * np.sqrt(accuracy * (1 - accuracy) / total)
        scaled.append(special.logit(np.clip(drawn, 0.5 / total, 1 - 0.5 / total)))
    x, y = scaled
    dx = x - x.mean(1, keepdims=True)
    slope = (dx * y).sum(1) / (dx**2).sum(1)
    return np.stack([slope, y.mean(1) - slope * x.mean(1)], 1)


def correlation(bed: Testbed) -> Floats:
    """Compute the (model, model) correlation over images of two models' being right.

    It comes from the stored dominance on the ID images (i right and j wrong), and is taken to be
    the same on the shifted ones. Where no dominance is stored (percentages alone), 1: all models
    gain and lose together, which is the most that images can move a line up or down.
    """
    if "dominance" not in bed.run.manifest["tables"]:
        return np.ones((len(bed.models), len(bed.models)))
    names, right = bed.models["model"].to_numpy(), bed.models["id"].to_numpy()
    matrix = bed.run.table("dominance")["dominance"].sel(model=names, other=names).values
    both = right[:, None] - matrix
    spread = np.sqrt(right * (1 - right))
    out = (both - np.outer(right, right)) / np.outer(spread, spread)
    np.fill_diagonal(out, 1.0)
    return (out + out.T) / 2  # the two triangles differ by rounding


def _root(shared: Floats) -> Floats:
    """Factor `shared` into a matrix times its transpose, of as few columns as that takes."""
    values, vectors = np.linalg.eigh(shared)
    kept = values > 1e-9 * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])
