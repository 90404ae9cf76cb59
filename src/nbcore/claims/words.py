"""Numbers as cards, pages and the command line print them."""

import math

from nbcore.measures.estimate import Estimate

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def show_number(x: float | None, unit: str) -> str:
    """Print a number: fractions keep three decimals, tiny numbers a power of ten."""
    if x is None:
        return "–"
    if unit == "count" and float(x).is_integer():
        return f"{x:,.0f}"
    text = f"{x:.3g}" if abs(x) < 0.001 and x else f"{x:,.4f}".rstrip("0").rstrip(".")
    mantissa, tiny, exponent = text.partition("e")
    power = f" × 10{str(int(exponent)).translate(RAISED)}" if tiny else ""
    return mantissa.replace("-", "\u2212") + power


def show_estimate(seen: Estimate) -> str:
    """Print a value with its interval; an exact number stands alone."""
    if seen.low == seen.high:
        return show_number(seen.value, seen.unit)
    # two significant digits of the interval's half-width
    digits = min(max(1 - math.floor(math.log10((seen.high - seen.low) / 2)), 0), 9)
    value, low, high = (_signed(f"{x:,.{digits}f}") for x in (seen.value, seen.low, seen.high))
    return f"{value} [{low}, {high}]"


def _signed(text: str) -> str:
    """Write a minus as one; nought has none."""
    return text.replace("-", "\u2212" if text.strip("-0.,") else "")


def show_scaled(seen: Estimate, unit: str) -> str:
    """Print a fraction as "%" or, with its sign, in "points", its interval behind the unit."""
    value, low, high = (100 * x for x in (seen.value, seen.low, seen.high))
    scaled = Estimate(value, low, high, seen.n)
    number, bracket, interval = show_estimate(scaled).partition(" [")
    sign = "+" if unit == "points" and scaled.value > 0 else ""
    return f"{sign}{number} {unit}{bracket}{interval}"
