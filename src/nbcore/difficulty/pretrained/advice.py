"""From what heads and neighbours say to advice: how likely each label is wrong, and what to do.

In two copies of the labels some are changed on purpose: in one to any other class, in the other to
the class that neighbours confuse with it most. What gives changed labels away weighs the evidence,
and its strength on them, with the share of wrong labels that is estimated, makes a probability of
the score. No label has to be known to be right.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nbcore.difficulty.pretrained import suspicion
from nbcore.difficulty.pretrained.measured import Measured
from nbcore.difficulty.pretrained.suspicion import Weights
from nbcore.measures.depth import count_votes
from nbcore.measures.relabelling import INSPECT, KEEP, RELABEL, Estimate

GIVEN, ALIKE, PAIRS = "given", "alike", "pairs"
#: share of the labels that is changed in a copy; of few images more, so that there are so many
CHANGED, AT_LEAST, AT_MOST = 0.05, 30, 0.1
#: a label is to be inspected from this part of the wanted precision on
LOOK = 0.25
#: resamplings of the images behind the interval of an expected precision, and images in one at most
DRAWS, SOME = 20, 4000


class Advice(NamedTuple):
    """What to do with each label, and how often that is expected to be right.

    score (example,): log odds that a label is one that was changed; wrong (example,): probability
    that it is wrong; action (example,); share: of wrong labels, estimated, with its interval;
    expected: action -> share of its labels that are wrong, NaN where there is none; weights; wanted
    precision of "relabel".
    """

    score: np.ndarray
    wrong: np.ndarray
    action: np.ndarray
    share: Estimate
    expected: dict[str, Estimate]
    weights: Weights
    wanted: float


def confused(found: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Find for each class the other one whose examples are most among its neighbours: (class,).

    found (example, neighbour). A class without an example gets the next number.
    """
    around = count_votes(labels[found], classes).astype(float)
    sums = np.stack([around[labels == c].sum(0) for c in range(classes)])
    sums /= np.maximum(np.bincount(labels, minlength=classes), 1)  # by the other class's size
    np.fill_diagonal(sums, -1.0)
    best = sums.argmax(1)
    return np.where(sums.max(1) > 0, best, (np.arange(classes) + 1) % classes)


def changed_labels(
    labels: np.ndarray, how: str, pair: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Change a random share of the labels; returns the labels and (example,) which were changed.

    how: ALIKE, to any other class, or PAIRS, to the class of `pair` (class,).
    """
    rng = np.random.default_rng([seed, 17, how == PAIRS])
    mask = np.zeros(len(labels), bool)
    mask[rng.permutation(len(labels))[: max(round(share * len(labels)), 1)]] = True
    drawn = (labels + rng.integers(1, len(pair), len(labels))) % len(pair)
    return np.where(mask, pair[labels] if how == PAIRS else drawn, labels), mask


def share_to_change(n: int) -> float:
    """Say which share of n labels a copy changes."""
    return float(np.clip(AT_LEAST / n, CHANGED, AT_MOST))


def advise(
    given: Measured,
    copies: Mapping[str, tuple[Measured, np.ndarray]],
    pair: np.ndarray,
    precision: float = 0.8,
    seed: int = 0,
) -> Advice:
    """Weigh the evidence on the copies, (what was measured, which labels were changed) each.

    pair (class,): the class that each is taken for most. precision: wanted of "relabel": of the
    labels whose held-out answers say another class, those are relabelled from the least probability
    on at which their mean is as large as that; others are to be inspected from a quarter of it on.
    Examples never held out get the action "".
    """
    known = np.asarray(given.view.held_out.any(0))
    seen = [m.view.held_out.any(0) for m, _ in copies.values()]
    found = [m.evidence()[s] for (m, _), s in zip(copies.values(), seen, strict=True)]
    masks = [mask[s] for (_, mask), s in zip(copies.values(), seen, strict=True)]
    weights = suspicion.weigh(found, masks)
    score = weights.score(given.evidence())
    scored, mask = np.concatenate([weights.score(f) for f in found]), np.concatenate(masks)
    label, logits = given.view.label, given.logits
    share = suspicion.noise_share(label[known], logits[known], pair)[0]
    wrong = suspicion.wrong_probability(score, scored[~mask], scored[mask], share)
    action = _actions(wrong, given, precision, known)
    draws = _draws((label[known], logits[known], pair), score, scored, mask, seed)
    shares, probabilities = [s for s, _ in draws], [p for _, p in draws]
    expected = {a: _expected(wrong, probabilities, action == a) for a in (RELABEL, INSPECT)}
    spread = Estimate(share, *np.quantile(shares, [0.025, 0.975]).tolist())
    return Advice(
        score, np.where(known, wrong, np.nan), action, spread, expected, weights, precision
    )


def _actions(wrong: np.ndarray, given: Measured, wanted: float, known: np.ndarray) -> np.ndarray:
    other = known & (given.view.consensus != given.view.label)
    relabel = other & (wrong >= suspicion.threshold_for(wrong, wanted, other))
    out = np.where(wrong >= LOOK * wanted, INSPECT, KEEP)
    return np.where(known, np.where(relabel, RELABEL, out), "")


def _draws(
    given: tuple[np.ndarray, np.ndarray, np.ndarray],
    score: np.ndarray,
    scored: np.ndarray,
    mask: np.ndarray,
    seed: int,
) -> list[tuple[float, np.ndarray]]:
    """Estimate share and probabilities again from images drawn anew, with replacement."""
    (label, logits, pair), rng, out = given, np.random.default_rng([seed, 18]), []
    for _ in range(DRAWS):
        some = rng.integers(len(label), size=min(len(label), SOME))
        share, _ = suspicion.noise_share(label[some], logits[some], pair)
        drawn = rng.integers(len(scored), size=len(scored))
        s, m = scored[drawn], mask[drawn]
        if m.any() and not m.all():
            out.append((share, suspicion.wrong_probability(score, s[~m], s[m], share)))
    return out


def _expected(wrong: np.ndarray, draws: list[np.ndarray], chosen: np.ndarray) -> Estimate:
    """Estimate which share of the chosen labels is wrong: the mean of their probabilities.

    The interval holds what the estimate may be off by, and what a count of so many varies by.
    """
    if not chosen.any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    mean = float(wrong[chosen].mean())
    means = np.array([d[chosen].mean() for d in draws])
    variance = float(means.var()) + mean * (1 - mean) / int(chosen.sum())
    half = 1.96 * variance**0.5
    return Estimate(mean, max(mean - half, 0.0), min(mean + half, 1.0))
