"""Check what is stored, to the byte: every run, published or in the cache, and other files there.

A damaged cached run is mended: damaged files are set aside, and computed again when the run is
asked for. Of a published run only leftovers are removed; version control has the rest.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nbcore import files
from nbcore.data import CATALOG, fetch, sources
from nbcore.errors import StoreError
from nbcore.paths import cache_dir, results_dir
from nbcore.runs.manifests import MANIFEST, read_manifest, write_manifest
from nbcore.runs.run import Run, digest, remedy, wrong


@dataclass
class Checked:
    """What was found in one place, such as the folder of a run: how many files hold, what is wrong.

    faults: beginnings of sentences; mended: what `repair` did about them.
    """

    origin: str
    place: Path
    files: int = 0
    faults: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for scripts."""
        return vars(self) | {"place": str(self.place)}

    def text(self) -> str:
        """Say in a line for people what was found, with one line more for each fault."""
        place = "/".join(self.place.parts[-2:])
        lines = [f"{self.origin:8} {place}: {self.files} files hold"]
        lines += [f"         FAULT {fault}" for fault in self.faults]
        lines += [f"         mended {fault}" for fault in self.mended]
        return "\n".join(lines)


def verify(run: Run) -> int:
    """Check a run whole, and count its tables and members; StoreError for the first fault.

    A published run may lack its members: the tables made from them are what it carries.
    """
    checked = check_run(run.path, run.origin)
    if checked.faults:
        raise StoreError(f"{checked.faults[0]}; {remedy(run.origin)}.")
    return checked.files


def verify_all(repair: bool = False) -> list[Checked]:
    """Check every run in `results/` and in the cache, and what else numbers come from there.

    repair: mend what can be mended; the remaining faults are in `faults`.
    """
    checked = []
    for root, origin in ((results_dir(), "stored"), (cache_dir() / "runs", "cached")):
        places = [p for p in sorted(root.glob("*/[!.]*")) if p.is_dir()]
        checked += [_run(place, origin, repair) for place in places]
        checked += _strays(root, origin, repair)
    return checked + list(_kept(repair))


def conclude(checked: list[Checked]) -> None:
    """Raise a StoreError that counts the faults and names the first, if there are any."""
    faults = [fault for c in checked for fault in c.faults]
    if not faults:
        return
    whole = sum(c.files for c in checked)
    stored = any(c.faults for c in checked if c.origin == "stored")
    what = "restore published runs from version control" if stored else ""
    cached = any(c.faults for c in checked if c.origin != "stored")
    also = "run nbcore runs verify --repair to set aside what is damaged in the cache"
    what = " and ".join(filter(None, [what, also if cached else ""]))
    raise StoreError(f"{len(faults)} faults, {whole} files hold; the first: {faults[0]}; {what}.")


def check_run(path: Path, origin: str) -> Checked:
    """Check all that is in a run's folder: manifest, address, every file, and no file too many."""
    checked = Checked(origin, path)
    try:
        manifest = read_manifest(path, to_the_byte=True)
    except files.Damaged as error:
        checked.faults.append(str(error))
        return checked
    for *_, problem in examine(Run(path, manifest, origin)):
        if problem:
            checked.faults.append(problem)
        else:
            checked.files += 1
    for file in extra(path, manifest):
        checked.faults.append(f"The file {file} is not in the manifest of its run")
    checksums = {role: d["sha256"] for role, d in manifest["data"].items()}
    if digest(manifest["experiment"], manifest["config"], checksums) != path.name:
        checked.faults.append(f"The run {path} does not match its address")
    return checked


def examine(
    run: Run, checksum: Callable[[Path], str] = files.sha256
) -> Iterator[tuple[str, str, Path, str]]:
    """List a run's tables and members: (kind, name, file, what is wrong with it or "").

    Members are left out if only their published tables are kept.
    """
    for kind in ("table", "member"):
        for name, entry in run.manifest[f"{kind}s"].items():
            file = run.path / f"{kind}-{name}.zarr.zip"
            came_as_tables = run.origin == "stored" or entry.get("published")
            if kind == "table" or not came_as_tables or file.exists():
                yield kind, name, file, wrong(file, entry["sha256"], checksum)


def mend(path: Path) -> dict[str, Any] | None:
    """Set aside what is damaged in the folder of a cached run; return the manifest of the rest.

    Call it with the run's lock held. None if there is no manifest that can be trusted, since then
    neither can the other files be.
    """
    for leftover in path.glob("*.tmp"):  # of a run that was killed
        leftover.unlink()
    try:
        manifest = read_manifest(path, to_the_byte=True)
    except files.Damaged as error:
        for file in sorted(_content(path)):
            files.set_aside(file, str(error))
        return None
    found = [(k, n, file, p) for k, n, file, p in examine(Run(path, manifest, "cached")) if p]
    for kind, name, file, problem in found:
        del manifest[f"{kind}s"][name]
        if file.exists():
            files.set_aside(file, problem)
        else:
            files.note(f"{problem}; it is computed again.")
    if found:
        manifest["tables"] = {}  # they are made from all members
        write_manifest(path, manifest)
    remove_unknown(path, manifest)
    return manifest


def remove_unknown(path: Path, manifest: Mapping[str, Any]) -> None:
    """Remove the tables and members that a cached run's manifest does not list."""
    for file in extra(path, manifest):
        if file.match("table-*.zarr.zip") or file.match("member-*.zarr.zip"):
            file.unlink(missing_ok=True)


def _content(path: Path) -> list[Path]:
    """List the files in a run's folder that its manifest should list, and the manifest."""
    there = (p for p in path.iterdir() if not p.name.startswith("."))
    return [p for p in there if not files.is_set_aside(p)]


def extra(path: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """List the files in a run's folder that its manifest does not list."""
    known = {
        f"{kind}-{name}.zarr.zip" for kind in ("table", "member") for name in manifest[f"{kind}s"]
    }
    return sorted(p for p in _content(path) if p.name not in known | {MANIFEST})


def _run(path: Path, origin: str, repair: bool) -> Checked:
    if origin == "stored":
        return check_run(path, origin)
    lock = FileLock(path / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:  # what is written now cannot be checked now
        return Checked("running", path)
    except OSError:  # a cache that is read-only can be checked, not mended
        return check_run(path, origin)
    try:
        if all(file.suffix == ".tmp" for file in _content(path)):
            return _empty(path, origin, repair)
        checked = check_run(path, origin)
        if repair and checked.faults:
            for file in extra(path, mend(path) or {"tables": (), "members": ()}):
                files.set_aside(file, f"The file {file} is not in the manifest of its run")
            checked.mended, checked.faults = checked.faults, []
        return checked
    finally:
        lock.release()


def _empty(path: Path, origin: str, repair: bool) -> Checked:
    """Check the folder of a run that was killed before it had anything, even a manifest."""
    left = _content(path)
    faults = [f"{file} was left by a process that was killed" for file in left]
    if not repair:
        return Checked(origin, path, 0, faults)
    for file in left:
        file.unlink()
    return Checked(origin, path, 0, [], faults)


def _strays(root: Path, origin: str, repair: bool) -> Iterator[Checked]:
    """Find what is there beside the runs: left by a killed publish, or put there by someone."""
    for path in sorted([*root.glob("*"), *root.glob("*/*")]):
        left = path.name.startswith(".") and path.suffix in (".old", ".tmp")
        if not left and (path.is_dir() or path.name.startswith(".")):
            continue
        fault = f"{path} was left by a process that was killed" if left else f"{path} is no run"
        checked = Checked(origin, path, 0, [fault])
        if left and repair:
            if path.suffix == ".old":
                files.restore_folder(path.with_name(path.name[1 : -len(".old")]))
            else:
                shutil.rmtree(path, ignore_errors=True)
            checked.faults, checked.mended = [], [fault]
        yield checked


def _kept(repair: bool) -> Iterator[Checked]:
    """Check files that carry their own checksum, and downloads.

    The former are features, checkpoints of training, trained networks, decoded images and
    fingerprints in the cache.
    """
    for name in ("features", "partial", "networks", "decoded", "fingerprints"):
        checked = Checked(name, cache_dir() / name)
        for file in sorted(checked.place.rglob("*")):
            if not file.is_file() or file.suffix == ".lock" or files.is_set_aside(file):
                continue
            try:
                files.check(file)
                checked.files += 1
            except (files.Damaged, OSError) as error:
                _note(checked, file, str(error), repair)
        if checked.place.is_dir():
            yield checked
    for name in CATALOG:
        found = sources.find(name)
        if found and found.source == "cache":
            checked = Checked("data", found.root, len(found.files))
            for file in fetch.damaged(found):
                checked.files -= 1
                _note(checked, file, f"The download {file} is damaged", repair)
            yield checked


def _note(checked: Checked, file: Path, fault: str, repair: bool) -> None:
    if repair:
        files.set_aside(file, fault)
    (checked.mended if repair else checked.faults).append(fault)
