"""The book: execute every chapter, stage it with the prose, build it and check the result."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import psutil
import yaml

from nbcore import charts, claims, files
from nbcore.errors import NbcoreError
from nbcore.paths import build_dir, project_root
from nbcore.publish import cards, check, claims_page, kept, slim, styles
from nbcore.publish.chapters import Chapter, find_chapters
from nbcore.publish.execute import execute
from nbcore.publish.numbers import number
from nbcore.publish.opening import add_opening
from nbcore.publish.pages import benchmarks, licences, many_machines, papers
from nbcore.runs.engines import changed_environment, compute_members, environment
from nbcore.teach.equations import equations_page
from nbcore.teach.hours import teach_page
from nbcore.teach.practice import add_practice
from nbcore.teach.students import write_downloads

#: bytes of memory that a chapter needs which reads its runs
MEMORY = 2 << 30


def make_book(parameters: dict[str, Any], strict: bool = True, engine: str = "local") -> Path:
    """Execute all chapters with these parameters and build `_build/html`; return its index.

    engine: "ray" executes each chapter on some machine of a Ray cluster, which must have nbcore and
    this checkout at the same place.
    strict: warnings are errors and the built pages are checked. Until the new book is complete, the
    previous one stays, and so do the verdicts that `nbcore claims` prints, even after an error.
    """
    chapters, html = find_chapters(), build_dir() / "html"
    with files.locked(build_dir() / ".lock", "builds the book"):
        files.restore_folder(html)
        with _new_observations() as (observations, before):
            executed = _execute_all(chapters, parameters, engine)
            build(stage(executed, chapters), html, strict)
        files.put_folder(observations, before)
    return html / "index.html"


def _execute_all(
    chapters: list[Chapter], parameters: dict[str, Any], engine: str
) -> dict[str, Path]:
    """Execute the chapters, as many at a time as there are cores and memory; {stem: notebook}.

    A chapter that was executed before, by the same code with the same runs, is taken from there.
    """
    known = {chapter.stem: chapter for chapter in chapters}
    keys = {chapter.stem: kept.key_of(chapter, parameters) for chapter in chapters}
    waiting = [s for s in known if parameters.get("fresh") or not _restored(known[s], keys[s])]
    cores = os.cpu_count() or 1
    # runs that are computed anew have workers of their own, and may need all memory there is
    room = 1 if parameters.get("fresh") else psutil.virtual_memory().available // MEMORY
    at_once = int(max(min(len(waiting), cores, room), 1))
    job = partial(_execute_one, keys, parameters)
    with environment({"OMP_NUM_THREADS": str(cores // at_once)}):
        done = compute_members(job, waiting, at_once, "book", engine, "chapter")
        for stem, content, seconds in done:
            kept.receive(content, _executed(stem), claims.observations_dir())
            print(f"chapter {stem}: {seconds:.0f} s", flush=True)
    return {stem: _executed(stem) for stem in known}


def _execute_one(keys: dict[str, str], parameters: dict[str, Any], stem: str) -> bytes:
    """Execute a chapter, here or on another machine, and return it as `kept.packed` does.

    Its own runs are computed where it is: tasks that wait for tasks would fill a cluster.
    """
    chapter = next(c for c in find_chapters() if c.stem == stem)
    reads = _executed(stem).with_suffix(".reads")
    with kept.recorded(reads), changed_environment({"NBCORE_ENGINE": "local"}):
        execute(chapter, _executed(stem), parameters, progress=False)
    kept.keep(chapter, keys[stem], _executed(stem), claims.observations_dir(), reads)
    return kept.packed(chapter, keys[stem])


def _restored(chapter: Chapter, key: str) -> bool:
    found = kept.restore(chapter, key, _executed(chapter.stem), claims.observations_dir())
    if found:
        print(f"chapter {chapter.stem}: unchanged", flush=True)
    return found


def _executed(stem: str) -> Path:
    return build_dir() / "executed" / f"{stem}.ipynb"


@contextmanager
def _new_observations() -> Iterator[tuple[Path, Path]]:
    """Make an empty folder for what this build observes; also give that of the last build."""
    before = claims.observations_dir()
    new = before.with_name(f"{before.name}-work")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    with changed_environment({"NBCORE_OBSERVATIONS": str(new)}):
        yield new, before


def make_page(chapter: Chapter, parameters: dict[str, Any]) -> tuple[Path, Path]:
    """Execute one chapter and build its page alone; return (notebook, page)."""
    folder = build_dir() / "runs" / chapter.stem
    notebook = folder / f"{chapter.stem}.ipynb"
    execute(chapter, notebook, parameters)
    with files.locked(folder / ".lock", f"builds the page of {chapter.stem}"):
        staged = stage({chapter.stem: notebook}, [chapter], folder / "book", whole=False)
        html = build(staged, folder / "html", strict=False)
    return notebook, html / "chapters" / f"{chapter.stem}.html"


def stage(
    executed: dict[str, Path],
    chapters: list[Chapter],
    folder: Path | None = None,
    whole: bool = True,
) -> Path:
    """Make a folder for jupyter-book: prose, executed notebooks, generated pages, scripts."""
    folder = folder or build_dir() / "book"
    shutil.rmtree(folder, ignore_errors=True)
    root = project_root()
    shutil.copytree(root / "book", folder)
    shutil.copy(root / "_config.yml", folder)
    (folder / "chapters").mkdir(exist_ok=True)
    pages = {c.slug: f"chapters/{c.stem}.html" for c in chapters}
    known = {c.stem: c for c in chapters}
    for stem, path in executed.items():
        notebook = nbformat.read(path, as_version=4)
        cards.refresh(notebook, pages)  # a later chapter may have observed an earlier one's claim
        number(notebook, int(known[stem].number))
        add_opening(notebook, known[stem], chapters)  # first: questions are not reading time
        add_practice(notebook, known[stem].slug, int(known[stem].number))
        nbformat.write(notebook, folder / "chapters" / f"{stem}.ipynb")
    (folder / "claims.md").write_text(claims_page.ledger_page(pages))
    (folder / "not_run.md").write_text(papers.not_run_page())
    (folder / "status.md").write_text(status_page(executed, chapters))
    if whole:
        from nbcore.lines.explorer import explorer_page
        from nbcore.publish.front import front_page

        (folder / "explorer.md").write_text(explorer_page())
        filled = {"bigger": many_machines, "benchmarks": benchmarks, "licences": licences}
        for page, module in filled.items():
            file, fill = folder / f"{page}.md", module.fill
            file.write_text(fill(file.read_text()))
        text = (folder / "intro.md").read_text()
        (folder / "intro.md").write_text(front_page(text, executed, chapters))
        text = (folder / "teach.md").read_text()
        (folder / "teach.md").write_text(teach_page(text, executed, chapters))
        (folder / "equations.md").write_text(equations_page())
        (folder / "changes.md").write_text(claims_page.changes_page())
    toc: dict[str, Any] = yaml.safe_load((root / "_toc.yml").read_text())
    if not whole:
        toc = {"format": "jb-book", "root": f"chapters/{chapters[0].stem}"}
        toc["chapters"] = [{"file": "bibliography"}]
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False))
    return folder


def build(staged: Path, target: Path, strict: bool) -> Path:
    """Run jupyter-book on a staged folder and put the site at `target`; strict: check it before."""
    output = target.with_name(f"{target.name}-work")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(staged)]
    command += ["--path-output", str(output), "--quiet", "--all"]
    if strict:
        command += ["-n", "-W", "--keep-going"]
    else:
        command += ["--config", str(staged / "_config.yml")]
    run = subprocess.run(command, capture_output=True, text=True)
    built = output / "_build" / "html"
    if run.returncode or not built.is_dir():
        text = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout + run.stderr)
        log = output.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text)
        warnings = [s for s in text.splitlines() if "WARNING" in s or "ERROR" in s]
        first = warnings[0] if warnings else "no warning was printed"
        raise NbcoreError(
            f"The book did not build ({len(warnings)} warnings, the first: {first}); {log}"
        )
    # added afterwards: what lies in _static before is loaded by every page, needed or not
    charts.write_bundle(built / "_static")
    if (built / "explorer.html").exists():
        from nbcore.publish.front import live_data

        (built / "_static" / "lines-data.js").write_text(live_data())
    slim.keep_used_icons(built)
    styles.keep_used_rules(built)
    styles.search_apart(built)
    if (built / "intro.html").exists():
        slim.pictures_apart(built / "intro.html")
    write_downloads(built)
    if strict:
        check.check_site(built, staged)
    files.put_folder(built, target)
    shutil.rmtree(output)
    return target


def status_page(executed: dict[str, Path], chapters: list[Chapter]) -> str:
    """Tabulate when, for how long and with which parameters each chapter last ran (papermill)."""
    rows = ["| chapter | parameters | seconds | executed (UTC) |", "|---|---|---|---|"]
    for chapter in chapters:
        meta = nbformat.read(executed[chapter.stem], as_version=4).metadata["papermill"]
        given = ", ".join(f"`{k}={v}`" for k, v in meta["parameters"].items()) or "defaults"
        link = f"[{chapter.title}](chapters/{chapter.stem}.ipynb)"
        rows.append(f"| {link} | {given} | {meta['duration']:.0f} | {meta['end_time'][:16]} |")
    return STATUS.format(rows="\n".join(rows), runs=_runs_table(), built=_now())


def _runs_table() -> str:
    from nbcore.runs import provenance, store

    rows = ["| run | parts | measured on | parts' time | date | code since |"]
    rows.append("|---|---|---|---|---|---|")
    for run in store.all_runs():
        if run.origin != "stored":
            continue
        store.verify(run)
        s = run.summary()
        since = provenance.in_words(provenance.changed_since(run.manifest))
        seconds = float(s["seconds"])
        took = f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
        rows.append(
            f"| {run.experiment} `{run.path.name}` | {s['members']} | {s['hardware']} "
            f"| {took} | {s['date']} | {since} |"
        )
    return "\n".join(rows)


def _now() -> str:
    return datetime.now(UTC).isoformat(sep=" ", timespec="minutes")[:16]


STATUS = """# Status of this build

Every chapter is a notebook that was executed for this build ({built} UTC). Runs are not repeated:
they are read from the published runs below, each verified against its checksums.

## Chapters

{rows}

## Published runs

{runs}

*Parts' time* adds up the wall time of each part, so parts computed side by side, or beside other
work, count in full. *Code since* compares the code that a run's numbers came through with today's:
every function reached from the one that computed them. Comments, layout, error texts, figures and
how much is done at a time do not count. It is *not known* of a run that was stored before this was
written down and was not computed again since; `nbcore runs reproduce` does that.
"""
