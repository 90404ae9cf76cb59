"""A stress test beside the shift: CIFAR-10-Neg, images chosen so that better models do worse.

Effective robustness is a height above a line on which better models do better. Where they do
worse, a height above the line would be a prize for being bad, so none is reported here: only
accuracy against ID accuracy, and the sign of the slope, of the last layers of several networks. The
testbed's models were never shown these images; where `ood` names the set, all of a page's models
were, and they are shown with a slope of their own.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from nbcore import charts
from nbcore.chapters.rise_and_fall import last_layers, networks
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, sentence
from nbcore.lines.config import data_roles
from nbcore.lines.curves import by_condition, id_weights
from nbcore.lines.figures import instead
from nbcore.lines.trained import run_testbed
from nbcore.measures import robustness
from nbcore.measures.bootstrap import (
    IMAGES_AND_SEEDS,
    Floats,
    draw_weights,
    estimate,
    peak_estimate,
    seed_weights,
)
from nbcore.measures.estimate import Estimate

NEG, NEG_TITLE = "cifar10-neg", "CIFAR-10-Neg"
NONE = f"Not drawn: {NEG_TITLE} has the classes of CIFAR-10, and needs three networks or more."


@dataclass
class Stress:
    """Accuracies at the end of training, by model: draw 0 as observed, fractions.

    inside, outside: (draw, model); falls: of each model, accuracy on the set at its highest along
    training minus that at the end, {} for models without checkpoints; images: how many there are.
    """

    models: list[str]
    inside: Floats
    outside: Floats
    falls: dict[str, Estimate]
    images: int

    @property
    def slope(self) -> Estimate:
        """Estimate the slope of logit accuracy on the set over logit ID accuracy, over models."""
        found = _slopes(self.inside, self.outside)
        return estimate(found, len(self.models), "1", IMAGES_AND_SEEDS)

    @property
    def without_each(self) -> Floats:
        """Compute the slope without each model in turn, as observed: (model,)."""
        pairs = (self.inside[:1], self.outside[:1])
        parts = [[np.delete(a, k, 1) for a in pairs] for k in range(len(self.models))]
        return np.array([_slopes(x, y)[0] for x, y in parts])


def _slopes(inside: Floats, outside: Floats) -> Floats:
    """Fit the slope in logits of every draw; arrays (draw, model)."""
    x, y = (special.logit(np.clip(a, 1e-4, 1 - 1e-4)) for a in (inside, outside))
    dx = x - x.mean(1, keepdims=True)
    return (dx * y).sum(1) / (dx**2).sum(1)


def study(config: RiseAndFall, shuffled: bool = False) -> dict[str, Stress]:
    """Load or compute what the last layers say, and the testbed if it saw the set: by group.

    shuffled: the control, with the set's labels shuffled, where no slope can be. Empty where the
    images trained on are not CIFAR-10's or there are fewer than three networks.
    """
    if config.id != RiseAndFall().id or len(config.compared) < 3:
        return {}
    heads, role = last_layers.beside(config), _role(config)
    if not role:
        heads = replace(heads, ood=(NEG,), lrs=heads.lrs[:1], sides=heads.sides[:1])
    table = last_layers.run_last_layers(heads).table("curves")
    parts = {k: v for k, v in by_condition(table).items() if k in networks.main_names(config)}
    seen = {"last layers": measure(parts, role or "ood", config.resamples, shuffled)}
    if role:
        bed = run_testbed(config).table("models")
        names = [m for m in config.line_models if m in bed["member"].values]
        alone = {m: bed.sel(member=[m]).expand_dims("checkpoint", 1) for m in names}
        seen["trained from scratch"] = measure(alone, role, config.resamples, shuffled)
    return seen


def _role(config: RiseAndFall) -> str:
    return next((role for role, name in data_roles(config).items() if name == NEG), "")


def measure(
    parts: dict[str, xr.Dataset], role: str, resamples: int = 500, shuffled: bool = False
) -> Stress:
    """Measure models by name: tables of packed bits (member, checkpoint, byte), members are seeds.

    One bootstrap for all: a draw takes the images with replacement, the same for every model, and
    lets other seeds stand in.
    """
    first = next(iter(parts.values()))
    totals = {k: int(first.attrs[f"total_{k}"]) for k in ("id", role)}
    weights = {
        "id": id_weights(totals["id"], resamples),
        role: draw_weights(totals[role], resamples, 1).T,
    }
    rng, ends, falls = np.random.default_rng(2), [], {}
    for name, part in parts.items():
        by = seed_weights(part.sizes["member"], resamples, rng)
        variables = {"id": "correct_id", role: f"{'shuffled' if shuffled else 'correct'}_{role}"}
        along = {
            k: np.einsum("ds,skd->dk", by, _accuracy(part[v].values, weights[k]))
            for k, v in variables.items()
        }
        ends.append([along["id"][:, -1], along[role][:, -1]])
        if part.sizes["checkpoint"] > 1:
            gap, n = along[role] - along[role][:, -1:], part.sizes["member"]
            falls[name] = peak_estimate(gap, n, "fraction", IMAGES_AND_SEEDS)
    inside, outside = np.array(ends).transpose(1, 2, 0)
    return Stress(list(parts), inside, outside, falls, totals[role])


def _accuracy(packed: np.ndarray, weights: np.ndarray) -> np.ndarray:
    bits = np.unpackbits(packed, axis=-1, count=len(weights)).astype(np.float32)
    return (bits @ weights).astype(float) / len(weights)


def _name(model: str) -> str:
    return networks.network(model) if ", rate " in model else model


def _rows(group: str, found: Stress) -> pd.DataFrame:
    table = pd.DataFrame({"model": map(_name, found.models), "group": group})
    for axis, draws in (("id", found.inside), ("ood", found.outside)):
        table[axis] = draws[0]
        low, high = np.quantile(draws[1:], [0.025, 0.975], axis=0)
        table[f"{axis}_low"], table[f"{axis}_high"] = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return table


def _direction(slope: Estimate) -> str:
    if slope.low <= 0 <= slope.high:
        return "neither better nor worse for certain"
    return "better" if slope.value > 0 else "worse"


def figure(seen: dict[str, Stress]) -> Figure | Table:
    """Draw accuracy on the stress test against ID accuracy, with the slope of the last layers."""
    if not seen:
        return instead(NONE)
    group, found = next(iter(seen.items()))
    slope, table = found.slope, pd.concat([_rows(k, v) for k, v in seen.items()])
    points = zip(table["model"], 100 * table["id"], 100 * table["ood"], strict=True)
    said = "; ".join(f"{name} {x:.1f}, {y:.1f}" for name, x, y in points)
    return charts.accuracy_scatter(
        table,
        robustness.fit_line(found.inside[0], found.outside[0]),
        title=f"{_direction(slope).capitalize()} on {NEG_TITLE}, where better on CIFAR-10",
        subtitle=f"{len(found.models)} {group} at the end of training, {found.images} images, 95 % "
        f"intervals; slope in logits {_shown(slope)}",
        description=f"Accuracy on {NEG_TITLE} against ID accuracy, in percent: {said}. The slope "
        f"in logits is {_shown(slope)}.",
        y_title=f"{NEG_TITLE} accuracy",
        line_label="fitted to these, no yardstick",
    )


def _shown(seen: Estimate) -> str:
    return f"{seen.value:+.2f} [{seen.low:+.2f}, {seen.high:+.2f}]"


def told(seen: dict[str, Stress], control: dict[str, Stress]) -> Table:
    """Say in a sentence what the slope is, whether accuracy falls in training, and what control."""
    if not seen:
        return instead(NONE)
    return sentence(" ".join(_told(k, v, control[k].slope) for k, v in seen.items()))


def _told(group: str, found: Stress, shuffled: Estimate) -> str:
    slope, low, high = found.slope, 100 * found.outside[0].min(), 100 * found.outside[0].max()
    fell = sum(e.low > 0 for e in found.falls.values())
    along = f"; along training {fell} of {len(found.falls)} fall from their highest accuracy there"
    least, most = found.without_each.min(), found.without_each.max()
    return (
        f"{group[0].upper()}{group[1:]}: from {low:.1f} to {high:.1f} % are right on {NEG_TITLE}, "
        f"with a slope of {_shown(slope)} over {slope.n} models ({least:+.2f} to {most:+.2f} where "
        "one of them is left out), so that those better on CIFAR-10 "
        f"are {_direction(slope)} here{along if found.falls else ''}; with shuffled labels the "
        f"slope is {_shown(shuffled)}."
    )
