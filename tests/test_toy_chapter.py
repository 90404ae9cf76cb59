"""A new chapter is a folder, a notebook, a claim and a line of the contents: no other file changes.

It is added to a copy of the checkout, run, published and listed there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFIG = '''"""The toy chapter: its parameters."""

from dataclasses import dataclass
from typing import ClassVar, Self

from nbcore.runs.config import Config, param


@dataclass(frozen=True)
class Toy(Config):
    """How many dice are thrown."""

    slug: ClassVar[str] = "toy"

    dice: int = param(600, "dice that are thrown", low=1)
    seed: int = param(0, "changes every throw", low=0)

    @classmethod
    def smoke(cls) -> Self:
        """Sixty dice: no time at all."""
        return cls(dice=60)
'''
OBSERVE = '''"""The toy chapter: what it measures and records."""

import numpy as np

from nbcore import claims
from nbcore.chapters.toy.config import Toy
from nbcore.measures.estimate import Estimate

RUN = {"origin": "computed", "date": "2026-01-01", "hardware": "a table"}


def sixes(config: Toy) -> int:
    """Count the sixes among the dice."""
    return int((np.random.default_rng(config.seed).integers(6, size=config.dice) == 5).sum())


def record(config: Toy, preset: str) -> claims.Observation:
    """Record the toy's claim."""
    share = Estimate.share(sixes(config), config.dice, config.dice)
    return claims.record(
        "T1",
        {"share of sixes": share},
        run=RUN,
        subject=f"{config.dice} dice",
        preset=preset,
        setup=config.setup("T1"),
    )
'''
EXERCISES = '''"""The toy chapter's exercise."""

from nbcore.chapters.toy.config import Toy
from nbcore.chapters.toy.observe import sixes
from nbcore.exercises import Exercise

EXERCISES = {"toy-sixes": Exercise(lambda: sixes(Toy.smoke()), lambda t: 0.5, "Count again.")}
'''
NOTEBOOK = """# %% [markdown]
# # Throwing dice

# %% tags=["parameters"]
preset = "book"
fresh = False

# %%
from nbcore import exercises
from nbcore.chapters.toy import observe
from nbcore.publish.cards import show_cards
from nbcore.publish.parameters import parameters_table
from nbcore.runs import from_cell

config = from_cell("toy", globals())
observe.record(config, preset)
show_cards("toy")

# %%
print(exercises.check("toy-sixes", observe.sixes(config)))
print(exercises.check("toy-sixes", -1))

# %%
parameters_table("toy")
"""
CLAIM = """
- id: T1
  title: One in six is a six
  claim: About a sixth of all dice show a six.
  source: baldock2021
  where: nowhere
  paper: one sixth
  chapter: toy
  cost: F
  checks:
    - {name: share of sixes, unit: fraction, expect: 0.1667, tolerance: 0.15}
"""
LINE = "      - file: chapters/08_corner_examples\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the tracked files with the toy chapter added, and nothing else touched."""
    root = tmp_path_factory.mktemp("checkout") / "book"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(("results/", "tests/")) and (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    folder = root / "src" / "nbcore" / "chapters" / "toy"
    folder.mkdir()
    for name, text in (("config", CONFIG), ("observe", OBSERVE), ("exercises", EXERCISES)):
        (folder / f"{name}.py").write_text(text)
    (folder / "__init__.py").touch()
    (root / "notebooks" / "20_toy.py").write_text(NOTEBOOK)
    with (root / "book" / "claims.yml").open("a") as ledger:
        ledger.write(CLAIM)
    toc = (root / "_toc.yml").read_text()
    assert LINE in toc
    (root / "_toc.yml").write_text(
        toc.replace(LINE, LINE + LINE.replace("08_corner_examples", "20_toy"))
    )
    return root


@pytest.fixture(scope="module")
def nbcore(checkout):
    """Run the command on the copy; returns what it printed. First the cell is written."""
    own = {
        "PYTHONPATH": str(checkout / "src"),
        "NBCORE_ROOT": str(checkout),
        "NBCORE_CACHE": str(checkout / "cache"),
        "NBCORE_BUILD": str(checkout / "_build"),
        "NBCORE_OFFLINE": "1",
    }
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NBCORE_")}

    def python(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=checkout, env=kept | own, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    python("-m", "nbcore.publish.parameters")
    return lambda *words: python("-c", "from nbcore.cli import main; main()", *words)


def test_it_is_run_its_page_published_and_its_exercise_checked(checkout, nbcore):
    nbcore("run", "toy", "-p", "preset=smoke", "-p", "seed=0")
    folder = checkout / "_build" / "runs" / "20_toy"
    page = (folder / "html" / "chapters" / "20_toy.html").read_text()
    assert "Throwing dice" in page and 'id="claim-T1"' in page
    assert "60 dice" in page and "held" in page and "preset smoke" in page
    assert "dice that are thrown" in page  # the table of parameters
    cells = json.loads((folder / "20_toy.ipynb").read_text())["cells"]
    (cell,) = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    assert "dice = None  # dice that are thrown (600)" in "".join(cell["source"])
    said = "".join(cells[-2]["outputs"][0]["text"]).splitlines()
    assert said == ["Right.", "Not yet: -1 is too low. Count again."]


def test_it_is_listed_with_its_parameters_and_its_claim(nbcore):
    (found,) = [c for c in json.loads(nbcore("chapters", "--json")) if c["slug"] == "toy"]
    assert (found["number"], found["title"]) == ("20", "Throwing dice")
    assert found["parameters"].split() == ["preset", "fresh", "dice", "seed"]
    (claim,) = [c for c in json.loads(nbcore("claims", "--json")) if c["id"] == "T1"]
    assert claim["chapter"] == "toy"
