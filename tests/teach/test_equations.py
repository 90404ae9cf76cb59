"""Each definition leads to its function, and its example gives what paper and pencil give."""

import importlib
import inspect
import pkgutil
import re

import numpy as np
import pytest

import nbcore.measures
from nbcore.errors import NbcoreError
from nbcore.teach import equations
from nbcore.teach.definitions import DEFINITIONS

#: a docstring that names a place in one of the two papers as its definition
PLACE = re.compile(r"\((ER|PD)[^)]*\)")


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.function.rpartition(".")[2])
def test_the_example_gives_what_was_computed_by_hand(definition):
    assert equations.run(definition).shape == (len(definition.by_hand),)
    assert equations.function_of(definition).__name__ in definition.code


def test_an_example_that_is_wrong_stops_the_page():
    wrong = DEFINITIONS[0]._replace(by_hand=[1.0, -1.1])
    with pytest.raises(NbcoreError, match="was computed by hand"):
        equations.run(wrong)


def test_every_measure_that_names_an_equation_is_on_the_page():
    listed = {d.function for d in DEFINITIONS}
    missing = []
    for found in pkgutil.iter_modules(nbcore.measures.__path__, "nbcore.measures."):
        module = importlib.import_module(found.name)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            first = (inspect.getdoc(function) or "").partition("\n")[0]
            own = function.__module__ == found.name and not name.startswith("_")
            if own and PLACE.search(first) and f"{found.name}.{name}" not in listed:
                missing.append(name)
    assert missing == []


def test_the_page_shows_code_and_numbers():
    page = equations.equations_page()
    for d in DEFINITIONS:
        assert d.formula in page and f"`{d.function}`" in page
    assert "gives **1, -1.099**" in page
    assert page.count("```python") == len(DEFINITIONS)
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    for block in blocks:  # what a reader copies runs as it stands
        exec(block, {"np": np})
