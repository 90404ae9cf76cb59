"""Chapter 7's C-scores: how they spread, how well they repeat themselves, and their pictures."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nbcore import charts
from nbcore.chapters.example_difficulty import c_scores as score_runs
from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.charts.base import Figure
from nbcore.charts.galleries import Gallery, gallery
from nbcore.lines.config import SHIFTED
from nbcore.measures.cscores import CScores, c_scores, spearman_brown, split_half_reliability
from nbcore.measures.selection import select
from nbcore.runs.store import Run

#: groups of so many networks are compared, as far as two of them fit
SIZES = (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 100)
DRAWS = 30
#: pictures of a class in a gallery, at each end
EACH = 6


@dataclass(frozen=True)
class Scores:
    """The votes of a run of C-scores: correct, held_out (member, example); label (example,)."""

    run: Run
    correct: NDArray[np.bool_]
    held_out: NDArray[np.bool_]
    label: NDArray[np.int64]
    classes: tuple[str, ...]

    @cached_property
    def found(self) -> CScores:
        return c_scores(self.correct, self.held_out)

    @property
    def members(self) -> int:
        return len(self.correct)

    @property
    def examples(self) -> int:
        return len(self.label)

    @property
    def votes(self) -> int:
        """How many networks held out a typical example."""
        return int(np.median(self.found.count))

    @property
    def accuracy(self) -> float:
        """The share of all held-out predictions that is right."""
        return float(self.correct[self.held_out].mean())

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """size, and of the rank correlation of two groups of that many networks the mean and the
        range (low, high) of 95 % of the draws."""
        half = self.members // 2
        sizes = sorted({*(size for size in SIZES if size < half), half})
        draws = split_half_reliability(self.correct, self.held_out, sizes, DRAWS)
        low, high = np.nanquantile(draws, (0.025, 0.975), axis=1)
        return pd.DataFrame(
            {"size": sizes, "mean": np.nanmean(draws, axis=1), "low": low, "high": high}
        )

    def expected(self, size: float) -> float:
        """Predict the reliability of `size` networks from that of half of those there are."""
        half = self.reliability.iloc[-1]
        return float(spearman_brown(half["mean"], size / half["size"]))

    def halves(self) -> tuple[CScores, CScores]:
        """Compute the scores of two disjoint halves of the members.

        Members 2i and 2i + 1 stay together: of a split in folds one holds out what the other trains
        on, so that every example keeps its votes.
        """
        first = np.arange(self.members) // 2 % 2 == 0
        one, other = (c_scores(self.correct[part], self.held_out[part]) for part in (first, ~first))
        return one, other


def gather(run: Run) -> Scores:
    """Read the votes of a run of `c_scores.run_c_scores`."""
    correct, held_out = score_runs.votes(run)
    examples = run.table("examples")
    return Scores(
        run,
        correct,
        held_out,
        examples["label"].values.astype(np.int64),
        tuple(examples.attrs["classes"]),
    )


def distribution(s: Scores) -> Figure:
    """Draw how many of the networks that did not train on an image get it right."""
    known = s.found.count > 0
    right = np.rint(s.found.score[known] * s.votes).astype(int)
    counts = np.bincount(right, minlength=s.votes + 1)
    none, every = (counts[[0, -1]] / counts.sum()).tolist()
    about = "" if (s.found.count == s.votes).all() else "about "
    return charts.solved_histogram(
        counts,
        y_scale="linear",
        ends=("by none", "by all"),
        y_title="training images",
        x_title=f"networks that are right, of {about}{s.votes}",
        title=f"{every:.0%} of the images are classified correctly by every network that never saw "
        f"them, {none:.1%} by none",
        subtitle=f"{s.members} networks, each trained on one half of {s.examples:,} images; "
        f"{s.accuracy:.1%} of their predictions on the other half are right",
        description=f"Histogram of C-scores. Of {counts.sum():,} images {counts[-1]:,} are right "
        f"for all networks that held them out and {counts[0]:,} for none; the mean C-score is "
        f"{np.nanmean(s.found.score):.2f}.",
    )


def reliability(s: Scores) -> Figure:
    """Draw the rank correlation of two disjoint groups by their size, and what more would bring."""
    seen = s.reliability
    half, top = int(seen["size"].iloc[-1]), float(seen["mean"].iloc[-1])
    more = np.unique(np.geomspace(half, 8 * half, 7).round())
    foretold = pd.DataFrame({"x": more, "y": [s.expected(m) for m in more]})
    measured = seen.rename(columns={"size": "x", "mean": "y"})
    table = pd.concat(
        [measured.assign(series="measured"), foretold.assign(series="expected of larger groups")]
    )
    said = "; ".join(f"{x:.0f}: {y:.2f}" for x, y in measured[["x", "y"]].to_numpy())
    return charts.curve(
        table,
        x_title="networks in a group",
        y_title="rank correlation of two groups",
        x_scale="log",
        x_format="d",
        y_format=".2f",
        title=f"Two groups of {half} networks rank the images alike with a correlation of "
        f"{top:.2f}; all {s.members} are expected to reach {s.expected(s.members):.2f}",
        subtitle=f"Spearman correlation of the C-scores of two disjoint groups: mean over {DRAWS} "
        "draws, with the range of 95 % of them; beyond by the formula of Spearman and Brown",
        description=f"Reliability of C-scores by the number of networks in a group. {said}. "
        f"Expected of {s.members}: {s.expected(s.members):.2f}; of {int(more[-1])}: "
        f"{s.expected(more[-1]):.2f}.",
    )


def repeated_choices(s: Scores, config: ExampleDifficulty) -> pd.DataFrame:
    """Tabulate how much of the config's choice another half of the networks would choose too.

    One row each for hard and easy: share of the choice in common, what chance gives, and the share
    of the chosen whose score an unchosen example of their class has as well: there a draw decided.
    """
    pool = candidates(s, config)
    halves = [half.score[pool] for half in s.halves()]
    pool = pool[~np.isnan(halves).any(axis=0)]
    label, score, rows = s.label[pool], s.found.score[pool], []
    for kind in ("hard", "easy"):
        # ties of the two halves are drawn apart: one draw for both would make them look alike
        first, second = (
            select(kind, half.score[pool], label, config.subset, k)
            for k, half in enumerate(s.halves())
        )
        chosen = select(kind, score, label, config.subset)
        rows.append(
            {
                "choice": kind,
                "in common": len(np.intersect1d(first, second)) / config.subset,
                "by chance": config.subset / len(pool),
                "left to the draw": _drawn(score, label, chosen),
            }
        )
    return pd.DataFrame(rows)


def candidates(s: Scores, config: ExampleDifficulty) -> NDArray[np.int64]:
    """Return the indices of the examples from which this chapter chooses what to train on."""
    return np.flatnonzero(s.label < 5) if SHIFTED in config.ood else np.arange(s.examples)


def _drawn(score: NDArray, label: NDArray, chosen: NDArray) -> float:
    """Compute the share of chosen examples that are tied with an unchosen one of their class."""
    left = np.setdiff1d(np.arange(len(score)), chosen)
    rest = set(zip(label[left].tolist(), score[left].tolist(), strict=True))
    mine = zip(label[chosen].tolist(), score[chosen].tolist(), strict=True)
    return float(np.mean([pair in rest for pair in mine]))


def pictures(s: Scores, people: NDArray | None = None, each: int = EACH) -> Gallery:
    """Show the hardest and the easiest pictures of every class that are stored with the run.

    people: (example,) the class that most people chose where it is not the label, else -1; None
    where nobody was asked.
    """
    example, score = _stored(s)
    said = np.full(s.examples, -1) if people is None else people
    picked, groups = [], []
    for k, name in enumerate(s.classes):
        own = np.flatnonzero((s.label[example] == k) & ~np.isnan(score))
        own = own[np.argsort(score[own], kind="stable")]
        ends = [*own[:each].tolist(), *own[max(len(own) - each, each) :].tolist()]
        picked += ends
        groups += [f"{name}: hardest, then easiest"] * len(ends)
    other = [f" {s.classes[said[i]]}?" if said[i] >= 0 else "" for i in example[picked]]
    disputed = sum(map(bool, other))
    return gallery(
        s.run.table("thumbnails")["image"].values[picked],
        [f"{score[i]:.2f}{doubt}" for i, doubt in zip(picked, other, strict=True)],
        groups,
        columns=2 * each,
        size=48,
        title=f"The hardest and the easiest of every class: C-scores from "
        f"{score[picked].min():.2f} to {score[picked].max():.2f}"
        + (f"; {disputed} labels are disputed" if disputed else ""),
        description=f"Of every class {each} training images with the lowest C-score and {each} "
        "with the highest; the C-score stands under each and, with a question mark, the class that "
        "most people chose where it is not the label.",
    )


def hardest(s: Scores, each: int = 10) -> Gallery:
    """Show the hardest and the easiest of all stored pictures, with their class."""
    example, score = _stored(s)
    order = np.argsort(score, kind="stable")
    picked = np.concatenate([order[:each], order[~np.isnan(score[order])][-each:]])
    return gallery(
        s.run.table("thumbnails")["image"].values[picked],
        [f"{s.classes[s.label[example[i]]]}: {score[i]:.2f}" for i in picked],
        ["hardest"] * each + ["easiest"] * each,
        columns=each,
        title=f"{s.members} networks, {s.examples:,} images: {s.accuracy:.1%} of their held-out "
        "predictions are right",
        description=f"The {each} images with the lowest and the {each} with the highest C-score; "
        "class and C-score stand under each.",
    )


def _stored(s: Scores) -> tuple[NDArray, NDArray]:
    """Return which examples the stored pictures show, and their C-scores."""
    example = s.run.table("thumbnails")["example"].values
    return example, s.found.score[example]
