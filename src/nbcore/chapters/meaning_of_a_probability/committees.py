"""Stored ensembles as committees, whose probability of a class is the share of its votes (extra).

No probabilities of single networks are stored with the ensembles of chapters 3 to 5, but who said
what is, and who had an example in training.
"""

import numpy as np
import pandas as pd

from nbcore.depths.roster import DepthConfig, ensembles, nice_name
from nbcore.depths.view import EnsembleView
from nbcore.measures.calibration.binned import confidence
from nbcore.measures.calibration.smooth import smooth_ece
from nbcore.runs.run import find_run

KNOWN = DepthConfig(
    datasets=("fashion-mnist", "cifar10", "cifar10", "cifar10"),
    networks=("mlp", "vgg16", "resnet18", "mlp"),
)


def shares(answers: np.ndarray, chosen: np.ndarray, voters: int, classes: int) -> np.ndarray:
    """Count votes (member, example) of the first `voters` members that may vote on each example.

    chosen (member, example) bool. Returns (example, class) shares.
    """
    votes = chosen & (np.cumsum(chosen, 0) <= voters)
    counts = np.stack([(votes & (answers == c)).sum(0) for c in range(classes)], 1)
    return counts / voters


def committees() -> pd.DataFrame:
    """Compare committees that trained on an example with equally large ones that did not.

    Columns network, voters, and errors and SmoothECE of both. Ensembles that are not stored are
    left out.
    """
    found = []
    for key, part in ensembles(KNOWN).items():
        run = find_run("ensemble", part, part.roles(), "members")
        if run is None:
            continue
        view = EnsembleView.of(key, run)
        view = view.some(view.split)
        held, answers = view.held_out, view.answers
        voters = int(held.sum(0).min())
        row: dict[str, object] = {"network": nice_name(key), "voters": voters}
        for name, chosen in (("training", ~held), ("held out", held)):
            p, right = confidence(shares(answers, chosen, voters, len(view.classes)), view.label)
            row |= {f"error, {name}": 1 - right.mean(), f"SmoothECE, {name}": smooth_ece(p, right)}
        found.append(row)
    return pd.DataFrame(found)
