"""Chapter 7: what other measures of difficulty, and people, say of the same images."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import rankdata

from nbcore import charts
from nbcore.chapters.example_difficulty.choices import chosen
from nbcore.chapters.example_difficulty.conditions import CHOICES
from nbcore.chapters.example_difficulty.config import PUBLISHED_SCORES, ExampleDifficulty, depth_run
from nbcore.chapters.example_difficulty.others import LEVELS, checked, others
from nbcore.chapters.example_difficulty.score_figures import Scores, candidates
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.depths.ensembles import Ensemble, chosen_examples
from nbcore.depths.roster import DepthConfig, network_title, setting
from nbcore.depths.view import EnsembleView
from nbcore.errors import DataError
from nbcore.lines.figures import instead
from nbcore.measures.agreement import held_out_mean
from nbcore.measures.cscores import spearman
from nbcore.measures.learning import scaled_steps
from nbcore.measures.selection import select
from nbcore.runs.store import Run, find_run

MEASURES = {"depth": "prediction depth", "learned": "iteration learned"}
#: a mean over fewer examples is not drawn
ENOUGH = 20


@dataclass(frozen=True)
class Measure:
    """Another measure of difficulty: values (example,), high is hard, NaN where there is none."""

    name: str
    values: NDArray[np.float64]
    source: str

    def agreement(self, s: Scores) -> tuple[float, float, float, int]:
        """Compute Spearman's correlation with the difficulty 1 - C-score.

        Returns it, the two ends of its 95 % interval, and over how many examples. The interval is
        Fisher's with the variance 1.06 / (n - 3) for ranks; it takes the examples as drawn and the
        networks as given.
        """
        n = int((~np.isnan(self.values) & ~np.isnan(s.found.score)).sum())
        rho = spearman(-s.found.score, self.values)
        room = 1.96 * np.sqrt(1.06 / max(n - 3, 1))
        low, high = np.tanh(np.arctanh(np.clip(rho, -0.9999, 0.9999)) + np.array([-room, room]))
        return rho, float(low), float(high), n


def measures(s: Scores, config: ExampleDifficulty) -> list[Measure]:
    """List the measures that can be had: depth and learning speed, published C-scores, people.

    No network is trained and nothing fetched for them: what is neither stored nor at hand is left
    out.
    """
    out = []
    for run, ensemble in _ensembles(config):
        at, view = _places(s, run, ensemble), EnsembleView.of("", run)
        network, n = network_title(ensemble.architecture), view.size
        source = f"{n} network{'s' * (n > 1)}"
        for name, values in {
            "depth": view.mean_depth("train"),
            "learned": _learned(view.members),
        }.items():
            spread = _spread(values, at, s.examples)
            out.append(Measure(f"{MEASURES[name]} ({network})", spread, source))
    if published := published_measure(s, config):
        out.append(published)
    if (table := _said("people", s, config)) is not None:
        n = table.attrs["people"]
        wrong = table["disagree"].values / n
        out.append(Measure("people who disagree", wrong, f"{n} people"))
    return out


def published_measure(s: Scores, config: ExampleDifficulty) -> Measure | None:
    """Give 1 minus the rank of the published C-scores, from 0 to 1; None where there are none."""
    table = _said("published", s, config)
    if table is None:
        return None
    rank = (table["level"].values + 0.5) / LEVELS
    return Measure("published C-score", 1 - rank, "Jiang et al.")


def disputed(s: Scores, config: ExampleDifficulty) -> NDArray | None:
    """Name the class that most people chose where it is not the label, else -1: (example,).

    None for images of which no people's labels are known.
    """
    table = _said("people", s, config)
    return None if table is None else table["majority"].values.astype(int)


def _said(what: str, s: Scores, config: ExampleDifficulty) -> xr.Dataset | None:
    table = others(what, config.id, config.subset)
    return None if table is None else checked(table, s.label)


def by_score(s: Scores, found: Sequence[Measure]) -> Figure | Table:
    """Draw mean difficulty by every other measure along the C-score, as a rank from 0 to 1."""
    if not found:
        return instead("Not drawn: no other measure of difficulty is stored for these images.")
    levels = np.round(s.found.score * min(s.votes, 20)) / min(s.votes, 20)
    rows = list(chain.from_iterable(_rows(m, levels) for m in found))
    said = ", ".join(f"{m.name} {m.agreement(s)[0]:+.2f}" for m in found)
    best = max(found, key=lambda m: m.agreement(s)[0])
    return charts.curve(
        pd.DataFrame(rows),
        x_title="C-score",
        y_title="mean difficulty rank, 1 the hardest",
        x_format=".2f",
        y_format=".2f",
        title=f"Closest to the C-score: {best.name}, with a rank correlation of "
        f"{best.agreement(s)[0]:.2f}",
        subtitle="Images are ranked by each measure, and ranks averaged at each C-score, with 95 % "
        "intervals",
        description=f"Mean rank of difficulty by other measures along the C-score. Spearman "
        f"correlations of difficulty: {said}.",
    )


def _rows(m: Measure, levels: NDArray) -> list[dict[str, object]]:
    known = ~np.isnan(m.values) & ~np.isnan(levels)
    rank = (rankdata(m.values[known]) - 0.5) / known.sum()
    out = []
    for level in np.unique(levels[known]):
        own = rank[levels[known] == level]
        if len(own) >= ENOUGH:
            room = 1.96 * own.std(ddof=1) / np.sqrt(len(own))
            out.append(
                {
                    "x": level,
                    "y": own.mean(),
                    "series": m.name,
                    "low": own.mean() - room,
                    "high": own.mean() + room,
                }
            )
    return out


def table(s: Scores, found: Sequence[Measure]) -> pd.DataFrame:
    """Tabulate each measure's correlation with 1 - C-score, and over how many images."""
    rows = []
    for m in found:
        rho, low, high, n = m.agreement(s)
        rows.append(
            {
                "measure": m.name,
                "from": m.source,
                "images": f"{n:,}",
                "correlation [95 %]": f"{rho:+.2f} [{low:+.2f}, {high:+.2f}]",
            }
        )
    return pd.DataFrame(rows, columns=["measure", "from", "images", "correlation [95 %]"])


def contents(s: Scores, config: ExampleDifficulty) -> pd.DataFrame:
    """Tabulate what the first seed's hard, random and easy choices contain, and all examples."""
    pool, score = candidates(s, config), s.found.score
    other = disputed(s, config)
    parts = {kind: pool[_chosen(s, config, kind, pool)] for kind in CHOICES} | {"all": pool}
    rows = []
    for kind, at in parts.items():
        row: dict[str, object] = {"examples": kind, "images": f"{len(at):,}"}
        row |= {
            "mean C-score": float(np.nanmean(score[at])),
            "right for all": float((score[at] == 1).mean()),
            "right for none": float((score[at] == 0).mean()),
        }
        if other is not None:
            row["label disputed"] = float((other[at] >= 0).mean())
        rows.append(row)
    return pd.DataFrame(rows)


def _chosen(s: Scores, config: ExampleDifficulty, kind: str, pool: NDArray) -> NDArray:
    """Choose positions in the pool, from stored tables where that can be: it needs no images."""
    if kind == "random" or config.difficulty == "c-scores":
        return select(kind, s.found.score[pool], s.label[pool], config.subset)
    if config.difficulty == PUBLISHED_SCORES:
        theirs = published_choice(s, config, kind)
        if theirs is not None:
            return np.flatnonzero(theirs[pool])
    return chosen(config, kind)


def published_choice(s: Scores, config: ExampleDifficulty, kind: str) -> NDArray[np.bool_] | None:
    """Mark the "hard" or "easy" images by the published C-scores: (example,); None without."""
    table = _said("published", s, config)
    if table is None:
        return None
    return np.unpackbits(table[kind].values, count=s.examples).astype(bool)


def _ensembles(config: ExampleDifficulty) -> list[tuple[Run, Ensemble]]:
    """Find the ensembles that other measures can be read from, as far as they are stored.

    They are the one behind the depth controls, which covers all training images, and the depth
    chapters' VGG16s on fewer of them.
    """
    wanted = (depth_run(config), setting(f"{config.id}:vgg16", DepthConfig()))
    found = ((find_run(e.slug, e, e.roles(), "members"), e) for e in wanted)
    return [(run, ensemble) for run, ensemble in found if run]


def _places(s: Scores, run: Run, ensemble: Ensemble) -> NDArray[np.int64]:
    """Find which training images an ensemble's examples are; DataError if their labels differ."""
    at = chosen_examples(s.label, ensemble.examples, ensemble.seed)
    if not np.array_equal(s.label[at], run.table("examples")["original_label"].values):
        raise DataError(
            f"The ensemble {run.path.name} holds other images than the C-scores; compute both on "
            "the same data set."
        )
    return at


def _spread(values: NDArray, at: NDArray, n: int) -> NDArray[np.float64]:
    """Put values at their places among n examples, (n,); NaN elsewhere."""
    out = np.full(n, np.nan)
    out[at] = values
    return out


def _learned(members) -> NDArray[np.float64]:
    """Average the scaled step learned over the networks that trained on an example, (example,)."""
    steps = members["step"].values
    steps = steps.reshape(-1, steps.shape[-1])[0]
    scaled = np.stack([scaled_steps(row, steps) for row in members["learned"].values])
    scaled = np.where(members["held_out"].values, np.nan, scaled)
    return held_out_mean(scaled, ~np.isnan(scaled))
