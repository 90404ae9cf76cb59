"""Tables as people have them: the right values where there is one reading, else one sentence."""

import codecs

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcore.data.tables import read_table
from nbcore.errors import DataError, NbcoreError
from nbcore.lines.own_models import read_models

ROWS = [("weak", 0.5, 0.25), ("mid, é", 0.75, 0.5), ("NA", 0.9, 0.75)]
PLAIN = 'model,id,ood\nweak,0.5,0.25\n"mid, é",0.75,0.5\nNA,0.9,0.75\n'
SEMICOLON = "model;id;ood\nweak;0,5;0,25\nmid, é;0,75;0,5\nNA;0,9;0,75\n"
TAB = "model\tid\tood\nweak\t0.5\t0.25\nmid, é\t0.75\t0.5\nNA\t0.9\t0.75\n"

#: how people write one and the same table
FORMS = {
    "plain": PLAIN,
    "semicolons and decimal commas": SEMICOLON,
    "semicolons and points": SEMICOLON.replace(",", ".").replace("mid. é", "mid, é"),
    "tabs": TAB,
    "tabs and decimal commas": TAB.replace(".", ","),
    "quoted decimal commas": (
        'model,id,ood\nweak,"0,5","0,25"\n"mid, é","0,75","0,5"\nNA,"0,9","0,75"\n'
    ),
    "Windows lines": PLAIN.replace("\n", "\r\n"),
    "old Macintosh lines": PLAIN.replace("\n", "\r"),
    "no last line end": PLAIN.rstrip(),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "upper case and spaces": PLAIN.replace("model,id,ood", " Model , ID,OOD "),
    "other columns, in another order": (
        'ood,note,model,id\n0.25,,weak,.5\n0.5,a b,"mid, é",0.75\n0.75,x,NA,9e-1\n'
    ),
    "empty cells at the end": PLAIN.replace("\n", ",,\n").replace("ood,,", "ood"),
    "a delimiter that is named": "sep=;\n" + SEMICOLON,
    "units": PLAIN.replace("ood\n", "ood\n,(frac),(frac)\n"),
    "units in brackets": PLAIN.replace("ood\n", "ood\n-,[fraction],[fraction]\n"),
    "percent by the units": ('model,id,ood\n,(%),(%)\nweak,50,25\n"mid, é",75,50\nNA,90,75\n'),
    "row names as R writes them": 'id,ood\n"weak",0.5,0.25\n"mid, é",0.75,0.5\n"NA",0.9,0.75\n',
    "row names and names": (
        '"model","id","ood"\n"1","weak",0.5,0.25\n"2","mid, é",0.75,0.5\n"3","NA",0.9,0.75\n'
    ),
    "row names with an empty head": '"",id,ood\nweak,0.5,0.25\n"mid, é",0.75,0.5\nNA,0.9,0.75\n',
    "counted rows and names": (
        ',model,id,ood\n0,weak,0.5,0.25\n1,"mid, é",0.75,0.5\n2,NA,0.9,0.75\n'
    ),
    "row names and decimal commas": "id;ood\nweak;0,5;0,25\nmid, é;0,75;0,5\nNA;0,9;0,75\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_read_however_it_is_written(tmp_path, form):
    path = tmp_path / "m.csv"
    path.write_bytes(FORMS[form].encode())
    assert list(read_models(path)[["model", "id", "ood"]].itertuples(index=False)) == ROWS


@pytest.mark.parametrize(
    "coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
@pytest.mark.parametrize("text", [PLAIN, SEMICOLON, TAB], ids=["commas", "semicolons", "tabs"])
def test_a_table_is_read_whatever_its_encoding(tmp_path, coding, text):
    path = tmp_path / "m.csv"
    path.write_bytes(text.encode(coding))
    assert list(read_models(path)[["model", "id", "ood"]].itertuples(index=False)) == ROWS
    if coding.endswith(("le", "be")):  # with their marks, too
        mark = codecs.BOM_UTF16_LE if coding.endswith("le") else codecs.BOM_UTF16_BE
        path.write_bytes(mark + text.encode(coding))
        assert list(read_models(path)["model"]) == [row[0] for row in ROWS]


def test_names_that_spell_a_missing_value_are_names(tmp_path):
    names = ["NA", "None", "NaN", "nan", "null", "N/A", "#N/A", "True", "007", "1e3", "-", "  x"]
    path = tmp_path / "m.csv"
    path.write_text("model,id,ood\n" + "".join(f"{name},0.5,0.4\n" for name in names))
    assert list(read_models(path)["model"]) == [name.strip() for name in names]


def test_models_without_a_name_are_numbered(tmp_path):
    path = tmp_path / "m.csv"
    for text in (
        "id,ood\n.5,.4\n.6,.5\n.7,.6\n",
        "model,id,ood\n,.5,.4\n,.6,.5\n,.7,.6\n",
        ",id,ood\n0,.5,.4\n1,.6,.5\n2,.7,.6\n",
        'id,ood\n"1",.5,.4\n"2",.6,.5\n"3",.7,.6\n',
    ):
        path.write_text(text)
        frame = read_models(path)
        assert list(frame["model"]) == ["model 1", "model 2", "model 3"], text
        assert list(frame["id"]) == [0.5, 0.6, 0.7]


REFUSED = {
    "one value more in every row": (
        "model,id,ood\na,0.5,0.4,0.3\nb,0.6,0.5,0.4\n",
        "line 2 has 4 values and the header 3 names",
    ),
    "one value more in one row": (
        "model,id,ood\na,0.5,0.4\nb,0.6,0.5,0.4\n",
        "line 3 has 4 values and the header 3 names",
    ),
    "two values more": ("id,ood\na,b,0.5,0.4\n", "line 2 has 4 values and the header 2"),
    "decimal commas between commas": (
        "model,id,ood\na,0,5,0,4\n",
        "line 2 has 5 values .* decimal commas a semicolon or tab",
    ),
    "numbers before numbers": ("id,ood\n7,0.5,0.4\n9,0.6,0.5\n", "line 2 has 3 values"),
    "a column twice": ("model,id,ID,ood\na,1,0.5,0.4\n", "the column id is there 2 times .id, ID"),
    "names twice": ("model,Model,id,ood\na,b,0.5,0.4\n", "the column model is there 2 times"),
    "points and commas": (
        "model;id;ood\na;0.5;0.4\nb;0,6;0.5\n",
        "line 3: id has decimal commas as well as points",
    ),
    "a comma that may mean thousands": (
        "model;id;ood\na;1,234;0.4\n",
        "line 2: id is 1,234, which may be a decimal comma or thous",
    ),
    "a unit nobody knows": ("id,ood\n(km),(km)\n0.5,0.4\n", "line 2: the unit km is not known"),
    "units only": ("id,ood\n(frac),(frac)\n", "line 2: a row of values must follow"),
    "a unit in one column": ("id,ood\n(frac),0.5\n0.5,0.4\n", "line 2: id must be a number, but"),
    "header only": ("model,id,ood\n\n", "ends with its header in line 1; give a row"),
    "empty": ("", "is empty; give a header"),
    "blank": ("\n \n\t\n", "is empty; give a header"),
    "no header": ("a,0.5,0.4\nb,0.6,0.5\n", "line 1: the header lacks id and ood: it has a, 0.5"),
    "a column missing": ("model,id\na,0.5\n", "lacks ood: it has model, id, and needs the columns"),
    "a short row": ("model,id,ood\na,0.5,0.4\nb,0.6\n", "line 3: ood must be a number.*is empty"),
    "text": ("id,ood\n0.5,0.4\n\n0.6,high\n", "line 4: ood must be a number, but it is high"),
    "not a number": ("id,ood\n0.5,nan\n", "line 2: ood must be a number, but it is nan"),
    "infinite": ("id,ood\n0.5,inf\n", "line 2: ood must be a number, but it is inf"),
    "underscores": ("id,ood\n0.5,1_0\n", "line 2: ood must be a number, but it is 1_0"),
    "percent": ("id,ood\n50,40\n", "line 2: id must be a fraction between 0 and 1, but it is 50"),
    "a percent sign": ("id,ood\n50%,40%\n", "line 2: id must be a number, but it is 50%"),
    "below zero": ("id,ood\n.5,.4\n-.1,.2\n", "line 3: id must be a fraction .* but it is -.1"),
    "an open quote": ('model,id,ood,note\na,.5,.4,"b\nc,.6,.5,d\n', "line 2 cannot be read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_single_reading_is_refused_with_its_line(tmp_path, case):
    text, words = REFUSED[case]
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as stop:
        read_models(path)
    assert str(path) in str(stop.value) and "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text in UTF-8"),
        (bytes(range(256)), "is no text in UTF-8"),
        (b"PAR1\x15\x04\x15", "is no text in UTF-8"),
        (b"id,ood\n\x81,0.4\n", "is no text in UTF-8"),
        (b"\xff\xfeid", "lacks id and ood|is no text"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, raw, words):
    path = tmp_path / "m.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=words):
        read_models(path)


def test_what_is_no_file_is_refused_and_a_pipe_does_not_hang(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/null"):
        with pytest.raises(
            DataError, match="is no regular file; give a text file with the columns"
        ):
            read_models(path)
    for path in (tmp_path / "none.csv", "a\0b", tmp_path / ("x" * 300)):
        with pytest.raises(DataError, match="cannot be read as a table .*; give a text file"):
            read_models(path)


def test_lines_are_those_of_the_file_although_cells_run_over_several(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('sep=,\nmodel,id,ood\n"two\nlines",0.5,0.4\nb,0.6,0.5\nc,0.7,x\n')
    table = read_table(path, ["id", "ood"], ["model"])
    assert table.texts("model") == ["two\nlines", "b", "c"] and table.lines == [3, 5, 6]
    np.testing.assert_array_equal(table.numbers("id"), [0.5, 0.6, 0.7])
    with pytest.raises(DataError, match="line 6: ood must be a number, but it is x"):
        table.numbers("ood")


cells = st.text(st.sampled_from('ab0159.,;\t"\n\r ()%-éNA\x00\ufeff'), max_size=6)
tables = st.lists(st.lists(cells, max_size=5), max_size=6)


@given(
    st.sampled_from(["id,ood", "model;id;ood", "id\tood", "ood", ""]),
    tables,
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
@settings(max_examples=200)
def test_any_text_gives_a_table_or_one_of_nbcores_errors(
    tmp_path_factory, head, rows, mark, coding
):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    text = "\n".join([head, *(mark.join(row) for row in rows)])
    path.write_bytes(text.encode(coding))
    try:
        frame = read_models(path)
    except NbcoreError:
        return
    assert len(frame) and frame[["id", "ood"]].notna().all(None)
    assert frame[["id", "ood"]].to_numpy().min() >= 0 and frame[["id", "ood"]].to_numpy().max() <= 1


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_one_of_nbcores_errors(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(raw)
    with pytest.raises(NbcoreError):
        read_models(path)
