"""Every digit of a notebook's prose stems from a run, or stands in the reviewed list."""

import re
from typing import Any

import pytest
from typed_numbers import KINDS, numbers, read, reviewed

from nbcore.publish.chapters import find_chapters
from nbcore.runs.config import resolve

CHAPTERS = {c.stem: c for c in find_chapters()}
LIST = reviewed()
each_chapter = pytest.mark.parametrize("stem", CHAPTERS)


@each_chapter
def test_no_number_of_a_run_is_typed(stem):
    found, known = set(numbers(read(CHAPTERS[stem].path))), set(LIST.get(stem, {}))
    new = sorted(found - known)
    assert not new, (
        f"{stem} types {new}. If a run found it, compute the sentence; if not, review the list: "
        f"python tests/publish/typed_numbers.py notebooks/{stem}.py"
    )
    assert not known - found, f"{stem} no longer has {sorted(known - found)}; shorten the list."


@each_chapter
def test_settings_are_those_of_the_published_preset(stem):
    config = resolve(CHAPTERS[stem].slug, "book")
    for number, kind in LIST.get(stem, {}).items():
        what, _, field = kind.partition(" ")
        assert what in KINDS, (stem, number, kind)
        if field:
            assert what == "setting" and value(number) in values(getattr(config, field)), number


def value(number: str) -> float:
    """Read a typed number: `10,000 images`, `40 %`, `eleven points`."""
    first, _, word = number.partition(" ")
    if first == "eleven":
        return 11.0
    return float(first.replace(",", "").replace("−", "-")) / (100 if word == "%" else 1)


def values(field: Any) -> set[float]:
    """List the numbers of a field: its own, its items', or those that end names (KIND-N)."""
    items = field if isinstance(field, list | tuple) else [field]
    ends = [re.search(r"(\d+)$", i) if isinstance(i, str) else None for i in items]
    return {float(e[1]) if e else float(i) for i, e in zip(items, ends, strict=True)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It peaks at 4.6 points, in 1,527 images.", ["4.6 points", "1,527 images"]),
        ("up four points, or a rise of 40%", ["four points", "40 %"]),
        ("the slope is .9225 and −.4896", [".9225 and", "−.4896"]),
        ("CIFAR-10.1, VGG16, A12, R101x3 and ImageNet-1k", []),
        ("chapter 2, figure 3.1 and [chapter 4](04_x.ipynb), $x = 3$, `-p k=10`", []),
        ("**By hand.** Two of 5.\n\n| 3 | 4 |\n\n## Next\n\nof 6 images", ["6 images"]),
        ("1. first\n2. second of 7", ["7"]),
        ("```bash\nnbcore run x -p k=3\n```\nand 8", ["8"]),
        ("## Exercises\n\nOf 12", []),
    ],
)
def test_what_counts_as_typed(text, found):
    assert numbers([text]) == found


def test_a_planted_finding_is_noticed():
    stem = next(iter(CHAPTERS))
    cells = [*read(CHAPTERS[stem].path)[:3], "Here the network peaks 4.7 points above the line."]
    assert "4.7 points" in set(numbers(cells)) - set(LIST[stem])
