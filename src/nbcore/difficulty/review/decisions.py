"""What people decided on suggestions, as a table, and what a data set's labels are after it.

A decision is a row of a CSV with a header, as the page exports it or anyone writes it:

    decision,old,new,id,file
    relabel,ant,bee,9f2c...,ant/003.png     the image is a bee
    keep,ant,,77ab...,ant/004.png           its label is right: looked at, nothing to do
    remove,ant,,01d4...,ant/005.png         it is to be left out
    rename,bee,honey bee,,                  a class gets another name; an existing one: they merge

An image is named by its id (`identity`) and the label it was seen with; `file` is for people only.
Classes are written as the data set has them: names are changed last, all at once.
"""

import csv
import io
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nbcore.data.folders import shown
from nbcore.difficulty.review.identity import FEWEST, SHOWN
from nbcore.errors import DataError, ParameterError, did_you_mean
from nbcore.text import plain

COLUMNS = ("decision", "old", "new", "id", "file")
#: of an image, and of a class
KEEP, RELABEL, REMOVE, RENAME = "keep", "relabel", "remove", "rename"
KINDS = (KEEP, RELABEL, REMOVE, RENAME)
_HEX = frozenset("0123456789abcdef")


class Row(NamedTuple):
    """One decision; line: where it stands in its table, from 1, the header being the first."""

    decision: str
    old: str
    new: str = ""
    id: str = ""
    file: str = ""
    line: int = 0


class Item(NamedTuple):
    """An image of a data set with the label that is to be corrected."""

    id: str
    label: str


class Outcome(NamedTuple):
    """Labels after the decisions, one an item, None: left out; the names' changes; the counts."""

    labels: list[str | None]
    renamed: dict[str, str]
    counts: dict[str, int]


def read(path: Path) -> list[Row]:
    """Read decisions from a CSV (comma, semicolon or tab; with or without a byte-order mark).

    DataError: no such file, not text, no header, a row that is no decision.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            f"The decisions {shown(path)} cannot be read ({error.strerror}); check the path."
        ) from None
    except UnicodeDecodeError:
        raise DataError(f"{shown(path)} is no text in UTF-8; export the decisions again.") from None
    head = text.partition("\n")[0]
    apart = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=apart)
    if lost := {"decision", "old", "new"} - set(reader.fieldnames or ()):
        raise DataError(
            f"{shown(path)} needs a header with the columns {', '.join(COLUMNS)}; "
            f"it lacks {', '.join(sorted(lost))}."
        )
    try:
        return [
            _row({c: (given.get(c) or "").strip() for c in COLUMNS}, reader.line_num, path)
            for given in reader
        ]
    except csv.Error as error:
        raise DataError(f"{shown(path)} is no CSV ({error}); export the decisions again.") from None


def _row(given: dict[str, str], line: int, path: Path) -> Row:
    row = Row(**given, line=line)
    at = f"Line {line} of {shown(path)}"
    if row.decision not in KINDS:
        known = did_you_mean(row.decision, KINDS)
        raise DataError(f"{at} has {plain(row.decision)!r} for a decision; {known}")
    if not row.old or (row.decision in (RELABEL, RENAME) and not row.new):
        need = "old and new" if row.decision in (RELABEL, RENAME) else "old"
        raise DataError(f"{at} is to {row.decision}, which needs the column {need}; fill it in.")
    digits = row.id.lower()
    if row.decision != RENAME and not (FEWEST <= len(digits) <= 64 and _HEX.issuperset(digits)):
        raise DataError(
            f"{at} needs the id of an image, {FEWEST} to 64 hexadecimal digits, "
            f"not {plain(row.id)!r}."
        )
    return row._replace(id=digits)


def written(rows: Sequence[Row]) -> str:
    """Write decisions as the CSV that `read` reads."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, c) for c in COLUMNS] for row in rows)
    return out.getvalue()


def settle(rows: Sequence[Row], items: Sequence[Item], classes: Sequence[str]) -> Outcome:
    """Work out every item's label after the decisions; their order does not matter.

    All copies of an image with the label of the row change with it. classes: the names there are,
    with or without an item. counts: relabelled, removed (items), kept, renamed, merged (classes),
    already (rows whose correction is there). ParameterError: unknown images or classes, decisions
    that contradict each other or the labels as they are.
    """
    names = {plain(name).strip(): name for name in classes} | {name: name for name in classes}
    renamed = _renamed(rows, names)
    asked, already = _asked(rows, items, names, renamed)
    labels: list[str | None] = []
    counts: Counter[str] = Counter(relabelled=0, removed=0, kept=0, already=already)
    for item in items:
        row = asked.get((item.id, item.label))
        target = row.new if row and row.decision == RELABEL else item.label
        gone = row is not None and row.decision == REMOVE
        labels.append(None if gone else renamed.get(target, target))
        counts["removed"] += gone
        counts["kept"] += row is not None and row.decision == KEEP
        counts["relabelled"] += target != item.label
    final = Counter(renamed.get(name, name) for name in classes)
    merged = sum(final[new] > 1 for new in renamed.values())
    counts.update(renamed=len(renamed) - merged, merged=merged)
    return Outcome(labels, renamed, dict(counts))


def _renamed(rows: Sequence[Row], names: dict[str, str]) -> dict[str, str]:
    """Collect the renames: {class: new name}, without those to its own name."""
    out: dict[str, Row] = {}
    for row in (r for r in rows if r.decision == RENAME):
        old = _class(row, row.old, names)
        before = out.setdefault(old, row)
        if before.new != row.new:
            raise ParameterError(
                f"Lines {before.line} and {row.line} rename {plain(old)!r} to "
                f"{plain(before.new)!r} and to {plain(row.new)!r}; leave one of them."
            )
    return {old: new for old, row in out.items() if (new := names.get(row.new, row.new)) != old}


def _class(row: Row, name: str, names: dict[str, str]) -> str:
    if name not in names:
        known = did_you_mean(name, dict.fromkeys(names.values()))
        raise ParameterError(f"Line {row.line} names the class {plain(name)!r}, not there; {known}")
    return names[name]


def _asked(
    rows: Sequence[Row], items: Sequence[Item], names: dict[str, str], renamed: dict[str, str]
) -> tuple[dict[tuple[str, str], Row], int]:
    """Find the decision on each (id, label), ids and classes in full, and how many are done."""
    ids = sorted({item.id for item in items})
    labels = defaultdict(set)
    for item in items:
        labels[item.id].add(item.label)
    new_names = names | {new: new for new in renamed.values() if new not in names}
    out: dict[tuple[str, str], Row] = {}
    targets: dict[str, Row] = {}
    already = 0
    for row in (r for r in rows if r.decision != RENAME):
        full, old = _whole(row, ids), _class(row, row.old, names)
        new = _class(row, row.new, new_names) if row.decision == RELABEL else ""
        row = row._replace(id=full, old=old, new=new)
        if row.decision == RELABEL and new == old:
            row = row._replace(decision=KEEP, new="")
        before = out.setdefault((full, old), row)
        if (before.decision, before.new) != (row.decision, row.new):
            raise _conflict(before, row)
        if row.decision == RELABEL and targets.setdefault(full, row).new != new:
            raise _conflict(targets[full], row)
        if old not in labels[full]:
            if new not in labels[full]:
                raise ParameterError(
                    f"Line {row.line} was decided on image {full[:SHOWN]} as "
                    f"{plain(old)!r}, but it is {plain(', '.join(sorted(labels[full])))!r} now; "
                    "judge the images again and decide anew."
                )
            already += 1
    for (full, old), row in out.items():
        if row.decision == KEEP and full in targets and targets[full].new != old:
            raise _conflict(*sorted((row, targets[full]), key=lambda r: r.line))
    return out, already


def _whole(row: Row, ids: list[str]) -> str:
    """Complete a shortened id from the sorted ids there are."""
    at = bisect_left(ids, row.id)
    if at == len(ids) or not ids[at].startswith(row.id):
        raise ParameterError(
            f"Line {row.line} is on the image {row.id[:SHOWN]}"
            f"{f' ({plain(row.file)})' if row.file else ''}, which is not among the labelled "
            "images; give the folder that was judged, or take the line out."
        )
    if at + 1 < len(ids) and ids[at + 1].startswith(row.id):
        raise ParameterError(
            f"Line {row.line} shortens an id to {row.id}, which fits several images; give more "
            "digits."
        )
    return ids[at]


def _conflict(first: Row, second: Row) -> ParameterError:
    def told(row: Row) -> str:
        return f"{row.decision}{f' to {plain(row.new)!r}' if row.new else f' {plain(row.old)!r}'}"

    return ParameterError(
        f"Lines {first.line} and {second.line} contradict each other on the image "
        f"{first.id[:SHOWN]}: {told(first)}, and {told(second)}; leave one of them."
    )
