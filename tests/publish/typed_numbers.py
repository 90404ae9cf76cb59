"""Numbers that are typed in the prose of notebooks, found and described by a reviewed list.

    python tests/publish/typed_numbers.py NOTEBOOK...   # a draft of the list, to be reviewed

Left out, since they can state nothing of a run: code, formulas, links and citations, worked
examples ("By hand"), exercises with their solutions, names with digits (CIFAR-10, VGG16), claims
(A12), and references to chapters, figures and tables.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jupytext
import yaml

LIST = Path(__file__).with_name("typed_numbers.yml")
#: what a number may be: see the head of the list
KINDS = ("paper", "definition", "theory", "ledger", "data", "live", "setting")
FENCE = re.compile(r"(`{3,}).*?^\1[ \t]*$", re.S | re.M)
LEFT_OUT = (
    re.compile(r"^\d\. ", re.M),
    re.compile(r"\$\$.*?\$\$", re.S),
    re.compile(r"\$[^$]+\$"),
    re.compile(r"\{[\w:]+\}`[^`]*`"),
    re.compile(r"`[^`]*`"),
    re.compile(r"\[[^\]]*\]\([^)]*\)"),
    re.compile(
        r"\b(?:chapters?|figures?|tables?|appendix|sections?)\s+[A-Z]?\.?\d[\d.]*"
        r"(?:\s+(?:and|to)\s+\d[\d.]*)*",
        re.I,
    ),
)
WORDS = "two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty"
NUMBER = re.compile(
    r"(?<![\w.,/^-])[-+−]?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?!\w|[.,-]\d|-\w)"
    rf"|\b(?:one|{WORDS.replace(' ', '|')})(?= (?:points?|tenths?|per cent)\b)",
    re.I,
)
AFTER = re.compile(r"\s*(%|[^\W\d]+|×)?")


def prose(cells: list[str]) -> Iterator[str]:
    """Yield the markdown of a notebook's cells that may state something of a run."""
    by_hand = False
    for part in (p for text in cells for p in text.split("\n\n")):
        if part.startswith("## Exercises"):
            return
        if part.startswith(("#", "**")):  # another part begins
            by_hand = part.startswith("**By hand.**")
        if not by_hand:
            yield part


def numbers(cells: list[str]) -> list[str]:
    """List each typed number with the word behind it, such as `95 %` or `10,000 images`."""
    found = []
    for part in prose([FENCE.sub("", c) for c in cells]):
        for pattern in LEFT_OUT:
            part = pattern.sub(" ", part)
        for number in NUMBER.finditer(part):
            word = AFTER.match(part, number.end())
            found.append(f"{number[0]} {word[1] or '' if word else ''}".strip())
    return found


def read(path: Path) -> list[str]:
    """Return the markdown cells of a notebook's source."""
    return [c.source for c in jupytext.read(path).cells if c.cell_type == "markdown"]


def reviewed() -> dict[str, dict[str, str]]:
    """Return the list: stem of a notebook -> number with its word -> what it is."""
    return yaml.safe_load(LIST.read_text("utf-8"))


if __name__ == "__main__":
    known = reviewed() if LIST.exists() else {}
    for name in sys.argv[1:]:
        stem = Path(name).stem
        kinds = {n: known.get(stem, {}).get(n, "?") for n in numbers(read(Path(name)))}
        print(yaml.safe_dump({stem: kinds}, allow_unicode=True, sort_keys=False), end="")
