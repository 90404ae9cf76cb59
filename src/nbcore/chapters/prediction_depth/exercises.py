"""This chapter's exercises: how the truth is computed, how far off is still right, a hint."""

import numpy as np

from nbcore.exercises import Exercise


def _vote_for_oneself() -> float:
    """Compute what the digits' input probe gains when an image is among its own five neighbours."""
    from sklearn.datasets import load_digits

    from nbcore.measures.depth import knn_predict

    x, y = load_digits(return_X_y=True)
    right = [
        (knn_predict(x.astype(np.float32), y, x.astype(np.float32), 5, out) == y).mean()
        for out in (False, True)
    ]
    return float(right[0] - right[1])


def _chance_deeper() -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([1] * 3 + [0] * 4, [2, 5, 7, 0, 0, 2, 5]))


EXERCISES = {
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
}
