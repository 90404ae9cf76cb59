"""Chapter 4, per example: what networks say of the examples held out from them.

Everything here is computed from the tables of an ensemble's run. Depths are scaled: the input is 0,
the last probe (the softmax) is 1.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nbcore.depths.view import EnsembleView
from nbcore.errors import DataError
from nbcore.measures import agreement

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: predictions that a depth needs before its mean counts
FEWEST = 20


@dataclass(frozen=True)
class Sample:
    """The networks of one ensemble: on random splits, and (`test_`) on the whole pool.

    said, depth, held_out (member, example): the answer, its scaled depth (NaN where undefined), and
    whether the member trained without the example; label (example,); test_said, test_depth
    (full member, test_example); layers: the depth of the last probe.
    """

    key: str
    said: Ints
    depth: Floats
    held_out: NDArray[np.bool_]
    label: Ints
    n_classes: int
    layers: int
    test_said: Ints
    test_depth: Floats

    @classmethod
    def of(cls, view: EnsembleView) -> Self:
        """Take it from an ensemble; DataError where that has no network on a random split."""
        if not view.networks:
            raise DataError(
                f"The ensemble {view.key} has no network on a random split, and consistency is "
                "measured on examples held out; give members=20 or more."
            )
        depth, test_depth = (
            np.where(depths < 0, np.nan, depths / view.last)
            for depths in (view.members["depth"].values, view.members["depth_test"].values)
        )
        return cls(
            view.key,
            view.answers[view.split],
            depth[view.split],
            view.held_out[view.split],
            view.label,
            len(view.classes),
            view.last,
            view.members["final_test"].values[view.full].astype(np.int64),
            test_depth[view.full],
        )

    @property
    def networks(self) -> int:
        """How many were trained on random splits."""
        return len(self.said)

    @property
    def predictions(self) -> Ints:
        """(example,) by how many networks each was held out."""
        return self.held_out.sum(0)

    def some(self, members: NDArray[np.bool_]) -> "Sample":
        """Keep some of the networks on random splits only; the examples stay the same."""
        parts = {f: getattr(self, f)[members] for f in ("said", "depth", "held_out")}
        return replace(self, **parts)


def turns(held_out: NDArray[np.bool_]) -> Ints:
    """Number the rounds in which the members held their examples out, (member,).

    A round ends where a member holds out what the round has held out before. With folds a round is
    one partition of the pool; where members draw their splits, nearly every member is a round of
    its own.
    """
    taken, turn, out = np.zeros(held_out.shape[1], bool), 0, []
    for row in held_out:
        if (taken & row).any():
            turn, taken = turn + 1, np.zeros_like(taken)
        taken |= row
        out.append(turn)
    return np.array(out)


def halves(held_out: NDArray[np.bool_], seed: int | None = None) -> Ints:
    """Divide the members into two halves, 0 and 1, made of whole rounds (see `turns`), (member,).

    So every example is held out as often in one half as in the other, give or take one; halves by
    even and odd numbers would leave examples that only one half has held out. seed: None, rounds go
    to the halves in turn; a number, at random. DataError where there is one round only.
    """
    turn = turns(held_out)
    if turn[-1] < 1:
        raise DataError(
            f"Two halves need every example held out twice, which {len(turn)} networks with "
            f"{held_out[0].mean():.0%} held out each do not give; train more networks."
        )
    side = np.arange(turn[-1] + 1) % 2
    return (side if seed is None else np.random.default_rng(seed).permutation(side))[turn]


class Scores(NamedTuple):
    """Per example (example,): mean depth, and what the held-out predictions agree on.

    consistency: share that is the label; agreement: the consensus-consistency; entropy in nats;
    consensus: the class, -1 where never held out (the others are NaN there).
    """

    depth: Floats
    consistency: Floats
    agreement: Floats
    entropy: Floats
    consensus: Ints


def scores(sample: Sample, tie: str = "label") -> Scores:
    """Score one ensemble as in PD §3.1 and C.2; tie: see `agreement.consensus_class`."""
    args = sample.said, sample.label, sample.held_out, sample.n_classes
    return Scores(
        agreement.held_out_mean(sample.depth, sample.held_out),
        agreement.consistency_score(*args),
        agreement.consensus_consistency(*args, tie=tie),
        agreement.prediction_entropy(*args),
        agreement.consensus_class(*args, tie=tie),
    )


class Course(NamedTuple):
    """A mean at each depth that 20 predictions or more were made at.

    depth, counts (level,); draws (resample + 1, level): the mean, first as observed, then with
    examples drawn anew; n: networks.
    """

    depth: Floats
    counts: Ints
    draws: Floats
    n: int

    def spearman(self) -> Floats:
        """Compute the rank correlation of the mean with depth.

        Returns (resample + 1,), NaN with fewer than three depths or a constant mean.
        """
        kept = self.draws[:, ~np.isnan(self.draws).any(0)]
        if kept.shape[1] < 3:
            return np.full(len(self.draws), np.nan)
        ranks = stats.rankdata(kept, axis=1)
        order = np.arange(kept.shape[1])
        with np.errstate(invalid="ignore"):  # a constant course has no correlation
            return np.array([np.corrcoef(row, order)[0, 1] for row in ranks])


def course(
    depth: Floats, value: Floats, layers: int, resamples: int = 500, seed: int = 0
) -> Course:
    """Average `value` at each depth, over all networks' predictions alike.

    depth, value (member, example), one prediction each; NaN in either leaves it out.
    """
    member, example = np.nonzero(np.isfinite(depth) & np.isfinite(value))
    n, size = depth.shape[1], layers + 1
    level = np.rint(depth[member, example] * layers).astype(int)
    at, shape = example * size + level, (n, size)
    count = np.bincount(at, minlength=n * size).reshape(shape)
    total = np.bincount(at, value[member, example], minlength=n * size).reshape(shape)
    kept = count.sum(0) >= FEWEST
    rng = np.random.default_rng(seed)
    draws = [total[:, kept].sum(0) / count[:, kept].sum(0)]
    for _ in range(resamples):
        weight = np.bincount(rng.integers(n, size=n), minlength=n).astype(float)
        with np.errstate(invalid="ignore"):  # a depth can be missing from a draw
            draws.append((weight @ total[:, kept]) / (weight @ count[:, kept]))
    return Course(np.flatnonzero(kept) / layers, count.sum(0)[kept], np.array(draws), len(depth))


def others(sample: Sample) -> tuple[Floats, Floats]:
    """Score the answers of all other networks to each test image.

    Returns consensus-consistency and entropy (nats), two (full member, test_example): row i
    describes the ensemble without network i (PD figure 4 middle, C.21).
    """
    m, n = sample.test_said.shape
    label, shares, entropies = np.zeros(n, int), np.zeros((m, n)), np.zeros((m, n))
    for i in range(m):
        rest = np.tile(np.arange(m) != i, (n, 1)).T
        args = sample.test_said, label, rest, sample.n_classes
        shares[i] = agreement.consensus_consistency(*args, tie="lowest")
        entropies[i] = agreement.prediction_entropy(*args)
    return shares, entropies


def accuracy_course(sample: Sample, resamples: int) -> Course:
    """Average the accuracy of held-out predictions at each depth (figure 4 right).

    The depth is that in the network that predicts.
    """
    right = np.where(sample.held_out, sample.said == sample.label, np.nan)
    return course(sample.depth, right, sample.layers, resamples)


def other_courses(sample: Sample, resamples: int) -> tuple[Course, Course] | None:
    """Average the others' agreement and entropy at each depth of one network on the test set.

    Agreement: their consensus-consistency. None with fewer than three networks on the whole pool:
    two others are needed to disagree.
    """
    if len(sample.test_said) < 3:
        return None
    shares, entropies = others(sample)
    a, b = (course(sample.test_depth, v, sample.layers, resamples) for v in (shares, entropies))
    return a, b


def courses(sample: Sample, resamples: int) -> dict[str, Course | None]:
    """Compute the means at each depth of the paper's figures 4 (right, middle) and C.21."""
    share, entropy = other_courses(sample, resamples) or (None, None)
    return {"accuracy": accuracy_course(sample, resamples), "agreement": share, "entropy": entropy}
