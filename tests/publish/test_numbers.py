"""Figures and tables are numbered in reading order, each kind by itself."""

import re

import nbformat
import pandas as pd

from nbcore import charts
from nbcore.publish.numbers import number

CHART = '<div class="nbchart" data-width="400"><img alt="a"></div>'
GALLERY = '<style></style><figure class="nbgallery" aria-label="g"><figcaption>Nine</figcaption>'


def test_every_kind_has_its_own_numbers():
    table = charts.show(pd.DataFrame({"a": [1]}), caption="One")._repr_html_()
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": html})
        for html in (CHART, table, GALLERY, CHART + CHART, "<p>nothing</p>")
    ]
    outputs.append(nbformat.v4.new_output("stream", text="words"))
    cells = [nbformat.v4.new_markdown_cell("text")]
    cells += [nbformat.v4.new_code_cell("draw()", outputs=[output]) for output in outputs]
    notebook = nbformat.v4.new_notebook(cells=cells)
    number(notebook, 3)
    html = [c.outputs[0].get("data", {}).get("text/html", "") for c in notebook.cells[1:]]
    found = [re.findall(r'class="nbnumber" id="([\w-]+)">([^<]+)<', text) for text in html]
    assert found == [
        [("figure-3-1", "Figure 3.1")],
        [("table-3-1", "Table 3.1")],
        [("figure-3-2", "Figure 3.2")],
        [("figure-3-3", "Figure 3.3"), ("figure-3-4", "Figure 3.4")],
        [],
        [],
    ]
    assert html[0].endswith(CHART)
    assert "<caption><span><span" in html[1] and "</span> One</span></caption>" in html[1]
    assert "<figcaption><span" in html[2] and "</span> Nine</figcaption>" in html[2]
