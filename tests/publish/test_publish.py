import pytest

from nbcore.errors import DataError, NbcoreError, ParameterError
from nbcore.publish import chapters, parameters
from nbcore.publish.execute import execute
from nbcore.runs import from_cell, resolve

SOURCE = """# %% [markdown]
# # A chapter

# %% tags=["parameters"]
preset = "book"  # which
fresh = False  # anew

# %%
{cell}
"""


@pytest.fixture
def chapter(tmp_path):
    def write(cell):
        path = tmp_path / "07_line.py"
        path.write_text(SOURCE.format(cell=cell))
        return chapters._chapter(path)

    return write


def test_a_chapter_is_read_from_its_source(chapter):
    made = chapter("1")
    assert (made.number, made.slug, made.title) == ("07", "line", "A chapter")
    assert made.parameters["preset"].default == "book"
    assert made.parameters["bins"].default is None
    assert "(100)" in made.parameters["bins"].meaning


@pytest.mark.parametrize("name", ["01", "1", "01_line", "line"])
def test_chapters_are_found_by_number_stem_and_slug(name):
    assert chapters.get_chapter(name).slug == "line"


def test_parameters_are_checked_before_anything_runs(chapter, tmp_path):
    made = chapter("1")
    for given in ({"bin": 2}, {"bins": "two"}, {"seed": "x"}, {"preset": "big"}):
        with pytest.raises(ParameterError):
            execute(made, tmp_path / "out.ipynb", given)
    assert not (tmp_path / "out.ipynb").exists()


def test_an_executed_chapter_has_its_parameters(chapter, tmp_path):
    notebook = execute(chapter("bins + 1"), tmp_path / "o.ipynb", {"bins": 41}, progress=False)
    assert notebook.cells[-1].outputs[0].data["text/plain"] == "42"
    assert notebook.metadata.papermill.parameters == {"bins": 41}
    assert sorted(p.name for p in tmp_path.glob("*.ipynb")) == ["o.ipynb"]


def test_a_failing_cell_is_one_sentence_and_writes_no_result(chapter, tmp_path):
    own = chapter("from nbcore.errors import DataError\nraise DataError('No data; get some.')")
    with pytest.raises(NbcoreError, match="^No data; get some.$"):
        execute(own, tmp_path / "o.ipynb", {}, progress=False)
    foreign = chapter("1 / 0")
    with pytest.raises(NbcoreError, match="Cell 2 of 07_line stopped with ZeroDivisionError"):
        execute(foreign, tmp_path / "o.ipynb", {}, progress=False)
    assert not (tmp_path / "o.ipynb").exists()
    assert (tmp_path / "o.failed.ipynb").exists()


def test_a_chapter_needs_one_parameters_cell(tmp_path):
    path = tmp_path / "07_line.py"
    path.write_text("# %%\n1\n")
    with pytest.raises(NbcoreError, match="one cell tagged 'parameters'"):
        chapters._chapter(path)


def test_data_errors_are_errors_of_the_book():
    assert issubclass(DataError, NbcoreError)


@pytest.mark.parametrize("found", chapters.find_chapters(), ids=lambda c: c.stem)
def test_the_parameters_cell_is_written_from_the_config(found):
    assert found.listed == list(found.parameters)
    assert found.path.read_text() == parameters.rewritten(found.path), (
        f"the parameters of {found.stem} changed: run python -m nbcore.publish.parameters"
    )
    (cell,) = filter(parameters.is_parameters, chapters.read_source(found.path).cells)
    assert cell.source == parameters.cell_source(found.slug)


def test_a_chapter_may_leave_its_parameters_cell_to_the_config(chapter):
    (cell,) = filter(parameters.is_parameters, chapters.read_source(chapter("1").path).cells)
    assert "\nlevel = None  # level of every interval (0.95)\n" in cell.source
    values: dict = {}
    exec(cell.source, values)
    assert from_cell("line", values) == resolve("line", "book")


def test_the_parameters_table_is_grouped_and_folds_what_is_long():
    from nbcore import charts
    from nbcore.charts.tables import Folded

    table = parameters.parameters_table("rise-and-fall")
    assert list(table) == ["for", "field", "default", "meaning", "cost"]
    groups = list(dict.fromkeys(table["for"]))
    assert groups == [g for g in parameters.COSTS if g in groups]
    rates = table.set_index("field")["default"]["head_lrs"]
    assert isinstance(rates, Folded) and "0.0001" in rates.whole and "0.0001" not in rates
    assert all(len(str(value)) < 60 for value in table["default"])
    markup = charts.show(table, caption="Parameters").markup
    assert markup.count('class="nbgroup"') == table["for"].nunique()
    assert "<details><summary>0.001, 0.01" in markup and '<th scope="col">for' not in markup


def test_pictures_that_may_come_later_leave_the_page(tmp_path):
    from nbcore.publish import slim

    svg = "data:image/svg+xml;utf8,%3Csvg xmlns='x'/%3E"
    page = tmp_path / "intro.html"
    page.write_text(
        f'<img alt="now" src="{svg}"><img alt="a" loading="lazy" src="{svg}">'
        '<img loading="lazy" src="data:image/png;base64,iVBORw=="><img loading="lazy" src="b.png">'
    )
    assert slim.pictures_apart(page) == 2
    assert page.read_text().count("data:") == 1 and 'src="b.png"' in page.read_text()
    names = [p.name for p in sorted((tmp_path / "_static" / "intro").iterdir())]
    assert names == ["0.svg", "1.png"] and 'src="_static/intro/0.svg"' in page.read_text()
    assert (tmp_path / "_static/intro/0.svg").read_text() == "<svg xmlns='x'/>"
    assert (tmp_path / "_static/intro/1.png").read_bytes() == b"\x89PNG"[:4]
