"""The explorer's picture standing still: every model on ImageNetV2, the line, who stands above it.

The landing page shows it before any script runs; the first touch brings the explorer itself.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nbcore.lines.explorer import Beds, colours
from nbcore.lines.shifts import IMAGENET, TESTBEDS
from nbcore.measures import robustness
from nbcore.measures.robustness import SCALES, Line
from nbcore.text import escape

#: the line is this testbed's; models of every testbed with its axes are drawn
MAIN = "imagenet-testbed:imagenetv2"
LOW, HIGH = 0.40, 0.92  # accuracies at the ends of the picture
WIDE, TALL, LEFT, BASE = 640, 330, 52, 40  # drawing units; room for the axes' words
MARKS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def poster(beds: Beds) -> str:
    """Draw all models of ImageNet against ImageNetV2 on logit axes, as a figure in HTML.

    A model is drawn as fitted by the line, as zero-shot, or as another; the words beside the
    picture are computed from the same numbers.
    """
    main = beds[MAIN]
    models = pd.concat(
        [bed.models for name, bed in beds.items() if bed.axes == main.axes and TESTBEDS[name].line]
    )
    kind = np.select(
        [_column(models, "tuning") == "zero-shot", models["model"].isin(main.fitted["model"])],
        ["zero", "line"],
        "other",
    )
    seen = models.assign(drawn=kind).query("@LOW < id < @HIGH and @LOW < ood < @HIGH")
    above = robustness.effective_robustness(seen["id"], seen["ood"], main.line)
    zero = float(np.median(100 * above[(seen["drawn"] == "zero").to_numpy()]))
    said = {
        "line": f"{main.line.n} networks trained in the standard way: one line, R² "
        f"{main.line.r2:.3f}",
        "zero": f"{(seen['drawn'] == 'zero').sum()} zero-shot models: half of them more than "
        f"{zero:.1f} points above it",
        "other": f"{(seen['drawn'] == 'other').sum():,} other models",
    }
    dots = "".join(
        f'<path class="front-{k}" d="{_dots(seen[seen["drawn"] == k])}"/>'
        for k in ("other", "line", "zero")
    )
    words = "".join(f'<li class="front-{k}">{escape(text)}</li>' for k, text in said.items())
    label = f"{len(seen):,} models by accuracy on ImageNet and on ImageNetV2. " + "; ".join(
        said.values()
    )
    return (
        f"<style>{colours('.front-picture')}</style>"
        f'<figure class="front-picture"><svg viewBox="0 0 {WIDE} {TALL}" role="img" '
        f'aria-label="{escape(label)}">{_axes()}{dots}'
        f'<path class="front-fit" d="{_fit(main.line)}"/></svg>'
        f'<figcaption><ul>{words}</ul><a class="front-touch" href="explorer.html">Touch the '
        "picture, or open the explorer: hover for names, choose another shift, drop your own "
        "models on it.</a></figcaption></figure>"
    )


def _column(models: pd.DataFrame, name: str) -> pd.Series:
    return models[name] if name in models else pd.Series("", index=models.index)


def _place(p: np.ndarray) -> np.ndarray:
    """Place accuracies on the axis: 0 at its low end, 1 at its high end, even in logits."""
    logit, _ = SCALES["logit"]
    low, high = logit(np.array([LOW, HIGH]))
    return (logit(p) - low) / (high - low)


def _xy(id: ArrayLike, ood: ArrayLike) -> list[str]:
    x = LEFT + (WIDE - LEFT - 8) * _place(np.asarray(id, float))
    y = (TALL - BASE) * (1 - _place(np.asarray(ood, float)))
    return [f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True)]


def _dots(models: pd.DataFrame) -> str:
    """Write one path of all dots: a line of no length has round ends."""
    return "".join(f"M{at}h0" for at in dict.fromkeys(_xy(models["id"], models["ood"])))


def _fit(line: Line) -> str:
    id = np.linspace(LOW, HIGH, 40)
    ood = line.predict(id)
    return "M" + "L".join(_xy(id[ood > LOW], ood[ood > LOW]))


def _axes() -> str:
    marks = np.array(MARKS)
    ends = np.full(len(marks), LOW)
    across, up = _xy(marks, ends), _xy(ends, marks)
    lines = "".join(
        f'<path class="front-grid" d="M{a}V0M{b}H{WIDE}"/>' for a, b in zip(across, up, strict=True)
    )
    texts = "".join(
        f'<text x="{a.split()[0]}" y="{TALL - BASE + 17}" text-anchor="middle">{m:.0%}</text>'
        f'<text x="{LEFT - 5}" y="{b.split()[1]}" text-anchor="end" dy="4">{m:.0%}</text>'
        for m, a, b in zip(MARKS, across, up, strict=True)
    )
    return (
        f'{lines}{texts}<path class="front-same" d="M{_xy(ends[:1], ends[:1])[0]}'
        f'L{_xy(np.array([HIGH]), np.array([HIGH]))[0]}"/>'
        f'<text x="{WIDE - 8}" y="{TALL - 4}" text-anchor="end">accuracy on {IMAGENET}</text>'
        f'<text x="{LEFT + 6}" y="16">accuracy on ImageNetV2</text>'
    )
