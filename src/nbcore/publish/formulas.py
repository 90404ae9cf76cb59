"""Formulas as drawings: a Sphinx extension that renders LaTeX to SVG when the book is built.

A page then needs no script and no font for its formulas: each is an `svg` in the colour and size of
the text around it, and its LaTeX is what a screen reader says.
"""

import re
from functools import lru_cache
from typing import Any

import latex2mathml.converter as latex2mathml
import ziamath
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from nbcore.errors import NbcoreError
from nbcore.text import escape

#: drawing units an em; the page's font size then decides how large a formula is
EM = 20.0


@lru_cache
def draw(latex: str, inline: bool) -> str:
    """Draw a formula as an `svg` element whose sizes are in em.

    inline: set for a line of text instead of a display. NbcoreError for LaTeX that is not known.
    """
    ziamath.config.svg2 = False  # shapes stand where they are used: ids would clash on a page
    latex = " ".join(latex.split())
    try:
        _known(latex)
        formula = ziamath.Latex(latex, size=EM, color="currentColor", inline=inline)
        svg = formula.svg()
    except Exception as error:  # the parser raises whatever it meets
        raise NbcoreError(
            f"The formula {latex!r} cannot be drawn ({error}); write it with commands that Ziamath "
            "knows."
        ) from error
    width, height = (float(v) for v in re.findall(r' (?:width|height)="([\d.]+)"', svg)[:2])
    box = re.search(r'viewBox="[^"]*"', svg)
    shapes = re.sub(r"(?<=\.\d\d)\d+", "", svg[svg.index(">") + 1 :])
    assert box is not None
    return (
        f'<svg class="formula" role="img" aria-label="{escape(latex)}" {box[0]} '
        f'style="width:{width / EM:.2f}em;height:{height / EM:.2f}em;'
        f'vertical-align:{formula.getyofst() / EM:.2f}em">{shapes}'
    )


def _known(latex: str) -> None:
    """Refuse what the parser passes over: commands that it leaves as text, braces left open."""
    left = re.search(r"\\[A-Za-z]+", latex2mathml.convert(latex))
    if left:
        raise ValueError(f"{left[0]} is unknown")
    braces = re.sub(r"\\[{}]", "", latex)
    if braces.count("{") != braces.count("}"):
        raise ValueError("a brace is left open")


def _inline(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(draw(node.astext(), True))
    raise nodes.SkipNode


def _display(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(draw(node.astext().strip(), False) + "</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer `drawn` with Sphinx (`html_math_renderer`)."""
    app.add_html_math_renderer("drawn", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
