"""What one definition on the page from equation to code consists of."""

from typing import NamedTuple


class Definition(NamedTuple):
    """One definition.

    name: in words; where: paper and place, as docstrings name them, or the paper as the book cites
    it; formula: LaTeX; function: its full name; code: an example whose last line is an expression;
    by_hand: what that line gives when it is computed on paper.
    """

    name: str
    where: str
    formula: str
    function: str
    code: str
    by_hand: list[float]
