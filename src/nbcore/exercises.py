"""Checking a reader's answer: the truth is computed from the same runs, never stored.

`check(name, answer)` says whether an answer is right and, if not, in which direction to look.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nbcore.errors import ParameterError, did_you_mean
from nbcore.measures import robustness
from nbcore.runs import line


@dataclass(frozen=True)
class Exercise:
    """How the truth is computed, how far off is still right (absolute), and a hint."""

    truth: Callable[[], float]
    tolerance: Callable[[float], float]
    hint: str


class Verdict(str):
    """A sentence that shows itself without quotes; `.right` says whether the answer was right."""

    right: bool

    def __repr__(self) -> str:
        return str(self)


def check(name: str, answer: float) -> Verdict:
    """Compare `answer` with the truth of the exercise `name`, e.g. "line-expect"."""
    if name not in EXERCISES:
        raise ParameterError(f"There is no exercise {name!r}; {did_you_mean(name, EXERCISES)}")
    try:
        number = float(answer)
    except (TypeError, ValueError):
        raise ParameterError(f"The answer to {name} is one number, not {answer!r}.") from None
    exercise = EXERCISES[name]
    truth = exercise.truth()
    off = number - truth
    right = bool(abs(off) <= exercise.tolerance(truth))
    direction = "too high" if off > 0 else "too low"
    verdict = Verdict("Right." if right else f"Not yet: {number:g} is {direction}. {exercise.hint}")
    verdict.right = right
    return verdict


def _bed(name: str) -> line.Testbed:
    return line.load_testbed(name, line.Line.book())


def _images_needed() -> float:
    fit = _bed("cifar10.1").line
    sizes = np.arange(100, 20_000, 10)
    inside = [robustness.chance_band(0.90, int(n), fit)[1] >= 0.01 for n in sizes]
    return float(sizes[np.flatnonzero(inside)[-1] + 1])


def _best_share() -> float:
    bed = _bed("imagenetv2")
    ends = bed.models.sort_values("id")[["id", "ood"]].to_numpy()[[0, -1]]
    share = np.linspace(0, 1, 2001)
    mixed = robustness.mixed_classifier(ends[0], ends[1], share)
    er = robustness.effective_robustness(mixed[:, 0], mixed[:, 1], bed.line)
    return float(share[er.argmax()])


def _trained_line() -> robustness.Line:
    from nbcore.runs.conditions import RiseAndFall
    from nbcore.runs.er_curves import study  # imports torch

    return study(RiseAndFall.resolve("book", resamples=20)).line


def _enough_images() -> float:
    fit, sizes = _trained_line(), np.arange(500, 20_000, 10)
    inside = [robustness.chance_band(0.65, int(n), fit)[1] >= 0.02 for n in sizes]
    return float(sizes[np.flatnonzero(inside)[-1] + 1])


def _vote_for_oneself() -> float:
    """What the digits' input probe gains when an image is among its own five neighbours."""
    from sklearn.datasets import load_digits

    from nbcore.measures.depth import knn_predict  # imports torch

    x, y = load_digits(return_X_y=True)
    right = [
        (knn_predict(x.astype(np.float32), y, x.astype(np.float32), 5, out) == y).mean()
        for out in (False, True)
    ]
    return float(right[0] - right[1])


def _chance_deeper() -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([1] * 3 + [0] * 4, [2, 5, 7, 0, 0, 2, 5]))


def _scatter() -> float:
    share = np.array([1, 5, 2]) / 8
    return float(-(share * np.log(share)).sum())


def _by_chance() -> float:
    from scipy.stats import binom

    return float(binom.cdf(3, 5, 0.9))


def _how_far() -> float:
    from nbcore.measures.corners import scaled_plane

    # the ends of the axes, and the example
    x, y = scaled_plane([0, 12, 9], [1, 11, 3])[:, 2]
    return float(np.hypot(x - 1, y))


def _networks_needed() -> float:
    from nbcore.measures.cscores import spearman_brown

    sizes = np.arange(10, 1000)
    return float(sizes[np.argmax([spearman_brown(0.8, n / 10) >= 0.95 for n in sizes])])


def _going_on() -> float:
    fit = robustness.fit_line([0.50, 0.75, 0.90], [0.25, 0.50, 0.75])
    before, after = robustness.effective_robustness([0.90, 0.86], [0.78, 0.74], fit)
    return float(after - before)


EXERCISES = {
    "bounds-consensus": Exercise(
        lambda: 5 / 8,
        lambda truth: 0.005,
        "Count the answers of the most frequent class, whatever the label is, and divide by eight.",
    ),
    "bounds-entropy": Exercise(
        _scatter,
        lambda truth: 0.005,
        "Sum -p ln p over the shares 1/8, 5/8 and 2/8, with the natural logarithm.",
    ),
    "bounds-noise": Exercise(
        _by_chance,
        lambda truth: 0.002,
        "Add the binomial probabilities of 0 to 3 such answers out of five, at .9 each.",
    ),
    "difficulty-score": Exercise(
        lambda: 3 / 5,
        lambda truth: 0.005,
        "Only the networks that did not train on the image count, above and below the fraction.",
    ),
    "difficulty-members": Exercise(
        _networks_needed,
        lambda truth: 1.0,
        "Solve .95 = f r / (1 + (f - 1) r) for f with r = .8, and multiply by the ten networks.",
    ),
    "difficulty-trade": Exercise(
        _going_on,
        lambda truth: 0.002,
        "The line divides odds by three: at 86 % it expects odds of (.86 / .14) / 3.",
    ),
    "corners-far": Exercise(
        _how_far,
        lambda truth: 0.005,
        "Scale both depths to 0 … 1; the corner is at (1, 0): late held out, early trained on.",
    ),
    "corners-crossing": Exercise(
        lambda: 1 + 0.2 / 0.3,  # the lead is .2 at layer 1 and -.1 at layer 2
        lambda truth: 0.02,
        "Subtract the two rows; go from the last positive difference down to 0 in a straight line.",
    ),
    "corners-overall": Exercise(
        lambda: 100 * (0.98 - 0.25) / 50_000,
        lambda truth: 0.00002,
        "Only 100 of the 50,000 images change: count the answers gained and divide by all.",
    ),
    "depth-count": Exercise(
        lambda: 5.0,  # of seven probes the last two agree with the network without a break
        lambda truth: 0.1,
        "Start at the softmax and go back while the probes say bird; the input is number 0.",
    ),
    "depth-auroc": Exercise(
        _chance_deeper,
        lambda truth: 0.005,
        "There are 12 pairs: count those where the wrong label is deeper, and half of the ties.",
    ),
    "depth-self": Exercise(
        _vote_for_oneself,
        lambda truth: 0.0005,
        "Call knn_predict twice with k=5, compare with the labels, and subtract the accuracies.",
    ),
    "learning-when": Exercise(
        lambda: 40.0,
        lambda truth: 0.5,
        "Go back from the last evaluation while the answer is cat; the dog before it is too late.",
    ),
    "learning-margin": Exercise(
        lambda: 2.0,  # 10 over the length 5 of the gradient (3, 4)
        lambda truth: 0.005,
        "Divide the difference of the logits by the length of its gradient, (3, 4).",
    ),
    "learning-log": Exercise(
        lambda: float(np.log(5 / 3)),
        lambda truth: 0.005,
        "The mean margin is 5; the mean of the logarithms is that of the geometric mean, 3.",
    ),
    "maps-sum": Exercise(
        lambda: 0.4,
        lambda truth: 0.005,
        "Add up what each class gets: .5 for the one with 40 sources, .1 for the other.",
    ),
    "maps-independent": Exercise(
        lambda: 0.6 * 0.2,
        lambda truth: 0.002,
        "Multiply the share that the weaker one gets right by what the stronger one gets wrong.",
    ),
    "maps-dominance": Exercise(
        lambda: 0.1,
        lambda truth: 0.005,
        "Count the images that the weak model alone gets right, and divide by ten.",
    ),
    "rise-height": Exercise(
        lambda: 0.55 - float(_trained_line().predict(0.70)),
        lambda truth: 0.002,
        "Subtract what the line expects at .70 (result.line.predict) from .55; give a fraction.",
    ),
    "rise-images": Exercise(
        _enough_images,
        lambda truth: 0.05 * truth,
        "Use robustness.chance_band at .65 and raise the number of images until it is below .02.",
    ),
    "rise-share": Exercise(
        lambda: (0.75 + float(_trained_line().predict(0.75))) / 2,
        lambda truth: 0.002,
        "Half of the gap lies midway between the line's expectation at .75 and .75 itself.",
    ),
    "line-expect": Exercise(
        lambda: float(_bed("imagenetv2").line.predict(0.80)),
        lambda truth: 0.002,
        "Give a fraction: turn .80 into a logit, apply slope and intercept, turn it back.",
    ),
    "line-images": Exercise(
        _images_needed,
        lambda truth: 0.05 * truth,
        "The band's upper end falls about as one over the square root of the number of images.",
    ),
    "line-mix": Exercise(
        _best_share,
        lambda truth: 0.03,
        "Try all shares from 0 to 1 with mixed_classifier and look for the highest point.",
    ),
}
