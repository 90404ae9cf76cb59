"""Formulas are drawn when the book is built: all of the book; a wrong one is one sentence."""

import re
from xml.etree import ElementTree

import pytest

from nbcore.errors import NbcoreError
from nbcore.paths import project_root
from nbcore.publish import formulas

FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$([^$`\n]+)\$", re.S)


def texts():
    for folder, pattern in (("notebooks", "*.py"), ("book", "*.md")):
        for file in sorted((project_root() / folder).glob(pattern)):
            text = re.sub(r"^# ?", "", file.read_text(), flags=re.M)
            for display, inline in FORMULA.findall(text):
                yield (display or inline).strip(), bool(inline)


def test_every_formula_of_the_book_is_drawn():
    found = list(texts())
    assert len(found) > 30 and sum(not inline for _, inline in found) >= 6
    for latex, inline in found:
        svg = ElementTree.fromstring(formulas.draw(latex, inline))
        assert svg.get("aria-label") == " ".join(latex.split()) and len(svg) > 0
        shown = re.findall(r"(width|height|vertical-align):(-?[\d.]+)em", svg.get("style"))
        width, height, below = (float(v) for _, v in shown)
        assert 0.3 < width < 40 and 0.3 < height < 5 and -3 < below <= 0.5


def test_a_display_is_larger_than_the_same_in_a_line():
    sizes = [
        float(re.search(r"height:([\d.]+)em", formulas.draw(r"\frac{a}{1-a}", inline))[1])
        for inline in (True, False)
    ]
    assert sizes[1] > 1.3 * sizes[0]


@pytest.mark.parametrize("latex", [r"\frac{a}{", r"\nosuchcommand{x}", r"a_{b", ""])
def test_latex_that_cannot_be_drawn_is_one_sentence(latex):
    with pytest.raises(NbcoreError, match="cannot be drawn") as said:
        formulas.draw(latex, True)
    assert repr(latex) in str(said.value)
