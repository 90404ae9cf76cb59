"""What `nbcore difficulty` shows: a page to inspect images on, and its summary in words.

The page is one file, needs no network, and without JavaScript is a list by suggestion.
"""

import io
import json
from base64 import b64encode
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from nbcore import files
from nbcore.data.sources import short_name
from nbcore.depths.ensembles import Ensemble
from nbcore.difficulty.compare import FILTERS, compare, compare_rows, verdict
from nbcore.difficulty.judging import Judged, judge, named, summary, write_rows
from nbcore.difficulty.planning import Difficulty
from nbcore.difficulty.pretrained.runs import held_out_softmax
from nbcore.difficulty.review import identity
from nbcore.difficulty.review.again import Again, train_again
from nbcore.difficulty.review.template import template
from nbcore.difficulty.softmax import softmax_of
from nbcore.difficulty.words import said, warnings
from nbcore.measures.corners import CORNERS
from nbcore.paths import build_dir

#: in the order in which they are shown, with the share of the pictures that is meant for each
SHOWN = {"relabel": 0.6, "inspect": 0.3, "keep": 0.1}
#: facts of an image on the page: column -> name, format
FACTS = {
    "consensus_consistency": ("agreement, held out", "{:.0%}"),
    "consistency": ("right, held out", "{:.0%}"),
    "entropy": ("entropy, nats", "{:.2f}"),
    "depth_val": ("depth, held out", "{:.1f}"),
    "depth_train": ("depth, training", "{:.1f}"),
    "learned_val": ("update learned, held out", "{:.0f}"),
    "learned_train": ("update learned, training", "{:.0f}"),
    "output_margin_val": ("margin, held out", "{:.1f}"),
    "output_margin_train": ("margin, training", "{:.1f}"),
    "doubt": ("doubt, −2 to 2", "{:+.2f}"),
    "wrong": ("probability wrong", "{:.0%}"),
}


def choose(table: pd.DataFrame, most: int) -> dict[str, np.ndarray]:
    """Choose rows to show per suggestion: the most doubtful, but of those to keep the easiest.

    Where one kind has fewer than its share of the `most` pictures, the others take the rest.
    """
    order = table["doubt"].sort_values(ascending=False, kind="stable").index.to_numpy()
    rows = {a: order[table["action"].to_numpy()[order] == a] for a in SHOWN}
    rows["keep"] = rows["keep"][::-1]
    room = {a: min(len(rows[a]), int(share * most)) for a, share in SHOWN.items()}
    for action in SHOWN:
        room[action] += min(len(rows[action]) - room[action], most - sum(room.values()))
    return {action: found[: room[action]] for action, found in rows.items()}


def page(judged: Judged, more: Sequence[str] = ()) -> str:
    """Make the page as HTML; every text on it is escaped. more: sentences after the first ones."""
    table, frame = judged.table, named(judged)
    chosen = choose(table, judged.config.pictures)
    counts = table["action"].value_counts()
    bar = tqdm(total=sum(map(len, chosen.values())), desc="pictures", leave=False, delay=2)
    sections = []
    for action, found in chosen.items():
        count = int(counts.get(action, 0))
        note = f"The {len(found)} {'easiest' if action == 'keep' else 'most doubtful'} are shown."
        cards = [_card(judged, frame, i, bar) for i in found]
        sections.append(
            {
                "action": action,
                "name": action.capitalize(),
                "count": f"{count:,}",
                "note": note if len(found) < count else "",
                "cards": cards,
            }
        )
    name = short_name(judged.config.dataset)
    shown = table.loc[np.concatenate(list(chosen.values()))]
    return template().render(
        title=f"{name}: which labels to doubt",
        said=[*said(judged), *more],
        warnings=warnings(judged),
        sections=sections,
        filters=_filters(shown, judged.sample.classes),
        name=name,
        classes=judged.sample.classes,
        store=identity.store_of(name, judged.sample.classes),
    )


def _filters(shown: pd.DataFrame, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    out = [
        {
            "name": name,
            "field": field,
            "options": [(int(c), classes[c]) for c in np.unique(shown[field]) if c >= 0],
        }
        for name, field in (("Label", "label"), ("The networks see", "consensus"))
    ]
    there = set(shown["corner"])
    corners = [(i, c.replace("_", " ")) for i, c in enumerate(CORNERS) if c in there]
    return [*out, {"name": "Corner", "field": "corner", "options": corners}]


def _card(judged: Judged, frame: pd.DataFrame, i: int, bar: tqdm) -> dict[str, Any]:
    row: dict[Any, Any] = judged.table.iloc[i].to_dict()
    shown: dict[Any, Any] = frame.iloc[i].to_dict()
    picture = judged.sample.picture(int(judged.positions[i]))
    small = max(picture.size) <= 48
    kind, out = ("png" if small else "jpeg"), io.BytesIO()
    picture.save(out, kind, quality=85)
    bar.update()
    other = shown["consensus"] if row["consensus"] not in (-1, row["label"]) else ""
    last = judged.table.attrs["last_probe"]
    ring, block = (
        None if np.isnan(row[c]) else round(float(4 + 92 * row[c] / last), 1)
        for c in ("depth_val", "depth_train")
    )
    facts = [
        (name, form.format(row[c])) for c, (name, form) in FACTS.items() if pd.notna(row.get(c))
    ]
    if row["original"] != row["label"]:
        facts.insert(0, ("original label", shown["original"]))
    if row["corner"]:
        facts.insert(0, ("corner", row["corner"].replace("_", " ")))
    seen = f", seen as {other}" if other else ""
    facts.append(("id", shown["id"][: identity.SHOWN]))
    return {
        "id": shown["id"],
        "data": b64encode(out.getvalue()).decode(),
        "kind": kind,
        "small": small,
        "alt": f"{shown['file']}, labelled {shown['label']}{seen}",
        "file": shown["file"],
        "label": shown["label"],
        "other": other,
        "ring": ring,
        "block": block,
        "facts": facts,
        "label_number": int(row["label"]),
        "consensus_number": int(row["consensus"]),
        "corner_number": list(CORNERS).index(row["corner"]) if row["corner"] else "",
    }


def write_page(judged: Judged, folder: Path, more: Sequence[str] = ()) -> Path:
    """Write `difficulty.html` into a folder; returns where."""
    target = folder / "difficulty.html"
    files.write_atomically(target, page(judged, more).encode())
    return target


class Report(NamedTuple):
    """The files written, what to say of them, and a table of `difficulty.compare.compare`.

    The table is None where no labels are known to be wrong; again: what a correction changed, if
    that was asked for.
    """

    judged: Judged
    files: dict[str, Path]
    comparison: pd.DataFrame | None
    again: Again | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report for a script to read; NaN becomes null."""
        table = self.comparison
        rows = None if table is None else json.loads(table.to_json(orient="records"))
        files = {kind: str(path) for kind, path in self.files.items()}
        told = {"warnings": warnings(self.judged), "comparison": rows, "files": files}
        again = {"again": self.again.as_dict()} if self.again else {}
        return summary(self.judged) | told | again

    def text(self) -> str:
        """Return the report for people: what was found, any comparison, the files."""
        again = self.again.lines() if self.again else []
        lines = [*said(self.judged), *again, *warnings(self.judged)]
        if self.comparison is not None:
            lines += ["", *_compared(self.comparison)]
        return "\n".join([*lines, "", *(f"{k:8} {path}" for k, path in self.files.items())])


def _compared(table: pd.DataFrame) -> list[str]:
    """Tabulate the labels known to be wrong that each method found, with 95 % intervals."""
    rows = pd.DataFrame(
        [
            {"method": row["method"], "suggested": row["suggested"]}
            | {
                what: f"{row[what]:.2f} ({row[f'{what}_low']:.2f}–{row[f'{what}_high']:.2f})"
                for what in ("precision", "recall", "f1")
            }
            for row in table.to_dict("records")
        ]
    )
    a = table.attrs
    head = f"{a['wrong']:,} of {a['examples']:,} labels are known to be wrong; found by"
    said = [head, *rows.to_string(index=False).split("\n")]
    if "cleanlab" not in set(table["method"]):
        return [*said, "cleanlab is not installed: pip install 'nbcore[cleanlab]' adds it here."]
    if a["probabilities"] == "votes":
        said.append(
            "cleanlab was given shares of neighbours' votes as probabilities; it ranks better with "
            "the networks' own, for which they are trained again: -p softmax=true."
        )
    return [*said, verdict(table)]


def report(config: Difficulty, folder: Path | None = None, before: Path | None = None) -> Report:
    """Judge the images and write rows and page, by default among the build products.

    before: the log of a correction, for a comparison with the data as they were. Errors as
    `difficulty.judging.judge` and `train_again`; StoreError for a folder that cannot be written to.
    """
    judged = judge(config)
    again = train_again(judged, before) if before else None
    name = short_name(config.dataset)
    folder = folder or build_dir() / "difficulty" / f"{name}-{judged.run.path.name}"
    more = again.lines() if again else ()
    files = write_rows(judged, folder) | {"page": write_page(judged, folder, more)}
    known = (judged.table["original"] != judged.table["label"]).any()
    return Report(judged, files, _comparison(judged) if known else None, again)


def _comparison(judged: Judged) -> pd.DataFrame:
    c = judged.config
    filters = tuple(FILTERS) if find_spec("cleanlab") else ()
    if not isinstance(judged.ensemble, Ensemble):
        return compare_rows(judged.table, held_out_softmax(judged.run), "given", filters=filters)
    return compare(
        judged.run,
        softmax_of(judged.ensemble, c.fresh) if c.softmax else "votes",
        agreement=c.agreement,
        gap=c.gap,
        filters=filters,
    )
