"""Sentences about curves, computed from them, so that a page says what its own numbers say."""

from collections.abc import Sequence

from nbcore.charts.tables import Table, sentence
from nbcore.lines import compare
from nbcore.lines.curves import Curve, Study
from nbcore.lines.tables import words


def told(study: Study, names: Sequence[str]) -> Table:
    """Describe each of these conditions that the line covers: start, peak, end, whether it rose."""
    kept = [study.curves[n] for n in names if n in study.curves]
    said = [_course(c) for c in kept if c.covered.any()]
    return sentence(" ".join(said) or "None of these conditions was run where the line reaches.")


def _course(c: Curve) -> str:
    top, band = compare.peak(c), c.band[c.peak]
    if top.low > band:
        verdict = "so the whole interval of the peak stands above the chance band"
    elif top.value > band:
        verdict = "so the peak stands above the chance band, but its interval reaches into it"
    else:
        verdict = "so the peak stays inside the chance band"
    start, end, value, low, high = (
        f"{100 * x:+.1f}" for x in (c.er[0, c.start], c.er[0, c.end], top.value, top.low, top.high)
    )
    name = words(c.name)
    return (
        f"{name[0].upper()}{name[1:]}: effective robustness {start} points where the line first "
        f"reaches, {value} [{low}, {high}] at the peak, {end} in the end; {verdict} "
        f"(up to {100 * band:.1f})."
    )
