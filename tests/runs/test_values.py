"""How parameters are written on a command line: one grammar by type, and nothing but its errors."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbcore.errors import NbcoreError, ParameterError
from nbcore.publish.chapters import find_chapters
from nbcore.runs import config
from nbcore.runs.values import read_assignments, read_value

Numbers, Words = tuple[int, ...], tuple[str, ...]

READ = [
    (str, "./imgs #1", "./imgs #1"),
    (str, "2024", "2024"),
    (str, "no", "no"),
    (str, "null", "null"),
    (str, "none", "none"),
    (str, "~", "~"),
    (str, "true", "true"),
    (str, "1e3", "1e3"),
    (str, "010", "010"),
    (str, "[a, b]", "[a, b]"),
    (str, "{a: b}", "{a: b}"),
    (str, '"quoted"', '"quoted"'),
    (str, "!!int x", "!!int x"),
    (str, "2024-02-30", "2024-02-30"),
    (str, "a: b # c", "a: b # c"),
    (str, "a=b=c", "a=b=c"),
    (str, " spaces ", " spaces "),
    (str, "", ""),
    (str | None, "none", "none"),
    (int, "30", 30),
    (int, " -1 ", -1),
    (int, "+7", 7),
    (int, "0", 0),
    (int | None, "5", 5),
    (int | None, "none", None),
    (int, "None", None),
    (float, "0.1", 0.1),
    (float, "1", 1.0),
    (float, ".5", 0.5),
    (float, "1e-4", 1e-4),
    (float, "-2.E+3", -2000.0),
    (float | None, "3", 3.0),
    (bool, "true", True),
    (bool, "False", False),
    (Numbers, "1,2", [1, 2]),
    (Numbers, "[1, 2]", [1, 2]),
    (Numbers, "1", [1]),
    (Numbers, "[]", []),
    (tuple[float, ...], "[.1, 1e-3]", [0.1, 1e-3]),
    (Words, "a,b", ["a", "b"]),
    (Words, "[./mine, ./imgs #1]", ["./mine", "./imgs #1"]),
    (Words, "2024, no, 010", ["2024", "no", "010"]),
    (Words, "\"a,b\",'[c]', d ", ["a,b", "[c]", "d"]),
    (Words, '[" a "]', [" a "]),
    (Words, '""', [""]),
]


@pytest.mark.parametrize(("hint", "text", "value"), READ)
def test_a_value_is_read_by_its_type(hint, text, value):
    found = read_value("x", text, hint)
    assert found == value and type(found) is type(value)


REFUSED = [
    (int, "010", "without a leading zero, not '010'; write 10"),
    (int, "-007", "write -7"),
    (float, "00.1", "without a leading zero"),
    (int, "0x1f", "a whole number, as in 30"),
    (int, "0b1", "a whole number"),
    (int, "1_000", "a whole number"),
    (int, "1.0", "a whole number"),
    (int, "1:30", "a whole number"),
    (int, "", "a whole number"),
    (int, "!!int x", "a whole number"),
    (int, "٣", "a whole number"),
    (int, "9" * 19, r"below 2\^63"),
    (int, "9" * 5000, r"below 2\^63"),
    (int, "[1]", "a whole number"),
    (float, "nan", "a number, as in 0.1"),
    (float, ".inf", "a number"),
    (float, "1e999", "a finite number"),
    (float, "1,5", "a number"),
    (float, ".", "a number"),
    (float, "e5", "a number"),
    (float, "2024-02-30", "a number"),
    (bool, "yes", "true or false, not 'yes'"),
    (bool, "1", "true or false"),
    (bool, "", "true or false"),
    (Numbers, "[1, x]", "a whole number"),
    (Numbers, "[1,]", "an empty item|a list such as"),
    (Numbers, "1,,2", "an empty item"),
    (Numbers, "[1", "a list such as"),
    (Numbers, "[[1]]", "a list such as"),
    (Words, '"a', "a list such as"),
    (Words, 'a"b"', "a list such as"),
    (Words, "a]", "a list such as"),
    (str, "a\0b", "in UTF-8"),
    (str, "\udce9", "in UTF-8"),
]


@pytest.mark.parametrize(("hint", "text", "words"), REFUSED)
def test_what_is_not_written_like_its_type_is_one_sentence(hint, text, words):
    with pytest.raises(ParameterError, match=words) as stop:
        read_value("x", text, hint)
    assert str(stop.value).startswith("x ") and "\n" not in str(stop.value)


def test_assignments_have_a_known_name_once():
    known = {"a": int, "path": str}
    assert read_assignments(["a=1", " path =x=y"], known, "me") == {"a": 1, "path": "x=y"}
    for bad, words in {
        "a": "name=value",
        "=1": "name=value",
        "b=1": "me has no parameter 'b'",
        "[red]=1": "has no parameter",
        "a=2": "a is given twice",
    }.items():
        with pytest.raises(ParameterError, match=words):
            read_assignments(["a=1", bad], known, "me")


CHAPTERS = find_chapters()
FIELDS = [(c, name) for c in CHAPTERS for name in c.parameters]
ODD = """2024 no ~ 010 0x1f 1e999 nan !!int !!int:x !!python/object:os.system 2024-02-30 12:30
{a:b} [a a] " [] {} &a *a %TAG - ? : # \0 \udce9 true none -1 1,2 [1,2] [[1]] "a,b" 1_000 .. /"""
odd = st.sampled_from([*ODD.split(), "!!int x", "{a: b}", "[1, 2]", "- a", "? a", "a: b", "a # b"])
written = odd | st.text(max_size=20) | st.integers().map(str) | st.floats().map(str)
written |= st.lists(odd | st.text(max_size=5), max_size=4).map(lambda items: f"[{','.join(items)}]")
written |= st.just("x" * 5000)


@given(st.sampled_from(FIELDS), written)
@settings(max_examples=800)
def test_any_text_for_any_parameter_is_read_or_refused(field, text):
    chapter, name = field
    try:
        values = chapter.read([f"{name}={text}"])
        names = {k: v for k, v in values.items() if k not in ("fresh", "preset")}
        config.resolve(chapter.slug, values.get("preset", "book"), **names)
    except ParameterError as error:
        assert "\n" not in str(error)


@given(st.sampled_from([f for f in FIELDS if f[0].slug in ("line", "prediction-depth")]), written)
@settings(max_examples=100)
def test_any_text_is_checked_before_the_notebook_starts(field, text):
    chapter, name = field
    try:
        chapter.check(chapter.read([f"{name}={text}"]))
    except NbcoreError:
        return


@pytest.mark.parametrize(
    "name", ["2024", "no", "imgs #1", "true", "a: b", "010", "[x]", "~", "1e3"]
)
def test_folders_are_found_whatever_they_are_called(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    chapter = next(c for c in CHAPTERS if c.slug == "prediction-depth")
    wanted = str(Path(tmp_path / name).resolve())
    for written_as in (name, f"./{name}"):
        given_values = chapter.read([f"dataset={written_as}", "model=resnet18"])
        assert chapter.check(given_values)["dataset"] == wanted
        several = chapter.read([f'datasets=["{written_as}"]'])
        assert config.absolute(several["datasets"], tmp_path) == [wanted]
