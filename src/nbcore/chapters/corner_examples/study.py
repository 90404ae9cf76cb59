"""One ensemble as chapter 8 reads it: the plane of mean depths, its corners, votes along layers.

Draws are a bootstrap over examples, with the networks as they are; draw 0 is what was observed.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbcore.depths.roster import nice_name
from nbcore.depths.view import EnsembleView
from nbcore.errors import ParameterError
from nbcore.measures.bootstrap import Floats
from nbcore.measures.corners import NoCorners, corner_examples, corner_size, placed
from nbcore.runs.store import Run

Corners = dict[str, NDArray[np.int64]]

#: corner -> how pages call it
NAMES = {
    "easy": "easy",
    "looks_like_another_class": "looks like another class",
    "ambiguous_unless_labelled": "ambiguous unless labelled",
    "ambiguous": "ambiguous",
}


class TooFewNetworks(ParameterError):
    """The networks, or one half of them, leave too few examples with a place to have corners."""


class Paths(NamedTuple):
    """(example, probe) of held-out predictions: mean share of the neighbours' votes for a class,
    and the share of networks in which it wins the vote."""

    confidence: Floats
    accuracy: Floats


@dataclass(frozen=True)
class CornerView(EnsembleView):
    """An ensemble with its table of votes and the number of examples in a corner of the cards."""

    votes: xr.Dataset = field(default_factory=xr.Dataset)
    corner: int = 100

    @property
    def middle(self) -> int:
        """The probe at four tenths of the layers: where the paper's is, 4 of 10 in ResNet18."""
        return round(0.4 * self.last)

    @property
    def small(self) -> int:
        """The paper's share of the examples, one in five hundred, but at least twenty; where those
        are too many to be corners, the cards' size."""
        few = corner_size(len(self.label))
        return few if 4 * few <= self.placed.sum() else self.corner

    @cached_property
    def plane(self) -> Floats:
        """(2, example) mean depth in validation and in training."""
        return np.stack([self.depth("val"), self.depth("train")])

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """(example,) whether it has a depth in both splits."""
        return placed(*self.plane)

    @cached_property
    def corners(self) -> Corners:
        """The cards' corners: `corner` examples each."""
        return self.find()

    def find(self, size: int | None = None, half: int | None = None) -> Corners:
        """Find corners of another size, or by one half of the networks; see `corner_examples`."""
        val, train = (self.depth(role, half) for role in ("val", "train"))
        try:
            return corner_examples(val, train, n=size or self.corner)
        except NoCorners as error:
            raise TooFewNetworks(f"{self.name}: {error}") from None

    def paths(self, examples: NDArray, toward: NDArray) -> Paths:
        """Follow the votes of held-out networks for a class each, `toward` (example,)."""
        return paths(self.votes, examples, toward)


def corner_view(key: str, run: Run, corner: int, resamples: int, seed: int = 0) -> CornerView:
    """View a run with its votes; ParameterError where no network held examples out."""
    if "votes" not in run.manifest["tables"]:
        raise ParameterError(
            f"{nice_name(key)} has no networks on random splits, and without them no depth of an "
            "unseen example; give members."
        )
    votes = run.table("votes")
    return CornerView.of(key, run, votes=votes, corner=corner, resamples=resamples, seed=seed)


def paths(votes: xr.Dataset, examples: NDArray, toward: NDArray, half: int | None = None) -> Paths:
    """Follow the votes for a class each, `toward`, in a run's table `votes`; NaN without networks.

    half: one half of the networks only (0 or 1); None: both.
    """
    halves = [0, 1] if half is None else [half]
    count = votes["count"].values[halves][:, examples].sum(0)[:, None].astype(float)
    out = []
    for name in ("votes", "said"):
        table = votes[name].values[halves][:, examples].sum(0, dtype=float)
        own = np.take_along_axis(table, toward[:, None, None], -1)[..., 0]
        whole = table.sum(-1)  # the neighbours asked: k per network, one vote each for "said"
        out.append(np.divide(own, whole, out=np.full(own.shape, np.nan), where=count > 0))
    return Paths(*out)
