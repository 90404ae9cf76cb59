"""Decisions as a table: what is read, what labels come of it, and what contradicts itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcore.difficulty.review.decisions import (
    KEEP,
    RELABEL,
    REMOVE,
    RENAME,
    Item,
    Row,
    read,
    settle,
    written,
)
from nbcore.errors import DataError, NbcoreError, ParameterError

A, B, C = ("a" * 64, "ab" * 32, "c0" * 32)
ITEMS = [Item(A, "ant"), Item(B, "bee"), Item(C, "cow"), Item(A, "bee")]  # A lies in two classes
CLASSES = ["ant", "bee", "cow", "dog"]


def labels(*rows, items=ITEMS):
    return settle([Row(*row, line=i + 2) for i, row in enumerate(rows)], items, CLASSES).labels


def test_each_kind_of_decision_by_hand():
    assert labels((KEEP, "ant", "", A)) == ["ant", "bee", "cow", "bee"]
    assert labels((RELABEL, "bee", "dog", B)) == ["ant", "dog", "cow", "bee"]
    assert labels((REMOVE, "bee", "", A)) == ["ant", "bee", "cow", None]  # that copy, not the other
    assert labels((RENAME, "bee", "wasp")) == ["ant", "wasp", "cow", "wasp"]
    assert labels((RENAME, "bee", "ant")) == ["ant", "ant", "cow", "ant"]
    swap = (RENAME, "ant", "bee"), (RENAME, "bee", "ant")
    assert labels(*swap) == ["bee", "ant", "cow", "ant"]
    # classes are written as they were judged, and an image is named by the digits that it needs
    assert labels(*swap, (RELABEL, "cow", "ant", C[:8])) == ["bee", "ant", "bee", "ant"]
    assert labels((RENAME, "cow", "kine"), (RELABEL, "bee", "kine", B))[1:3] == ["kine", "kine"]


def test_what_was_done_is_counted():
    rows = [
        Row(RELABEL, "ant", "bee", A, line=2),
        Row(KEEP, "bee", "", A, line=3),
        Row(REMOVE, "cow", "", C, line=4),
        Row(RENAME, "ant", "emmet", line=5),
        Row(RENAME, "dog", "bee", line=6),
    ]
    done = settle(rows, ITEMS, CLASSES)
    assert done.labels == ["bee", "bee", None, "bee"]
    assert done.counts == dict(relabelled=1, removed=1, kept=1, already=0, renamed=1, merged=1)
    again = settle([Row(RELABEL, "cow", "bee", A, line=2)], [Item(A, "bee")], CLASSES)
    assert again.labels == ["bee"] and again.counts["already"] == 1


BAD = {
    "two labels": ([(RELABEL, "bee", "ant", B), (RELABEL, "bee", "cow", B)], "Lines 2 and 3 cont"),
    "two copies": (
        [(RELABEL, "bee", "dog", A), (RELABEL, "ant", "cow", A)],
        "relabel to 'dog', and",
    ),
    "kept too": ([(RELABEL, "bee", "ant", B), (KEEP, "bee", "", B)], "keep 'bee'; leave one"),
    "a copy kept": ([(RELABEL, "bee", "dog", A), (KEEP, "ant", "", A)], "contradict each other"),
    "two names": ([(RENAME, "bee", "x"), (RENAME, "bee", "y")], "rename 'bee' to 'x' and to 'y'"),
    "no image": ([(KEEP, "bee", "", "12345678")], "on the image 12345678, which is not among"),
    "several": ([(KEEP, "bee", "", "aaaaaaaa")], ""),
    "no class": ([(RELABEL, "bee", "cwo", B)], "'cwo', not there; did you mean 'cow'?"),
    "old class": ([(RENAME, "be", "cow")], "Line 2 names the class 'be', not there"),
    "stale": ([(RELABEL, "ant", "cow", B)], "as 'ant', but it is 'bee' now; judge"),
}


@pytest.mark.parametrize("rows, said", BAD.values(), ids=BAD)
def test_contradictions_are_one_sentence(rows, said):
    items = ITEMS if said else [Item("a" * 64, "bee"), Item("a" * 63 + "b", "bee")]
    with pytest.raises(ParameterError, match=re.escape(said or "fits several images")):
        labels(*rows, items=items)


TABLES = {
    "no header": ("relabel,ant,bee,x\n", "it lacks decision, new, old"),
    "another word": ("decision,old,new,id\nrelable,ant,bee,\n", "did you mean 'relabel'"),
    "no class": ("decision,old,new,id\nrelabel,ant,,aaaaaaaa\n", "needs the column old and new"),
    "no id": ("decision,old,new,id\nkeep,ant,,\n", "8 to 64 hexadecimal digits, not ''"),
    "odd id": ("decision,old,new,id\nkeep,ant,,nothexnothex\n", "not 'nothexnothex'"),
}


@pytest.mark.parametrize("text, said", TABLES.values(), ids=TABLES)
def test_tables_that_cannot_be_read_are_one_sentence(tmp_path, text, said):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "d.csv")


def test_tables_that_are_none(tmp_path):
    with pytest.raises(DataError, match="cannot be read .No such file"):
        read(tmp_path / "d.csv")
    (tmp_path / "d.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="no text in UTF-8"):
        read(tmp_path / "d.csv")


@pytest.mark.parametrize("apart", ",;\t")
def test_spreadsheets_may_save_the_table_their_way(tmp_path, apart):
    lines = ["decision,old,new,id,file", "rename,ant,bee,,", f"keep,bee,,{B.upper()},x.png"]
    text = "\r\n".join(lines).replace(",", apart) + "\r\n"
    (tmp_path / "d.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    rows = read(tmp_path / "d.csv")
    assert rows == [Row(RENAME, "ant", "bee", line=2), Row(KEEP, "bee", "", B, "x.png", 3)]


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1
)
KINDS = st.sampled_from([KEEP, RELABEL, REMOVE, RENAME])


@given(st.lists(st.builds(Row, KINDS, WORDS, WORDS, st.just(B), WORDS, st.just(0)), max_size=5))
def test_what_is_written_is_read_again(tmp_path_factory, rows):
    file = tmp_path_factory.mktemp("table") / "d.csv"
    file.write_text(written(rows), "utf-8")
    assert [row._replace(line=0) for row in read(file)] == rows


@given(st.data())
def test_the_order_of_decisions_does_not_matter(data):
    ids = [f"{i:064x}" for i in range(1 << 8, 5 << 8, 1 << 8)]
    items = data.draw(st.lists(st.builds(Item, st.sampled_from(ids), st.sampled_from("abc"))))
    one = st.sampled_from("abc")
    kind = st.sampled_from([KEEP, RELABEL, REMOVE])
    drawn = st.builds(Row, kind, one, one, st.sampled_from(ids), st.just(""), st.just(0))
    renames = st.builds(Row, st.just(RENAME), one, st.sampled_from("abcxy"), *[st.just("")] * 2)
    rows = data.draw(st.lists(drawn | renames, max_size=6))
    other = data.draw(st.permutations(rows))

    def outcome(some):
        try:
            return settle(some, items, "abc")
        except NbcoreError as error:
            return type(error)

    assert outcome(rows) == outcome(other)
