"""Tables and words that the chapters on lines share."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from nbcore.lines import compare
from nbcore.lines.curves import Study
from nbcore.measures import bends
from nbcore.training import kinds

WORDS = {
    "last-layer": "last layer",
    "full": "whole network",
    "random": "random start",
    "random-small": "random start, small images",
    "last-layer-mse": "last layer, squared error",
    "last-layer-small": "last layer, small images",
}


def words(condition: str) -> str:
    """Name a condition as the page names it."""
    if condition in WORDS:
        return WORDS[condition]
    rate = float(condition.removeprefix("last-layer-lr-"))
    power = round(np.log10(rate))
    small = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"last layer, rate {f'10{small}' if np.isclose(rate, 10.0**power) else f'{rate:g}'}"


def summary(study: Study, called: Callable[[str], str] = words) -> pd.DataFrame:
    """Tabulate per condition the accuracies at the end (percent) and ER at start, peak, end.

    ER is in points. called: how the page names a condition; also below.
    """
    rows = []
    for c in study.curves.values():
        row: dict[str, object] = {"condition": called(c.name), "seeds": c.seeds}
        row["checkpoints"] = len(c.steps)
        row |= {"ID": f"{100 * c.id[0, -1]:.1f}", "OOD": f"{100 * c.ood[0, -1]:.1f}"}
        if c.covered.any():
            top = compare.peak(c)
            low, high = 100 * top.low, 100 * top.high
            start, peak, end = (100 * c.er[0, at] for at in (c.start, c.peak, c.end))
            row |= {
                "start": f"{start:+.1f}",
                "peak": f"{peak:+.1f} [{low:+.1f}, {high:+.1f}]",
                "end": f"{end:+.1f}",
                "chance": f"{100 * c.band[c.peak]:.1f}",
            }
        rows.append(row)
    return pd.DataFrame(rows)


def control(study: Study, called: Callable[[str], str] = words) -> pd.DataFrame:
    """Tabulate the largest ER of each condition and the chance band there, with shuffled labels."""
    rows = []
    for c in (c for c in study.curves.values() if c.covered.any()):
        rows.append(
            {
                "condition": called(c.name),
                "largest ER": 100 * c.er[0, c.peak],
                "chance band": 100 * c.band[c.peak],
            }
        )
    return pd.DataFrame(rows)


def network(name: str) -> str:
    """Name a model of a testbed as people do; any other keeps its name.

    >>> network("vgg16-crops-5000")
    'VGG, width 16, crops, on 5,000 images'
    """
    kind, _, images = name.rpartition("-")
    if kind not in kinds.KINDS or not images.isdigit():
        return name
    n, found = int(images), kinds.CONVOLUTIONS.get(kind)
    if found is None:
        return f"{'MLP' if kind == 'mlp' else kind} on {n:,} images"
    family = FAMILIES.get(found.family, found.family)
    length = "" if found.passes == 1 else ", shorter" if found.passes < 1 else ", longer"
    return f"{family}, width {found.width}{', crops' * found.crops}{length}, on {n:,} images"


FAMILIES = {"vgg": "VGG", "resnet": "ResNet"}


def families_of(models: Iterable[str]) -> list[str]:
    """Name a group for each model of a picture (`kinds.groups`) as people write it."""
    return [FAMILIES.get(name, name) for name in kinds.groups(models)]


#: ID accuracy from which a network of the testbed is counted as strong
STRONG = 0.75


def straightness(study: Study) -> pd.DataFrame:
    """Tabulate whether the line's models bend, and the slope without each family of them."""
    fit, models = study.line, study.models
    rows = [("slope, all models", f"{fit.slope:.3f} ± {fit.slope_se:.3f}", "")]
    families = families_of(models["model"])
    for name, (slope, se) in bends.without_each(models["id"], models["ood"], families).items():
        rows.append((f"slope without {name}", f"{slope:.3f} ± {se:.3f}", ""))
    if study.bend is not None:
        found = study.bend
        said = "bends" if found.significant else "no bend found"
        rows.append(
            ("quadratic term", f"{found.term:+.3f} ± {found.se:.3f}", f"{found.told}: {said}")
        )
    return pd.DataFrame(rows, columns=["in logits", "value ± standard error", ""])


def roster(study: Study) -> pd.DataFrame:
    """Tabulate the networks of the line by family: how many, their accuracies, the best of them."""
    models = study.models.assign(family=families_of(study.models["model"]))
    rows: list[tuple[object, ...]] = [
        (
            family,
            len(part),
            f"{100 * part['id'].min():.0f} to {100 * part['id'].max():.0f}",
            int((part["id"] >= STRONG).sum()),
            network(part.loc[part["id"].idxmax(), "model"]),
        )
        for family, part in [*models.groupby("family"), ("all", models)]
    ]
    top = f"of {100 * STRONG:.0f} % and more"
    return pd.DataFrame(rows, columns=["family", "networks", "ID accuracy, %", top, "the best"])
