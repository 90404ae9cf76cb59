"""Correct the labels of image parquet: the same columns and rows in the same order, and back again.

Numbers of classes keep their meaning: where classes merge, one number is used no more.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from nbcore.data.folders import shown
from nbcore.data.sources import Found
from nbcore.difficulty.review.decisions import Item
from nbcore.difficulty.review.identity import SHOWN, image_id
from nbcore.errors import DataError, ParameterError
from nbcore.text import plain

META = b"huggingface"


class Shards(NamedTuple):
    """The images of parquet files: files below the root, rows of each, items of all in order.

    numbers: the label of each item as it is stored; names: what the numbers are called, by the
    files or the catalogue, empty where neither says it. A number without a name (-1: unlabelled)
    has the label "". in_files: whether the files say it, so that names can be changed there.
    """

    files: list[str]
    rows: list[int]
    items: list[Item]
    numbers: list[int]
    names: list[str]
    in_files: bool = True

    @property
    def classes(self) -> list[str]:
        """The names of the classes; the numbers in use where they have no names."""
        used = {item.label for item in self.items if item.label} if not self.names else ()
        return self.names or sorted(used, key=int)


def columns(schema: pa.Schema, file: str) -> tuple[str, str]:
    """Name the columns of images and labels, as the reader of image parquet chooses them."""
    image = next((name for name in ("img", "image") if name in schema.names), None)
    label = next((name for name in ("label", "fine_label") if name in schema.names), None)
    if not image or not label or not pa.types.is_integer(schema.field(label).type):
        raise DataError(
            f"{shown(file)} needs images in `img` or `image` and integers in `label`; it has "
            f"{', '.join(f'{field.name} ({field.type})' for field in schema)}."
        )
    return image, label


def opened(file: Path) -> pq.ParquetFile:
    """Open a parquet file. DataError for one that is damaged."""
    try:
        return pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        first = str(error).partition("\n")[0]
        raise DataError(f"{shown(file)} is no parquet file ({first}); renew it.") from None


def names_of(schema: pa.Schema, label: str) -> list[str]:
    """Return the classes' names that the metadata give, empty for none."""
    meta = json.loads((schema.metadata or {}).get(META, b"{}"))
    return list(meta.get("info", {}).get("features", {}).get(label, {}).get("names") or ())


def look(found: Found) -> Shards:
    """Read ids and labels of all rows of all files. DataError where files name classes unlike."""
    out = Shards([], [], [], [], [])
    known = list(found.entry.classes) if found.entry else []
    for file in tqdm(found.files, desc="ids", leave=False, delay=2):
        reader = opened(file)
        image, label = columns(reader.schema_arrow, str(file))
        names, before = names_of(reader.schema_arrow, label), len(out.items)
        in_files, names = bool(names), names or known
        if out.files and (names, in_files) != (out.names, out.in_files):
            raise DataError(
                f"{shown(file)} names other classes than {shown(out.files[0])}, so its numbers "
                "cannot be corrected by name; bring the files to the same names."
            )
        out = out._replace(names=names, in_files=in_files)
        for batch in reader.iter_batches(256, columns=[image, label]):
            ids, numbers = _ids(batch.column(image)), batch.column(label).to_pylist()
            out.items.extend(map(Item, ids, (_name(n, names) for n in numbers)))
            out.numbers.extend(numbers)
        out.files.append(file.relative_to(found.root).as_posix())
        out.rows.append(len(out.items) - before)
    return out


def _name(number: int | None, names: Sequence[str]) -> str:
    if number is None or number < 0:
        return ""
    return str(number) if not names else names[number] if number < len(names) else ""


def _ids(images: Any) -> list[str]:
    data = images.field("bytes") if pa.types.is_struct(images.type) else images
    return [image_id(value or b"") for value in data.to_pylist()]


def numbers(
    names: Sequence[str], renamed: dict[str, str], used: Sequence[str] = (), in_files: bool = True
) -> tuple[list[str], dict[str, int]]:
    """Find the names of the numbers after renames, and the number of each name that is in use.

    A merged class goes to the number of the class it joins, else to the lowest; its own number
    keeps its name, or gets one that is nobody's. Without names the numbers themselves are names.
    ParameterError: a new name where there are none.
    """
    if names and in_files:
        return _in_files(names, renamed)
    if odd := [new for new in renamed.values() if new not in used]:
        raise ParameterError(
            f"These files have numbers for classes and no names, so {plain(odd[0])!r} can be "
            "no name of one; rename a class only to another that is there."
        )
    fixed = {name: i for i, name in enumerate(names)} or {name: int(name) for name in used}
    return list(names), fixed


def _in_files(names: Sequence[str], renamed: dict[str, str]) -> tuple[list[str], dict[str, int]]:
    final = [renamed.get(name, name) for name in names]
    number: dict[str, int] = {}
    for i, name in enumerate(final):
        if name == names[i] or name not in number:
            number[name] = i
    out = [name if number[name] == i else "" for i, name in enumerate(final)]
    for i, name in enumerate(out):
        if not name:
            own = names[i]
            while own in number or own in out:
                own = f"{own} (merged)"
            out[i] = own
    return out, number


def correct(
    table: pa.Table, labels: Sequence[int | None], removed: Sequence[int], names: Sequence[str]
) -> pa.Table:
    """Return a table with other labels and class names, without the rows of these numbers."""
    _, column = columns(table.schema, "The table")
    kept = np.ones(len(labels), bool)
    kept[list(removed)] = False
    some = [label for label, stays in zip(labels, kept, strict=True) if stays]
    out = _with_labels(table.filter(pa.array(kept)), some, column)
    return out.replace_schema_metadata(_metadata(out.schema, column, names))


def _with_labels(table: pa.Table, labels: Sequence[int | None], column: str) -> pa.Table:
    field = table.schema.field(column)
    at = table.schema.get_field_index(column)
    return table.set_column(at, field, pa.array(labels, field.type))


def _metadata(schema: pa.Schema, label: str, names: Sequence[str]) -> dict[bytes, bytes] | None:
    if list(names) == names_of(schema, label):
        return schema.metadata
    meta = json.loads(schema.metadata[META])
    meta["info"]["features"][label]["names"] = list(names)
    return schema.metadata | {META: json.dumps(meta, ensure_ascii=False).encode()}


def change(
    source: Path, labels: Sequence[int | None], removed: Sequence[int], names: Sequence[str]
) -> dict[str, Any]:
    """Read a file and correct it: {"table", "left_out" (a table or None), "log"}.

    removed: numbers of the rows to leave out. "log": {"changed": [[row, id, old, new]], "removed",
    "metadata"}; "table" is None where nothing changes.
    """
    table = opened(source).read()
    image, column = columns(table.schema, str(source))
    gone = set(removed)
    changed = [
        (row, old, new)
        for row, (old, new) in enumerate(zip(table[column].to_pylist(), labels, strict=True))
        if old != new and row not in gone
    ]
    if not changed and not gone and list(names) == names_of(table.schema, column):
        return {"table": None, "left_out": None, "log": None}
    meta = (table.schema.metadata or {}).get(META)
    left = np.zeros(len(labels), bool)
    left[list(removed)] = True
    log = {
        "changed": [[row, _id(table[image], row), old, new] for row, old, new in changed],
        "removed": list(removed),
        "metadata": meta.decode() if meta else None,
    }
    out = correct(table, labels, removed, names)
    return {"table": out, "left_out": table.filter(pa.array(left)) if gone else None, "log": log}


def _id(images: pa.ChunkedArray, row: int) -> str:
    return _ids(images.slice(row, 1).combine_chunks())[0]


def restore(table: pa.Table, gone: pa.Table | None, log: dict[str, Any], name: str) -> pa.Table:
    """Undo `change`: put rows back into their places, then labels and metadata.

    name: of the file, for the DataError where it is not the table that the log speaks of.
    """
    image, column = columns(table.schema, name)
    parts, at, before = [], 0, 0
    for number, row in enumerate(log["removed"]):
        parts += [table.slice(at, row - before), gone.slice(number, 1)]  # type: ignore[union-attr]
        at, before = at + row - before, row + 1
    whole = pa.concat_tables([*parts, table.slice(at)], promote_options="none") if parts else table
    labels = whole[column].to_pylist()
    for row, digits, old, new in log["changed"]:
        there = row < len(labels) and labels[row] == new
        if not there or _id(whole[image], row) != digits:
            raise DataError(
                f"Row {row} of {shown(name)} is not the image {digits[:SHOWN]} with the label that "
                "the log says; undo needs the corrected files as they were written."
            )
        labels[row] = old
    meta = {k: v for k, v in (whole.schema.metadata or {}).items() if k != META}
    meta |= {META: log["metadata"].encode()} if log["metadata"] is not None else {}
    return _with_labels(whole, labels, column).replace_schema_metadata(meta or None)


def write(table: pa.Table, target: Path, like: Path) -> None:
    """Write a table with the compression and the row groups of another file."""
    about = opened(like).metadata
    group = about.row_group(0) if about.num_row_groups else None
    kind = group.column(0).compression.lower() if group else "snappy"
    rows = max((about.row_group(i).num_rows for i in range(about.num_row_groups)), default=1)
    pq.write_table(
        table,
        target,
        compression="none" if kind == "uncompressed" else kind,
        row_group_size=max(rows, 1),
    )
