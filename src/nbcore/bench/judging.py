"""`nbcore difficulty` on images, beside cleanlab's own pipeline on the same features."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nbcore import data as nbdata
from nbcore.bench.clock import Memory, alternate, threads, watched
from nbcore.bench.record import Comparison, Found, Quantity
from nbcore.difficulty.pretrained import features
from nbcore.difficulty.pretrained.arrays import judge
from nbcore.errors import ParameterError
from nbcore.measures.relabelling import average_precisions
from nbcore.measures.selection import balanced_subset
from nbcore.runs.config import Config, param
from nbcore.runs.engines import changed_environment

#: gigabytes of memory within which photographs have to be judged
LIMIT = 4.0


@dataclass(frozen=True)
class Judging(Config):
    """Images, and what judges them. About eight minutes of one core."""

    slug: ClassVar[str] = "difficulty"

    dataset: str = param("cifar10", "images, by name")
    images: int = param(10_000, "of the training set", low=100)
    side: int = param(64, "side that the network sees, pixels", low=32)
    network: str = param("efficientnet_lite0", "pretrained network")
    share: float = param(0.1, "of the labels made wrong", low=0.01, high=0.5)
    members: int = param(50, "heads, each on a random split", low=5)
    folds: int = param(5, "folds of cleanlab's cross-validation", low=2)
    rounds: int = param(2, "times that both sides judge all", low=1)
    threads: int = param(1, "threads", low=1)

    @classmethod
    def smoke(cls) -> "Judging":
        """Digits, ten heads: half a minute."""
        return cls(dataset="digits", images=1_000, side=32, members=10, rounds=1)


def cleanlab(x: np.ndarray, labels: np.ndarray, folds: int) -> np.ndarray:
    """Return how suspect each label is (n,): cleanlab's CleanLearning on features x (n, d).

    As its documentation has it for embeddings: a logistic regression, here of standardised
    features, cross-validated; confident learning; label quality by self-confidence.
    """
    try:
        from cleanlab.classification import CleanLearning
    except ImportError:
        raise ParameterError(
            "This benchmark needs cleanlab; install it with `pip install 'nbcore[cleanlab]'`."
        ) from None
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=400))
    found = CleanLearning(model, cv_n_folds=folds, seed=0, verbose=False)
    return 1 - found.find_label_issues(x, labels)["label_quality"].to_numpy()


def run(config: Judging) -> Found:
    """Extract features once, then compare both sides on them."""
    train = nbdata.load(config.dataset, "train")
    at = balanced_subset(train.labels, min(config.images, len(train)), 0)
    labels, wrong = made_wrong(train.labels[at], len(train.classes), config.share)
    with (
        tempfile.TemporaryDirectory(prefix="nbcore-bench-") as cache,
        changed_environment({"NBCORE_CACHE": cache}),
        threads(config.threads),
    ):
        with watched() as memory:
            start = time.perf_counter()
            found = features.extract(train.images[at], config.network, config.side, device="cpu")
            seconds = time.perf_counter() - start
        embeddings = {probe: found.at(probe) for probe in found.probes}
        return _compared(config, embeddings, labels, wrong, train.classes, seconds, memory)


def made_wrong(labels: np.ndarray, classes: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Change a share of the labels to another class, at random: labels (n,), changed (n,) bool."""
    rng = np.random.default_rng([0, 5])
    chosen = np.zeros(len(labels), bool)
    chosen[rng.permutation(len(labels))[: max(round(share * len(labels)), 1)]] = True
    other = (labels + rng.integers(1, classes, len(labels))) % classes
    return np.where(chosen, other, labels), chosen


def _compared(
    config: Judging,
    embeddings: Mapping[str, np.ndarray],
    labels: np.ndarray,
    wrong: np.ndarray,
    classes: tuple[str, ...],
    seconds: float,
    memory: Memory,
) -> Found:
    final = embeddings[features.PENULTIMATE].astype(np.float32)
    sides: dict[str, Any] = {
        "ours": lambda: judge(embeddings, labels, classes=classes, members=config.members)[
            "doubt"
        ].to_numpy(),
        "cleanlab": lambda: cleanlab(final, labels, config.folds),
    }
    with watched() as judging:
        done = alternate(sides, config.rounds)
    scores = [np.nan_to_num(side.result, nan=-np.inf) for side in done.values()]
    precise, _ = average_precisions(scores, wrong, resamples=200)
    n, heads = len(labels), f"{config.members} heads, {len(embeddings)} probes, advice"
    took = float(np.median(done["ours"].seconds))
    peak = max(memory.most, judging.most) / 1e9
    quantities = [
        Quantity(f"features at {config.side} px", round(n / seconds, 1), "images/s", None, "more"),
        Quantity("the whole, features too", round((seconds + took) / 60, 3), "min", None, "less"),
        Quantity("most memory of the process", round(peak, 3), "GB", LIMIT, "less"),
    ]
    quantities += [
        Quantity(f"average precision, {name}", round(p.value, 4), "")
        for name, p in zip(("all evidence", "cleanlab"), precise, strict=True)
    ]
    comparison = Comparison(
        f"{n:,} images, {round(100 * config.share)} % wrong labels",
        f"nbcore, {heads}",
        f"cleanlab, CleanLearning, {config.folds} folds",
        done["ours"].rounds,
        done["cleanlab"].rounds,
        round(done["ours"].memory, 1),
        round(done["cleanlab"].memory, 1),
        note="the two compute different things; what each finds stands beside",
    )
    return Found((comparison,), tuple(quantities))
