"""Chapter 8's practical ending: which labels to doubt, beside confident learning (cleanlab)."""

from typing import NamedTuple

import pandas as pd

from nbcore import charts
from nbcore.chapters.corner_examples.observe import Chapter
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.difficulty.compare import CHANCE, OURS, SAME, SIMPLE, compare, verdict
from nbcore.errors import ParameterError

#: the methods that the figure shows; the table has all
SHOWN = {OURS: "rule on depths", SIMPLE: SIMPLE, "cleanlab": "cleanlab", CHANCE: CHANCE}
MEASURES = {"precision": "precision", "recall": "recall", "average_precision": "ranking"}


class Comparison(NamedTuple):
    """What made the labels wrong, and `difficulty.compare.compare` on that ensemble."""

    words: str
    table: pd.DataFrame


def comparisons(chapter: Chapter) -> list[Comparison]:
    """Compare the methods on every ensemble that was trained on labels known to be partly wrong.

    ParameterError where there is no such ensemble.
    """
    out = []
    for name, run in chapter.noisy_runs.items():
        errors = chapter.errors.get(name.partition(" ")[0])
        if errors is not None and name in chapter.mislabelled:
            seed, resamples = chapter.config.seed, chapter.config.resamples
            table = compare(run, resamples=resamples, seed=seed)
            out.append(Comparison(errors.words, table))
    if not out:
        raise ParameterError(
            "No ensemble of this chapter has labels that are known to be wrong; give a share of "
            "them, as in planted=0.1."
        )
    return out


def found_by_method(found: list[Comparison]) -> Figure:
    """Draw precision, recall and average precision of the doubts on labels, by method."""
    parts = []
    for words, table in found:
        for method, shown in SHOWN.items():
            row = table[table["method"] == method].iloc[0]
            for what, name in MEASURES.items():
                parts.append(
                    {
                        "category": f"{name}, {words}",
                        "group": shown,
                        "value": row[what],
                        "low": row[f"{what}_low"],
                        "high": row[f"{what}_high"],
                    }
                )
    rows = pd.DataFrame(parts).dropna()
    ahead = []
    for words, table in found:
        ours, row = (table[table["method"] == m].iloc[0] for m in (OURS, "cleanlab"))
        low, high = row["average_precision_ahead_low"], row["average_precision_ahead_high"]
        open_ = "" if low > 0 or high < 0 else ", undecided"
        pair = f"{ours['average_precision']:.2f} by depths, {row['average_precision']:.2f} by"
        ahead.append(f"{words.partition(':')[0]}: {pair} cleanlab{open_}")
    values = [f"{r.group}, {r.category}: {r.value:.2f}" for r in rows.itertuples()]
    return charts.bars(
        rows,
        title=f"Average precision of doubts on labels. {'; '.join(ahead)}",
        subtitle="precision: how many suggestions are wrong labels; recall: how many of the wrong "
        "labels are suggested; ranking: average precision. 95 % intervals",
        description=f"Finding wrong labels. {'; '.join(values)}.",
        x_title="share",
        x_format="~%",
        zero=True,
    )


def table(found: list[Comparison]) -> pd.DataFrame:
    """Tabulate every method on every kind of wrong labels; F1 with its interval."""
    parts = []
    for words, scores in found:
        f1 = [f"{r.f1:.2f} [{r.f1_low:.2f}, {r.f1_high:.2f}]" for r in scores.itertuples()]
        parts.append(
            pd.DataFrame(
                {
                    "wrong labels are": words,
                    "method": scores["method"],
                    "suggested": scores["suggested"],
                    "precision": scores["precision"],
                    "recall": scores["recall"],
                    "F1": f1,
                    "ranking": scores["average_precision"],
                    "mended": scores["mended"],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def who_wins(found: list[Comparison]) -> Table:
    """Say in a sentence which method wins on each kind of wrong labels.

    The rule on depths is compared with cleanlab, and with cleanlab's ranking cut at as many
    suggestions.
    """
    said = [
        f"{words}. {verdict(scores, against)}"
        for words, scores in found
        for against in ("cleanlab", SAME)
        if against in set(scores["method"])
    ]
    lines = pd.DataFrame({"by F1": said})
    return charts.show(lines, caption="Who wins")
