"""Chapter 15's figures of tangent kernels."""

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.chapters.learned_first import observe, scaling
from nbcore.chapters.learned_first.figures import judged, missing, rows, said
from nbcore.chapters.learned_first.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.panels import panels
from nbcore.charts.tables import Table, show
from nbcore.measures.bootstrap import estimate

SURE = {1: "more", 0: "not surely more", -1: "less"}


def power(study: Study, learner: str, least: int = 0) -> str:
    """Write an exponent with its interval."""
    own = study.exponents(learner, least)
    e = estimate(study.over_seeds(own), len(own), "1", observe.SEEDS)
    return f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}]"


def scaling_laws(study: Study) -> Figure | Table:
    """Draw test errors of the network and its kernels by the number of pictures."""
    if "tangent" not in study.runs:
        return missing("tangent")
    n = study.scaled["n"].values
    parts = [rows(study, np.log10(study.errors(k)), n.astype(float), k) for k in scaling.LEARNERS]
    shown = pd.concat(parts).reset_index(drop=True)
    gain = observe.scaled(study)["exponent of the network minus kernel at the start"]
    return charts.curve(
        shown,
        x_title="training pictures",
        y_title="log10 of the test error",
        x_scale="log",
        x_format="~s",
        y_format=".2f",
        title=f"The network gains {SURE[judged(gain, low=1e-12)]} from data than its kernel at the "
        f"start: exponents {study.exponents(scaling.NETWORK).mean():.2f} and "
        f"{study.exponents(scaling.START).mean():.2f}",
        subtitle=f"Two groups of classes; means over {len(study.scaled['member'])} seeds with 95 % "
        "intervals",
        description="Logarithm of the test error by the number of training pictures. "
        f"{said(shown)}.",
    )


def exponents(study: Study) -> Table:
    """Tabulate exponents with intervals, over all pictures and from the pretraining ones on."""
    if "tangent" not in study.runs:
        return missing("tangent")
    after = f"from {study.pretrained:,} pictures on"
    rows_ = [
        {"learner": k, "exponent": power(study, k), after: power(study, k, study.pretrained)}
        for k in scaling.LEARNERS
    ]
    return show(
        pd.DataFrame(rows_),
        caption="Exponents with 95 % intervals over seeds; the pretrained kernel has seen its "
        "pretraining pictures at every size, so that only the right column compares it fairly",
    )


def along(study: Study) -> Figure | Table:
    """Draw how far the network's kernel moves in training, and what regression with it errs."""
    if "tangent" not in study.runs:
        return missing("tangent")
    x = study.scaled["moment"].values.astype(float)
    far = study.scaled["distance"].transpose("member", "moment", "other").values[:, :, 0]
    error = study.scaled["error_along"].transpose("member", "moment").values
    names = ("distance from the kernel at the start", "test error of regression with the kernel")
    parts = [
        rows(study, values, x, "network's kernel").assign(panel=name)
        for name, values in zip(names, (far, error), strict=True)
    ]
    shown, seen = pd.concat(parts).reset_index(drop=True), observe.scaled(study)
    fell = seen["error by the kernel after a tenth of training minus after all of it"]
    still = seen["control lazy network kernel distance from start to end"]
    told = {
        1: "The kernel improves through training",
        0: "Whether the kernel improves after a tenth of training is not settled",
        -1: "The kernel does not improve after a tenth of training",
    }[judged(fell, low=1e-12)]
    return panels(
        shown,
        x_title="share of training",
        y_title="distance, error",
        x_format="~%",
        y_format=".2f",
        title=f"{told}: between a tenth and the end the error with it falls by {fell.value:.3f}",
        subtitle=f"A lazy network's kernel moves by {still.value:.4f} in all; regression on "
        f"{scaling.FITTED:,} pictures or as many as there are",
        description="Distance of the network's kernel from its start, and the test error of "
        f"regression with it, along training. {said(shown)}.",
    )
