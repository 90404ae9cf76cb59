"""The noise of a public line against a bootstrap over the images themselves."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special

from nbcore import data
from nbcore.lines import noise
from nbcore.lines.public import Testbed, load_testbed
from nbcore.measures import agreement, robustness


def made(right, shifted, keep=True):
    """A testbed of these predictions (model, image); keep: with the stored dominance."""
    names = [f"m{i}" for i in range(len(right))]
    matrix = agreement.dominance_matrix(right)
    coords = {"model": names, "other": names}
    table = xr.Dataset({"dominance": (("model", "other"), matrix)}, coords)
    tables = ("models", "dominance") if keep else ("models",)
    run = SimpleNamespace(manifest={"tables": tables}, table=lambda _: table)
    frame = pd.DataFrame({"model": names, "id": right.mean(1), "ood": shifted.mean(1)})
    line = robustness.fit_line(frame["id"], frame["ood"])
    return Testbed("made", run, frame, line, right.shape[1], shifted.shape[1])


def alike(n, models, rng, shift=0.0):
    """Predictions of models that mostly agree on which images are hard."""
    hard, skill = rng.normal(size=n), np.linspace(-0.5, 1.5, models)[:, None]
    return 1.5 * (skill - shift) - hard + 0.5 * rng.normal(size=(models, n)) > 0


def over_images(right, shifted, resamples, rng):
    """(draw, 2) slope and intercept with the images themselves drawn again."""
    out = []
    for _ in range(resamples):
        x, y = (
            special.logit(v[:, rng.integers(0, v.shape[1], v.shape[1])].mean(1))
            for v in (right, shifted)
        )
        out.append(np.polyfit(x, y, 1))
    return np.array(out)


def test_counts_alone_give_the_spread_that_the_images_give():
    rng = np.random.default_rng(0)
    right, shifted = alike(2000, 15, rng), alike(2000, 15, rng, 0.5)
    bed = made(right, shifted)
    by_counts = noise.image_draws(bed, 2000).std(0)
    by_images = over_images(right, shifted, 500, rng).std(0)
    assert by_counts == pytest.approx(by_images, rel=0.2)
    # models that err alike move together: the scatter around the line does not know of it
    assert by_counts[1] > bed.line.intercept_se
    assert noise.errors(bed).intercept > bed.line.intercept_se


def test_the_correlation_is_that_of_being_right():
    right = alike(3000, 4, np.random.default_rng(1))
    assert noise.correlation(made(right, right)) == pytest.approx(np.corrcoef(right))
    assert (noise.correlation(made(right, right, keep=False)) == 1).all()


def test_the_published_line_against_its_own_images(real_data):
    bed, raw = load_testbed("cifar10.1"), data.load_testbed("testbed-cifar10.1")
    order = [list(raw.models).index(m) for m in bed.models["model"]]
    right = (raw.id_predictions == raw.id_labels)[order]
    shifted = (raw.ood_predictions == raw.ood_labels)[order]
    by_images = over_images(right, shifted, 200, np.random.default_rng(0)).std(0)
    assert noise.image_draws(bed, 1000).std(0) == pytest.approx(by_images, rel=0.3)
