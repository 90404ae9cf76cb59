"""Read a table that somebody wrote by hand, with R, or with a spreadsheet.

    table = read_table("mine.csv", ["id", "ood"], ["model"])
    table.numbers("id"), table.texts("model")

Commas, semicolons or tabs between the cells; points or commas as decimal marks; UTF-8, UTF-16 or
Windows-1252; row names as R and pandas write them; a row of units under the header. What can be
read in one way only is read so, anything else is refused with file, line and what was expected.
"""

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nbcore.errors import DataError

DELIMITERS = (",", ";", "\t")
#: byte order marks; UTF-32's begins with UTF-16's, so it stands first
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)
#: 1,234 may be a thousand or a little more than one
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
UNIT = re.compile(r"\((.*)\)|\[(.*)\]")
#: units that a row under the header may name -> by what its numbers are multiplied
UNITS = dict.fromkeys(["frac", "frac.", "fraction", "fractions", "1", "-", "–", ""], 1.0)
UNITS |= dict.fromkeys(["%", "percent", "per cent", "pct", "pct."], 0.01)


@dataclass(frozen=True)
class Table:
    """A table as it was read: the wanted columns' cells, and where each row stands in the file.

    columns: lower-case name -> cells, stripped; lines: (row,) the line a row begins on, from 1;
    row_names: what stands before the first named column, if anything; factors: by unit.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    row_names: list[str] | None
    factors: dict[str, float]

    def __len__(self) -> int:
        return len(self.lines)

    def texts(self, name: str) -> list[str]:
        """Return a column's cells as they are: NA, None and NaN are names like any other."""
        return self.columns[name]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column as (row,) numbers. DataError, with its line, for a cell that is none."""
        cells = self.columns[name]
        commas = [i for i, cell in enumerate(cells) if WITH_COMMA.fullmatch(cell)]
        points = [i for i, cell in enumerate(cells) if "." in cell and NUMBER.fullmatch(cell)]
        if commas and points:
            raise self.error(
                max(commas[0], points[0]),
                f"{name} has decimal commas as well as points ({cells[commas[0]]} and "
                f"{cells[points[0]]}); write them one way",
            )
        if commas and all(THOUSANDS.fullmatch(cells[i]) for i in commas):
            raise self.error(
                commas[0],
                f"{name} is {cells[commas[0]]}, which may be a decimal comma or thousands; write "
                "the column with decimal points",
            )
        out = np.empty(len(cells))
        for i, cell in enumerate(cells):
            text = cell.replace(",", ".") if commas else cell
            if not NUMBER.fullmatch(text):
                found = f"it is {cell}" if cell else "it is empty"
                raise self.error(i, f"{name} must be a number, but {found}")
            out[i] = float(text)
        return out * self.factors[name]

    def error(self, row: int, what: str) -> DataError:
        """Return the error that says what is wrong in a row."""
        return DataError(f"{self.path}, line {self.lines[row]}: {what}.")


def read_table(path: str | Path, numeric: Sequence[str], other: Sequence[str] = ()) -> Table:
    """Read the columns `numeric`, which must be there, and those of `other` that are.

    Names of columns are compared without regard to case. DataError, in one sentence: a file that
    is missing, no text, or empty; a missing column or one that is there twice; a row with more
    values than the header has names, unless these can only be row names; a unit nobody knows.
    """
    path = Path(path)
    needs = f"the column{'s' * (len(numeric) > 1)} {' and '.join(numeric)}"
    needs += f" (and perhaps {' and '.join(other)})" if other else ""
    head, rows = _rows(path, numeric, needs)
    names = [name.lower() for name in head.cells]
    if missing := [name for name in numeric if name not in names]:
        raise DataError(
            f"{path}, line {head.line}: the header lacks {' and '.join(missing)}: it has "
            f"{', '.join(n or 'an empty name' for n in head.cells)}, and needs {needs}."
        )
    for name in (*numeric, *other):
        if (often := names.count(name)) > 1:
            raise DataError(
                f"{path}, line {head.line}: the column {name} is there {often} times "
                f"({', '.join(c for c in head.cells if c.lower() == name)}); keep one."
            )
    if not rows:
        raise DataError(
            f"{path} ends with its header in line {head.line}; give a row of values under it."
        )
    before = _row_names(path, names, rows, numeric)
    columns = {
        name: [row.cells[names.index(name) + before] for row in rows]
        for name in (*numeric, *other)
        if name in names
    }
    named = [row.cells[0] for row in rows] if before or not names[0] else None
    return _without_units(Table(path, columns, [row.line for row in rows], named, {}), numeric)


@dataclass(frozen=True)
class Row:
    """The cells of a row, stripped, and the line it begins on."""

    line: int
    cells: list[str]


def read_text(path: str | Path, needs: str = "text") -> str:
    """Return a text file's text, in UTF-8, UTF-16, or else Windows-1252. DataError for others."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no regular file; give a text file with {needs}.")
        raw = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"{path} cannot be read as a table ({why}); give a text file with {needs}."
        ) from None
    coding = next((name for mark, name in MARKS.items() if raw.startswith(mark)), None)
    if coding is None and b"\0" in raw[:200]:  # UTF-16 without its mark: every other byte is 0
        coding = "utf-16-le" if raw[1:200:2].count(0) > raw[:200:2].count(0) else "utf-16-be"
    for attempt in [coding] if coding else ["utf-8", "cp1252"]:
        try:
            text = raw.decode(attempt)
        except UnicodeDecodeError:
            continue
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise DataError(
        f"{path} is no text in UTF-8, UTF-16 or Windows-1252; give a text file with {needs}."
    )


def _rows(path: Path, numeric: Sequence[str], needs: str) -> tuple[Row, list[Row]]:
    """Split the text by the delimiter under which the header has most of the wanted columns."""
    text = read_text(path, needs)
    first = 0
    if said := re.match(r"sep=([,;\t])\r?\n", text):  # Excel's way to name the delimiter
        text, first = text[said.end() :], 1
    head = next((line for line in text.splitlines() if line.strip()), "")

    def found(delimiter: str) -> tuple[int, int]:
        names = [cell.strip(' "').lower() for cell in head.split(delimiter)]
        return len(set(numeric) & set(names)), len(names)

    delimiter = said[1] if said else max(DELIMITERS, key=found)
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows, line = [], first
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(line + 1, [cell.strip() for cell in cells]))
            line = first + reader.line_num
    except csv.Error as error:
        raise DataError(f"{path}, line {line + 1} cannot be read as a table ({error}).") from None
    if not rows:
        raise DataError(f"{path} is empty; give a header with {needs}, and rows under it.")
    width = len(rows[0].cells)
    for row in rows[1:]:
        while len(row.cells) > width and not row.cells[-1]:
            row.cells.pop()  # a spreadsheet's empty cells at the end
        row.cells.extend([""] * (width - len(row.cells)))
    return rows[0], rows[1:]


def _row_names(path: Path, names: list[str], rows: list[Row], numeric: Sequence[str]) -> int:
    """Return 1 if every row begins with a name that the header leaves out, as R writes it, or 0.

    It is 1 if only then every wanted column holds numbers, or if the names count the rows.
    DataError for other rows longer than the header.
    """
    longer = [row for row in rows if len(row.cells) > len(names)]
    if not longer:
        return 0
    places = [names.index(name) for name in numeric]
    body = [row for row in rows if not all(UNIT.fullmatch(row.cells[p]) for p in places)]

    def fits(before: int) -> bool:
        cells = [row.cells[p + before] for row in body for p in places]
        return all(NUMBER.fullmatch(c) or WITH_COMMA.fullmatch(c) for c in cells)

    counted = [row.cells[0] for row in rows] == [str(i + 1) for i in range(len(rows))]
    alone = not fits(0) or (counted and len(rows) > 2 and names[0] in numeric)
    if all(len(row.cells) == len(names) + 1 for row in rows) and fits(1) and alone:
        return 1
    row = longer[0]
    raise DataError(
        f"{path}, line {row.line} has {len(row.cells)} values and the header {len(names)} "
        f"name{'s' * (len(names) > 1)} ({', '.join(names)}); give every row one value for each, "
        "and decimal commas a semicolon or tab between the values."
    )


def _without_units(table: Table, numeric: Sequence[str]) -> Table:
    """Remove a row of units under the header, and keep the factors that they stand for."""
    units = {name: UNIT.fullmatch(table.columns[name][0]) for name in numeric}
    if not all(units.values()):
        return replace(table, factors=dict.fromkeys(table.columns, 1.0))
    said = {name: (u[1] or u[2] or "").strip().lower() for name, u in units.items() if u}
    if unknown := [unit for unit in said.values() if unit not in UNITS]:
        raise table.error(0, f"the unit {unknown[0]} is not known; give fractions or percent")
    if len(table) == 1:
        raise table.error(0, "a row of values must follow the row of units")
    return Table(
        table.path,
        {name: cells[1:] for name, cells in table.columns.items()},
        table.lines[1:],
        table.row_names and table.row_names[1:],
        dict.fromkeys(table.columns, 1.0) | {name: UNITS[unit] for name, unit in said.items()},
    )
