"""An observed number with its interval."""

from dataclasses import dataclass

UNITS = ("1", "fraction", "count", "layer", "nat", "pixel")


@dataclass(frozen=True)
class Estimate:
    """An observed number with its 95 % interval, over `n` members, in one of `UNITS`."""

    value: float
    low: float
    high: float
    n: int
    unit: str = "1"

    @classmethod
    def exact(cls, value: float, n: int, unit: str = "1") -> "Estimate":
        """A number with no sampling error: a count over all examples, an identity."""
        return cls(float(value), float(value), float(value), n, unit)

    @classmethod
    def share(cls, count: int, total: int, n: int) -> "Estimate":
        """count of total as a fraction with its Clopper-Pearson interval, over n members."""
        from nbcore.measures.robustness import clopper_pearson  # scipy is slow to start

        low, high = clopper_pearson(count, total)
        return cls(count / total, float(low), float(high), n, "fraction")
