"""pyproject.toml, requirements.lock and environment.yml agree; the tree is what it claims."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: names that differ between the two registries
CONDA_NAME = {"torch": "pytorch"}


def requirements(lines):
    return {r.name.lower(): r for r in map(Requirement, lines)}


WANTED = requirements(PROJECT["dependencies"])
DEV = requirements(PROJECT["optional-dependencies"]["dev"])


def locked() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([a-z0-9._-]+)==([^ \\;]+)", (ROOT / "requirements.lock").read_text(), re.M
    ):
        found.setdefault(name, []).append(version)
    return found


def test_the_lock_satisfies_the_project():
    versions = locked()
    for name, requirement in (WANTED | DEV).items():
        assert name in versions, f"{name} is not locked: run make lock"
        for version in versions[name]:
            assert requirement.specifier.contains(version), (name, version)


def test_the_lock_has_a_hash_for_everything_and_no_address():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "index-url" not in text.replace("--no-emit-index-url", "")
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(blocks) > 100
    assert all("--hash=sha256:" in block for block in blocks)


def test_conda_users_get_the_same_packages():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = [d for d in environment if isinstance(d, str) and d != "pip"]
    pip = next(d["pip"] for d in environment if isinstance(d, dict))
    theirs = requirements(conda) | requirements(d for d in pip if not d.startswith("-e"))
    python = theirs.pop("python")
    assert str(python.specifier) == PROJECT["requires-python"]
    ours = {CONDA_NAME.get(name, name): r.specifier for name, r in WANTED.items()}
    assert {name: r.specifier for name, r in theirs.items()} == ours


def test_the_installed_versions_are_the_locked_ones():
    from importlib import metadata

    for name, versions in locked().items():
        if name in WANTED:
            assert Version(metadata.version(name)) in map(Version, versions), name


def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / f for f in done.stdout.split() if (ROOT / f).is_file()]


def test_the_repository_stays_light():
    files = tracked()
    assert not [f for f in files if f.suffix == ".ipynb" or f.name in ("uv.lock", "pylock.toml")]
    assert sum(f.stat().st_size for f in files if "results" in f.parts) < 60e6
    # a published run of a hundred networks has a table of about this size, nothing else does
    limit = {True: 5e6, False: 2e6}
    assert not [f for f in files if f.stat().st_size > limit["results" in f.parts]]


def test_modules_stay_small_and_measures_import_nothing_else():
    for path in (ROOT / "src").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path
    for path in (ROOT / "src/nbcore/measures").glob("*.py"):
        imported = re.findall(r"^(?:from|import) (nbcore\S*)", path.read_text(), re.M)
        assert all(m.startswith("nbcore.measures") for m in imported), path
    for part in ("data", "models", "training"):
        for path in (ROOT / "src/nbcore" / part).glob("*.py"):
            assert not re.search(
                r"^\s*(?:from|import) nbcore\.(charts|publish|claims)", path.read_text(), re.M
            ), path


def test_notebook_cells_tell_and_do_not_define():
    import jupytext

    for path in (ROOT / "notebooks").glob("*.py"):
        for cell in jupytext.read(path, fmt="py:percent").cells:
            tags = cell.metadata.get("tags", [])
            if cell.cell_type == "code" and "parameters" not in tags:  # one line a parameter there
                assert len(cell.source.splitlines()) <= 18, f"{path.name}: {cell.source[:80]}"
                assert not re.search(r"^\s*(def|class) ", cell.source, re.M), path.name
