"""Train again after a correction: what networks give of held-out labels before, after, at random.

    nbcore difficulty ./photos-corrected --before photos-corrected/.corrections/log.json

Three ensembles with the same settings: on the data as they were, on the corrected ones, and on a
copy with as many changes between the same classes, of images drawn at random. Corrections follow
what networks say, so labels agree with networks better after any of them; what counts is the
accuracy on images whose label nobody changed. Classes are renamed and merged in all three alike.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from nbcore.data.sources import split_layout, with_layout
from nbcore.difficulty.judging import Judged, judge, named, summary
from nbcore.difficulty.review.corrections import correct, log_of
from nbcore.difficulty.review.decisions import RELABEL, REMOVE, RENAME, Row
from nbcore.difficulty.review.identity import FEWEST
from nbcore.errors import ParameterError
from nbcore.measures.bootstrap import NETWORKS_FIXED
from nbcore.measures.estimate import Estimate
from nbcore.paths import build_dir

BEFORE, AFTER, RANDOM = "as it was", "corrected", "corrected at random"


class Again(NamedTuple):
    """The comparison, one row a data set.

    Columns: data, changes (images), held_out (share of the labels of the data set itself that
    networks give which were not trained on them), unchanged (that of the same `images` images in
    all three, whose label nobody changed), and gain, gain_low, gain_high (of `unchanged` over the
    data as they were; 95 %, paired, over images). ahead: the corrected data minus those at random.
    """

    table: pd.DataFrame
    images: int
    networks: int
    ahead: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Return it for a script to read."""
        return {
            "unchanged_images": self.images,
            "networks": self.networks,
            "data": self.table.to_dict("records"),
            "ahead_of_random": dataclasses.asdict(self.ahead),
        }

    def lines(self) -> list[str]:
        """Say it in sentences."""
        t = {row["data"]: row for row in self.table.to_dict("records")}
        changed, n = t[AFTER]["changes"], self.images
        told = "; ".join(
            f"{name} {row['unchanged']:.1%}"
            + ("" if name == BEFORE else f" ({_points(row)} points)")
            for name, row in t.items()
        )
        own = ", ".join(f"{name} {row['held_out']:.1%}" for name, row in t.items())
        return [
            f"Trained again after {changed:,} corrections: of the {n:,} images whose label nobody "
            f"changed, networks that were not trained on them give the label of, {told}.",
            f"{self._verdict()} (95 % intervals over images; {self.networks} networks each, whose "
            f"own chance is not in them.) On all labels, the changed ones too: {own}.",
        ]

    def _verdict(self) -> str:
        if self.ahead.low > 0:
            return "These corrections teach networks more than as many at random."
        if self.ahead.high < 0:
            return "These corrections teach networks less than as many at random."
        return "Whether these corrections teach more than as many at random cannot be told."


def _points(row: dict[Any, Any]) -> str:
    value, low, high = (100 * row[c] for c in ("gain", "gain_low", "gain_high"))
    return f"{value:+.1f}, {low:+.1f} to {high:+.1f}"


def train_again(after: Judged, log_file: Path) -> Again:
    """Compare a corrected data set, which was judged, with what it was and with chance.

    Trains two more ensembles, where they are not stored. DataError: a log of another folder, or
    the original data are not there any more. ParameterError: planted noise or other labels; no
    label was changed of the images that were judged.
    """
    config = after.config
    if config.noise or config.labels:
        raise ParameterError(
            "A correction is compared on the labels of the data; leave out noise and labels."
        )
    log = log_of(Path(split_layout(config.dataset)[0]), log_file)
    rows = [Row(*row) for row in log["decisions"]]
    names = [row for row in rows if row.decision == RENAME]
    place = build_dir() / "difficulty"
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".again-", dir=place) as folder:

        def copy(of: str, decisions: list[Row], name: str) -> str:
            correct(of, decisions, Path(folder) / name)
            return with_layout(str(Path(folder) / name), split_layout(of)[1])

        base = copy(log["dataset"], names, "before") if names else log["dataset"]
        before = labelled(judge(dataclasses.replace(config, dataset=base)))
        changes = effective(rows, before)
        drawn = at_random(changes, before, np.random.default_rng(config.seed))
        random = labelled(judge(dataclasses.replace(config, dataset=copy(base, drawn, "random"))))
    return compare(before, labelled(after), random, changes, drawn, summary(after)["members"])


def labelled(judged: Judged) -> pd.DataFrame:
    """Take of a judged set what is compared: id, label (by name) and consistency of each image."""
    return named(judged)[["id", "label", "consistency"]]


def effective(rows: Sequence[Row], before: pd.DataFrame) -> list[Row]:
    """Find the decisions that changed an image which was judged, in the names after renames.

    before: `labelled` of the data with the renames. ParameterError for none.
    """
    to = {row.old: row.new for row in rows if row.decision == RENAME}
    there = set(zip(before["id"], before["label"], strict=True))
    whole = {known[:FEWEST]: known for known in before["id"]}
    out: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.decision in (RELABEL, REMOVE):
            digits = whole.get(row.id[:FEWEST], row.id)
            old, new = (to.get(name, name) for name in (row.old, row.new))
            if (digits, old) in there and new != old:
                out[digits, old] = row._replace(id=digits, old=old, new=new)
    if not out:
        raise ParameterError(
            "None of the images that are judged was given another label or left out, so there is "
            "nothing to compare."
        )
    return list(out.values())


def at_random(changes: Sequence[Row], before: pd.DataFrame, rng: np.random.Generator) -> list[Row]:
    """Draw as many changes between the same classes, each of another image of the same class.

    Images that lie in two classes are not drawn; where a class has too few others, there are fewer.
    """
    single = before[~before["id"].duplicated(keep=False)]
    out = []
    for old in sorted({row.old for row in changes}):
        ids = rng.permutation(single["id"][single["label"] == old].to_numpy())
        own = [row for row in changes if row.old == old]
        out += [row._replace(id=str(i), file="") for row, i in zip(own, ids, strict=False)]
    return out


def compare(
    before: pd.DataFrame,
    after: pd.DataFrame,
    random: pd.DataFrame,
    changes: Sequence[Row],
    drawn: Sequence[Row],
    networks: int,
) -> Again:
    """Compare three `labelled` sets on the images that neither kind of change touched.

    ParameterError where fewer than two such images were held out in all three.
    """
    touched = {row.id for row in (*changes, *drawn)}
    shares = pd.concat(
        [t.groupby("id")["consistency"].mean() for t in (before, after, random)],
        axis=1,
        join="inner",
        keys=(BEFORE, AFTER, RANDOM),
    )
    same = shares[~shares.index.isin(touched)].dropna()
    if len(same) < 2:
        raise ParameterError(
            f"Only {len(same)} images kept their label and were held out in all three data sets; "
            "give more images, or more networks, as in -p members=10."
        )
    rows = []
    for name, table, n in (
        (BEFORE, before, 0),
        (AFTER, after, len(changes)),
        (RANDOM, random, len(drawn)),
    ):
        gain = paired(same[name] - same[BEFORE])
        rows.append(
            {
                "data": name,
                "changes": n,
                "held_out": float(table["consistency"].mean()),
                "unchanged": float(same[name].mean()),
                "gain": gain.value,
                "gain_low": gain.low,
                "gain_high": gain.high,
            }
        )
    ahead = paired(same[AFTER] - same[RANDOM])
    return Again(pd.DataFrame(rows), len(same), networks, ahead)


def paired(differences: pd.Series) -> Estimate:
    """Estimate the mean of paired differences of images with Student's 95 % interval."""
    n, mean = len(differences), float(differences.mean())
    half = float(stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n, "fraction", NETWORKS_FIXED)
