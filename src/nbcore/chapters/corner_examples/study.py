"""One ensemble as chapter 8 reads it: the plane of mean depths, its corners, votes along layers.

Everything comes from the stored tables of a run. Draws are a bootstrap over examples, with the
networks as they are; draw 0 is what was observed.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nbcore.depths.roster import nice_name
from nbcore.errors import ParameterError
from nbcore.measures import agreement
from nbcore.measures.bootstrap import Floats, draw_weights
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
class Study:
    """One ensemble: its tables, the number of examples in a corner, of bootstrap draws."""

    key: str
    name: str
    members: xr.Dataset
    examples: xr.Dataset
    votes: xr.Dataset
    size: int = 100
    resamples: int = 500
    seed: int = 0

    @property
    def label(self) -> NDArray:
        """(example,) the labels that the networks were given."""
        return self.examples["label"].values.astype(int)

    @property
    def classes(self) -> list[str]:
        return [str(c) for c in self.examples.attrs["classes"]]

    @property
    def last(self) -> int:
        """The depth of the softmax, the largest there is."""
        return self.members.sizes["probe"] - 1

    @property
    def middle(self) -> int:
        """The probe at four tenths of the layers: where the paper's is, 4 of 10 in ResNet18."""
        return round(0.4 * self.last)

    @property
    def networks(self) -> int:
        """How many networks a number rests on: those on random splits."""
        return int((self.members["half"].values >= 0).sum())

    def in_half(self, half: int | None = None) -> NDArray[np.bool_]:
        """(member,) networks on splits, of one half (0 or 1) or of both."""
        halves = self.members["half"].values
        return halves >= 0 if half is None else halves == half

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """(member, example) predictions by networks on splits that did not train on the example."""
        return self.members["held_out"].values & self.in_half()[:, None]

    def depth(self, role: str, half: int | None = None) -> Floats:
        """(example,) mean depth over networks of a half that hold it out ("val") or do not
        ("train"); NaN where there is none with a depth."""
        deep, own = self.members["depth"].values, self.in_half(half)
        held = self.members["held_out"].values[own]
        values = np.where(deep[own] >= 0, deep[own], np.nan)
        if not own.any():
            return np.full(deep.shape[1], np.nan)
        return agreement.held_out_mean(values, held if role == "val" else ~held)

    @cached_property
    def depths(self) -> Floats:
        """(2, example) mean depth in validation and in training."""
        return np.stack([self.depth("val"), self.depth("train")])

    @cached_property
    def placed(self) -> NDArray[np.bool_]:
        """(example,) whether it has a depth in both splits."""
        return placed(*self.depths)

    @cached_property
    def corners(self) -> Corners:
        """The cards' corners: `size` examples each."""
        return self.find()

    def find(self, size: int | None = None, half: int | None = None) -> Corners:
        """Corners of another size, or from one half of the networks; see `corner_examples`."""
        val, train = (self.depth(role, half) for role in ("val", "train"))
        try:
            return corner_examples(val, train, n=size or self.size)
        except NoCorners as error:
            raise TooFewNetworks(f"{self.name}: {error}") from None

    @property
    def small(self) -> int:
        """The paper's share of the examples, one in five hundred, but at least twenty; where those
        are too many to be corners, the cards' size."""
        few = corner_size(len(self.label))
        return few if 4 * few <= self.placed.sum() else self.size

    @cached_property
    def right(self) -> Floats:
        """(example,) share of held-out predictions that are the label; NaN where there is none."""
        return self._score(agreement.consistency_score)

    @cached_property
    def agreeing(self) -> Floats:
        """(example,) consensus-consistency; NaN where an example was never held out."""
        return self._score(agreement.consensus_consistency)

    @cached_property
    def consensus(self) -> NDArray[np.int64]:
        """(example,) the class that most networks give a held-out example; -1 without any."""
        return self._score(agreement.consensus_class)

    def _score(self, measure) -> NDArray:
        said = self.members["final"].values.astype(int)
        return measure(said, self.label, self.held_out, len(self.classes))

    def paths(self, examples: NDArray, toward: NDArray) -> Paths:
        """Votes of held-out networks for a class each, `toward` (example,), along the probes."""
        return paths(self.votes, examples, toward)

    def weights(self, n: int) -> NDArray[np.float32]:
        """(draw, n) how often each of n examples is drawn."""
        return draw_weights(n, self.resamples, self.seed)


def study(key: str, run: Run, size: int, resamples: int, seed: int = 0) -> Study:
    """A run as a study; ParameterError where no network held examples out."""
    if "votes" not in run.manifest["tables"]:
        raise ParameterError(
            f"{nice_name(key)} has no networks on random splits, and without them no depth of an "
            "unseen example; give members."
        )
    members, examples, votes = (run.table(name) for name in ("members", "examples", "votes"))
    return Study(key, nice_name(key), members, examples, votes, size, resamples, seed)


def paths(votes: xr.Dataset, examples: NDArray, toward: NDArray, half: int | None = None) -> Paths:
    """From a run's table `votes`; half: of one half of the networks only. NaN without networks."""
    halves = [0, 1] if half is None else [half]
    count = votes["count"].values[halves][:, examples].sum(0)[:, None].astype(float)
    out = []
    for name in ("votes", "said"):
        table = votes[name].values[halves][:, examples].sum(0, dtype=float)
        own = np.take_along_axis(table, toward[:, None, None], -1)[..., 0]
        whole = table.sum(-1)  # the neighbours asked: k per network, one vote each for "said"
        out.append(np.divide(own, whole, out=np.full(own.shape, np.nan), where=count > 0))
    return Paths(*out)
