"""Write a corrected copy of a set of images by people's decisions, with a log that can be undone.

    nbcore difficulty ./photos --apply decisions.csv --out ./photos-corrected
    nbcore difficulty ./photos-corrected --undo photos-corrected/.corrections/log.json --out ./back

The originals are only read. A copy consists of hard links where the file system has them, else of
symbolic links, else of copies; parquet files in which something changes are written anew. The log
and what was left out are in `.corrections`, which readers of images pass over, as all hidden files.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from nbcore.data.fetch import obtain
from nbcore.data.folders import contents, shown
from nbcore.data.readers import is_tree
from nbcore.data.sources import Found, is_own, split_layout
from nbcore.difficulty.review import folders, parquet
from nbcore.difficulty.review.copies import QUIET, link_all, staged
from nbcore.difficulty.review.decisions import Outcome, Row, read, settle, written
from nbcore.errors import DataError, ParameterError

FOLDER, LOG = ".corrections", "log.json"
FORMAT = "nbcore corrections 1"


class Written(NamedTuple):
    """A copy that was written: its folder, its log (None after an undo), and what was done.

    counts: as `decisions.Outcome`, empty after an undo; ways: number of files by how they came.
    """

    folder: Path
    log: Path | None
    counts: dict[str, int]
    ways: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return it for a script to read."""
        log = {"log": str(self.log)} if self.log else {}
        return {"folder": str(self.folder), **log, "counts": self.counts, "files": self.ways}

    def text(self) -> str:
        """Return it for people."""
        done = ", ".join(f"{n:,} {what}" for what, n in self.counts.items() if n) or "no change"
        ways = ", ".join(f"{n:,} {way}" for way, n in self.ways.items())
        if self.log is None:
            return f"As before the correction; {ways}.\n\nfolder   {self.folder}"
        undo = f"nbcore difficulty {self.folder} --undo {self.log} --out ANOTHER"
        return f"{done}; {ways}.\n\nfolder   {self.folder}\nlog      {self.log}\nundo     {undo}"


def write(dataset: str, table: Path | None, log: Path | None, out: Path | None) -> Written:
    """Do what the command asks for: apply a table of decisions, or undo what a log says.

    ParameterError: both, or no folder to write to; else as `apply` and `undo`.
    """
    if out is None:
        raise ParameterError("A corrected copy goes to a new folder: name it with --out.")
    if table and log:
        raise ParameterError("Give --apply or --undo, not both; a copy can be corrected again.")
    return apply(dataset, table, out) if table else undo(dataset, log or Path(LOG), out)


def apply(dataset: str, table: Path, out: Path) -> Written:
    """Write a copy of pictures in folders or of image parquet, corrected by a table of decisions.

    Decisions hold in every split. Hidden files and broken links are not copied; all else is.
    ParameterError, DataError: as `decisions.read` and `settle`; an `out` that is not empty or lies
    in the data set; data in another form. StoreError: `out` cannot be written.
    """
    return correct(dataset, read(table), out)


def correct(dataset: str, rows: list[Row], out: Path) -> Written:
    """Write a corrected copy as `apply` does, by decisions that were read or made."""
    found = _correctable(dataset)
    form = "folders" if is_tree(found) else "parquet"
    seen = (folders if is_tree(found) else parquet).look(found)
    outcome = settle(rows, seen.items, seen.classes)
    if len(set(outcome.labels) - {None, ""}) < 2:
        raise ParameterError(
            "After these decisions fewer than two classes would have images; take some back."
        )
    where = (
        str(Path(split_layout(dataset)[0]).expanduser().absolute()) if is_own(dataset) else dataset
    )
    log: dict[str, Any] = {
        "format": FORMAT,
        "form": form,
        "dataset": where + (f"::{found.layout}" if found.layout else ""),
        "decisions": [list(row) for row in rows],
        "counts": outcome.counts,
    }
    with staged(out, found.files[0] if _alone(found) else found.root) as staging:
        if isinstance(seen, folders.Pictures):
            ways = _folders(found, seen, outcome, log, staging)
        else:
            ways = _parquet(found, seen, outcome, log, staging)
        kept = staging / FOLDER
        kept.mkdir(exist_ok=True)
        (kept / "decisions.csv").write_text(written(rows), "utf-8", "backslashreplace")
        (kept / LOG).write_text(json.dumps(log, indent=1), "utf-8")
    return Written(out, out / FOLDER / LOG, outcome.counts, dict(ways))


def _correctable(dataset: str) -> Found:
    found = obtain(dataset)
    if not is_tree(found) and found.files[0].suffix != ".parquet":
        raise DataError(
            f"{shown(dataset)} is neither pictures in folders nor image parquet, so no corrected "
            "copy can be written; apply the decisions by their ids where the labels are kept."
        )
    return found


def _alone(found: Found) -> bool:
    """Say whether a single file was named, so that what lies beside it is no part of the data."""
    return is_own(found.name) and Path(found.name).expanduser().is_file()


def _folders(
    found: Found, seen: folders.Pictures, outcome: Outcome, log: dict[str, Any], staging: Path
) -> Counter[str]:
    plan = folders.correct(found, seen, outcome)
    for entry in plan["removed"]:
        kept = (FOLDER, "removed", f"{entry['id']}{Path(entry['from']).suffix}")
        entry["kept"] = "/".join(kept)
        plan["files"][kept] = tuple(entry["from"].split("/"))
    log |= {"moved": plan["moved"], "removed": plan["removed"]}
    return link_all(plan["files"], found.root, staging)


def _parquet(
    found: Found, seen: parquet.Shards, outcome: Outcome, log: dict[str, Any], staging: Path
) -> Counter[str]:
    names, number = parquet.numbers(seen.names, outcome.renamed, seen.classes, seen.in_files)
    names = names if seen.in_files else []
    new = [
        old if label is None else number.get(label, old)
        for old, label in zip(seen.numbers, outcome.labels, strict=True)
    ]
    everything = found.files if _alone(found) else contents(found.root).files
    rest = {file.relative_to(found.root).parts: None for file in everything}
    ways, at, log["files"] = Counter[str](), 0, {}
    for name, rows in tqdm(list(zip(seen.files, seen.rows, strict=True)), "files", **QUIET):
        gone = [row for row in range(rows) if outcome.labels[at + row] is None]
        source, target = found.root / name, staging / name
        done = parquet.change(source, new[at : at + rows], gone, names)
        at += rows
        if done["table"] is None:
            continue
        del rest[Path(name).parts]
        log["files"][name] = done["log"]
        for table, place in ((done["table"], target), (done["left_out"], _removed(staging, name))):
            if table is not None:
                place.parent.mkdir(parents=True, exist_ok=True)
                parquet.write(table, place, source)
        ways["files written anew"] += 1
    return ways + link_all({parts: parts for parts in rest}, found.root, staging)


def _removed(root: Path, name: str) -> Path:
    return root / FOLDER / "removed" / name


def undo(dataset: str, log_file: Path, out: Path) -> Written:
    """Write a copy of a corrected folder as it was before: the same files with the same content.

    What was added to the corrected folder since then is kept. DataError: no log, or a folder that
    is not as the log says. StoreError: `out` cannot be written.
    """
    root = Path(split_layout(dataset)[0]).expanduser()
    log = log_of(root, log_file)
    with staged(out, root) as staging:
        if log["form"] == "folders":
            ways = link_all(folders.restore(root, log), root, staging)
        else:
            ways = _parquet_back(root, log, staging)
    return Written(out, None, {}, dict(ways))


def _parquet_back(root: Path, log: dict[str, Any], staging: Path) -> Counter[str]:
    rest = {file.relative_to(root).parts: None for file in contents(root).files}
    for name, own in log["files"].items():
        if Path(name).parts not in rest:
            raise DataError(f"{shown(name)} is not in {shown(root)} any more; put it back.")
        del rest[Path(name).parts]
        table = parquet.opened(root / name).read()
        gone = parquet.opened(_removed(root, name)).read() if own["removed"] else None
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        whole = parquet.restore(table, gone, own, name)
        parquet.write(whole, staging / name, root / name)
    ways = Counter({"files written anew": len(log["files"])})
    return ways + link_all({parts: parts for parts in rest}, root, staging)


def log_of(root: Path, path: Path) -> dict[str, Any]:
    """Read the log of a corrected folder. DataError for any other file, or another folder's."""
    log = _read_log(path)
    if not root.is_dir():
        raise DataError(f"There is no folder {shown(root)}; give the corrected one.")
    if (root / FOLDER / LOG).resolve() != path.resolve():
        raise DataError(
            f"{shown(path)} is not the log of {shown(root)}; that is {root / FOLDER / LOG}."
        )
    return log


def _read_log(path: Path) -> dict[str, Any]:
    try:
        log = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(
            f"The log {shown(path)} cannot be read ({error.strerror}); check the path."
        ) from None
    except ValueError:
        log = None
    if not isinstance(log, dict) or log.get("format") != FORMAT:
        raise DataError(
            f"{shown(path)} is not the log of a correction; give the file {FOLDER}/{LOG} of the "
            "folder that --apply wrote."
        )
    return log
