"""An observed number with its interval."""

import math
from dataclasses import dataclass

UNITS = ("1", "fraction", "count", "layer", "nat", "pixel")


@dataclass(frozen=True)
class Estimate:
    """An observed number with its 95 % interval, over `n` members, in one of `UNITS`.

    over: what the interval covers, as pages say it: "images" (the networks are those that were
    trained), "images and seeds", "examples; networks fixed". Empty for a number without one.
    """

    value: float
    low: float
    high: float
    n: int
    unit: str = "1"
    over: str = "images"

    @classmethod
    def exact(cls, value: float, n: int, unit: str = "1") -> "Estimate":
        """Make an estimate without sampling error: a count over all examples, an identity."""
        return cls(float(value), float(value), float(value), n, unit, "")

    @classmethod
    def share(cls, count: int, total: int, n: int, over: str = "images") -> "Estimate":
        """Make count / total an estimate with its Clopper-Pearson interval, over n members."""
        from nbcore.measures.robustness import clopper_pearson  # scipy is slow to start

        low, high = clopper_pearson(count, total)
        return cls(count / total, float(low), float(high), n, "fraction", over)

    @property
    def defined(self) -> bool:
        """Whether value and interval are numbers: what is not defined was not observed."""
        return all(math.isfinite(x) for x in (self.value, self.low, self.high))
