"""Whether a testbed bends: the quadratic beside the line, and the line without one family.

Effective robustness is height above a straight line, so models that follow a curve have heights
that are the curve's and not their own. All in logits, by least squares (`numpy.polyfit`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from nbcore.measures.robustness import NoLine, fit_line

Floats = NDArray[np.float64]
#: below this p-value a quadratic term counts as significant
LEVEL = 0.05


class Bend(NamedTuple):
    """logit(ood) = c2 logit(id)^2 + c1 logit(id) + c0 through n models.

    coefficients: (3,) c2 first; covariance: (3, 3); p: two-sided, of c2 = 0 by Student's t.
    """

    coefficients: Floats
    covariance: Floats
    p: float
    n: int

    @property
    def term(self) -> float:
        """c2: below 0, the strongest and the weakest models lie below the middle ones' line."""
        return float(self.coefficients[0])

    @property
    def se(self) -> float:
        """Standard error of c2."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def told(self) -> str:
        """The p-value in words: `p = 0.012`, `p < 0.001`."""
        return "p < 0.001" if self.p < 0.001 else f"p = {self.p:.2g}"

    @property
    def significant(self) -> bool:
        """Whether the models follow a curve rather than a line, at `LEVEL`."""
        return self.p < LEVEL

    def band(self, x: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """Evaluate the curve at ID accuracies x (fractions, any shape), with its confidence band.

        Returns value, low, high. The band is pointwise and of the curve, not of single models.
        """
        at = np.stack([special.logit(x) ** 2, special.logit(x), np.ones_like(np.asarray(x))], -1)
        middle = at @ self.coefficients
        spread = np.sqrt(np.einsum("...i,ij,...j->...", at, self.covariance, at))
        half = stats.t.ppf((1 + level) / 2, self.n - 3) * spread
        return special.expit(middle), special.expit(middle - half), special.expit(middle + half)


def bend(id_acc: ArrayLike, ood_acc: ArrayLike) -> Bend:
    """Fit the quadratic through (model,) accuracies, fractions strictly between 0 and 1.

    NoLine for fewer than five models (three coefficients leave too little to judge them by), and
    where `fit_line` has none.
    """
    x, y = np.asarray(id_acc, float), np.asarray(ood_acc, float)
    fit_line(x, y)  # says what is wrong with the accuracies
    if len(x) < 5:
        raise NoLine(f"A bend needs at least five models, but got {len(x)}.")
    found, covariance = np.polyfit(special.logit(x), special.logit(y), 2, cov=True)
    t = found[0] / np.sqrt(covariance[0, 0])
    return Bend(found, covariance, float(2 * stats.t.sf(abs(t), len(x) - 3)), len(x))


def without_each(
    id_acc: ArrayLike, ood_acc: ArrayLike, families: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Fit the line through all models but one family's; family -> slope and standard error.

    families: (model,) the family of each. A family without which there is no line is left out.
    """
    x, y, of = np.asarray(id_acc, float), np.asarray(ood_acc, float), np.asarray(families)
    slopes = {}
    for family in dict.fromkeys(families):
        rest = of != family
        try:
            line = fit_line(x[rest], y[rest])
        except NoLine:
            continue
        slopes[str(family)] = (line.slope, line.slope_se)
    return slopes
