"""Chapter 7: the published C-scores beside those of the networks trained here."""

import numpy as np
import pandas as pd

from nbcore.chapters.example_difficulty.config import ExampleDifficulty
from nbcore.chapters.example_difficulty.related import published_choice, published_measure
from nbcore.chapters.example_difficulty.score_figures import Scores
from nbcore.charts.base import Figure
from nbcore.charts.density import density
from nbcore.charts.tables import Table
from nbcore.lines.figures import instead
from nbcore.measures.robustness import clopper_pearson
from nbcore.measures.selection import select

#: cells along the published scores' rank
CELLS = 25


def against_ours(s: Scores, config: ExampleDifficulty) -> Figure | Table:
    """Draw how many images have which C-score here and which rank by the published ones.

    The title has Spearman's correlation with its interval. It cannot be expected to reach 1: ours
    agree no better with C-scores of other networks of their own kind, as the subtitle says.
    """
    published = published_measure(s, config)
    if published is None:
        return instead("Not drawn: there are no published C-scores of these images.")
    rho, low, high, n = published.agreement(s)
    step = 1 / min(s.votes, 20)
    edges = np.arange(-step / 2, 1 + step, step)
    return density(
        s.found.score,
        1 - published.values,
        x_title="C-score by the networks trained here",
        y_title="rank by the published C-score, 0 the hardest",
        bins=(edges, np.linspace(0, 1, CELLS + 1)),
        noun="images",
        title=f"Published C-scores rank the images as ours do with a correlation of {rho:.2f} "
        f"[{low:.2f}, {high:.2f}]",
        subtitle=f"Spearman correlation over {n:,} images with its 95 % interval, the networks "
        f"taken as given; scores of {s.members} other networks like ours are expected to reach "
        f"{s.expected(s.members):.2f}",
        description=f"Two-dimensional histogram of {n:,} training images: C-score by {s.members} "
        "networks trained here, and rank by the published C-score. Spearman correlation "
        f"{rho:.2f}, 95 % interval {low:.2f} to {high:.2f}.",
    )


def same_choice(s: Scores, config: ExampleDifficulty) -> pd.DataFrame:
    """Tabulate how much of the published scores' choice ours choose too.

    One row each for hard and easy: images chosen by both, their share with Clopper and Pearson's
    95 % interval, what chance gives. Empty where there are no published scores.
    """
    rows = []
    for kind in ("hard", "easy"):
        theirs = published_choice(s, config, kind)
        if theirs is None:
            continue
        ours = select(kind, s.found.score, s.label, config.subset)
        both = int(theirs[ours].sum())
        low, high = clopper_pearson(both, len(ours))
        rows.append(
            {
                "choice": kind,
                "chosen by both": f"{both:,} of {len(ours):,}",
                "share [95 %]": f"{both / len(ours):.1%} [{low:.1%}, {high:.1%}]",
                "by chance": len(ours) / s.examples,
            }
        )
    return pd.DataFrame(rows, columns=["choice", "chosen by both", "share [95 %]", "by chance"])
