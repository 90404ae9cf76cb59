import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nbcore import claims as ledger
from nbcore import cli
from nbcore.runs.config import slugs

ROOT = Path(__file__).parents[1]


@pytest.fixture
def nbcore(monkeypatch, capsys, own_cache):
    """Run the command in this process: (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["nbcore", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, " ".join(captured.err.split())

    return call


def test_every_command_has_help_with_an_example(nbcore):
    from typer.main import get_command

    def commands(group, words=()):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from commands(command, (*words, name))
            else:
                yield (*words, name), command.help

    found = dict(commands(get_command(cli.app)))
    assert len(found) >= 12
    for words, text in found.items():
        assert f"`nbcore {' '.join(words)}" in text, words


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "lines"], "There is no chapter 'lines'; did you mean 'line'?"),
        (["run", "line", "-p", "preset=smok"], "no preset 'smok' for line; did you mean 'smoke'?"),
        (["run", "line", "-p", "sed=1"], "no parameter 'sed'; did you mean 'seed'?"),
        (["run", "line", "-p", "seed=one"], "seed must be a whole number"),
        (["run", "line", "-p", "fresh=3"], "fresh must be true or false"),
        (["run", "line", "-p", "resamples=1"], "resamples must be at least 20"),
        (["run", "line", "-p", "testbed=mnist"], "testbed must be one of"),
        (["run", "line", "-p", "seed"], "name=value"),
        (["claims", "A999"], "has no claim 'A999'"),
        (["run", "line", "-p", "models=no.csv"], "no.csv cannot be read as a table"),
        (["line", "no_such.csv"], "cannot be read as a table"),
        (["data", "where", "cifar11"], "did you mean"),
        (["runs", "publish", "0123"], "No run '0123'"),
        (["book", "--preset", "big"], "no preset 'big'"),
        (["zip"], "run make book first"),
    ],
)
def test_bad_input_is_one_sentence_and_a_failing_exit(nbcore, words, sentence):
    code, out, err = nbcore(*words)
    assert code == 1
    assert sentence in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model,id\na,0.5\n", "line 1: the header lacks ood: it has model, id"),
        ("model,id,ood\na,0.5,\n", "line 2: ood must be a number, but it is empty"),
        ("model,id,ood\na,0.5,high\n", "it is high"),
        ("model,id,ood\na,50,40\n", "divide percentages by 100"),
        ("model,id,ood\na,0.5,0.4\nb,0.6,0.5\n", "at least three models"),
        ("id,ood\n0.5,0.4\n0.6,0.5\n1.0,0.7\n", "exactly 0 or 1"),
        ("", "is empty; give a header"),
    ],
)
def test_a_bad_csv_says_which_line_and_what_to_do(nbcore, tmp_path, text, sentence):
    csv = tmp_path / "m.csv"
    csv.write_text(text)
    code, _, err = nbcore("line", csv)
    assert code == 1
    assert sentence in err


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("model,id,ood\nweak,0.50,0.25\nmid,0.75,0.50\nstrong,0.90,0.75\n")
    return path


def test_a_stranger_fits_the_line_to_a_csv(nbcore, csv):
    code, out, _ = nbcore("line", csv, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["line"]["slope"] == pytest.approx(1)
    assert result["line"]["intercept"] == pytest.approx(-1.0986, abs=1e-4)
    assert [m["er"] for m in result["models"]] == pytest.approx([0, 0, 0], abs=1e-9)
    code, out, _ = nbcore("line", csv)
    assert "R² = 1.0000" in out


def test_models_are_measured_against_a_published_line(nbcore, tmp_path):
    csv = tmp_path / "mine.csv"
    csv.write_text("id,ood\n0.80,0.80\n0.10,0.10\n")
    code, out, _ = nbcore("line", csv, "--testbed", "imagenetv2", "--json")
    robust, outside = json.loads(out)["models"]
    assert code == 0
    assert robust["er"] == pytest.approx(0.80 - 0.6881, abs=1e-3)
    assert robust["significant"] is True
    assert outside["er"] is outside["significant"] is None  # below the testbed's weakest model


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--testbed", "timm:imagenet-a"], "The points of timm:imagenet-a bend, so no line"),
        (["--testbed", "timm:imagenet-r2"], "did you mean 'timm:imagenet-r'?"),
        (["--testbed", "timm:real", "--family", "web"], "No model of timm:real belongs to"),
        (["--testbed", "open-clip:imagenetv2", "--family", "open-clp"], "did you mean 'open-clip'"),
        (["--family", "more data"], "give testbed too"),
    ],
)
def test_a_testbed_or_family_that_is_not_there_is_refused(nbcore, csv, words, sentence):
    code, _, err = nbcore("line", csv, *words)
    assert code == 1
    assert sentence in " ".join(err.split())


def test_a_family_of_fewer_than_three_models_has_no_line(nbcore, csv):
    words = ["--testbed", "imagenet-testbed:imagenetv2", "--family", "web image-text"]
    code, _, err = nbcore("line", csv, *words)
    assert code == 1
    assert "Only 2 models of imagenet-testbed:imagenetv2 belong to 'web image-text'" in err


def test_models_are_placed_on_every_testbed_that_has_a_line(nbcore, tmp_path, csv):
    code, out, _ = nbcore("line", "--list", "--json")
    rows = json.loads(out)
    assert code == 0 and len(rows) >= 20
    for row in rows:
        if row["line"].startswith("no line"):
            continue
        code, out, _ = nbcore("line", csv, "--testbed", row["testbed"], "--json")
        found = json.loads(out)
        assert code == 0 and len(found["models"]) == 3
        assert row["id"] in found["source"] and found["line"]["n"] <= row["models"]
    words = ["--testbed", "imagenet-testbed:imagenet-r"]
    family = ["--family", "ImageNet-21k"]
    chart = tmp_path / "picture.svg"
    code, out, _ = nbcore("line", csv, *words, *family, "--chart", chart)
    assert code == 0 and chart.stat().st_size > 10_000
    assert "17 models: ImageNet-21k" in " ".join(out.split())
    code, out, err = nbcore("line")
    assert code == 1 and "--list" in err


@pytest.mark.parametrize("suffix", [".html", ".svg", ".png"])
def test_the_chart_of_a_csv_is_self_contained(nbcore, csv, tmp_path, suffix):
    target = tmp_path / f"chart{suffix}"
    assert nbcore("line", csv, "--chart", target)[0] == 0
    assert target.stat().st_size > 1000
    if suffix == ".html":
        assert 'src="http' not in target.read_text()


def test_lists_are_json_for_scripts(nbcore):
    for words in (["chapters"], ["claims"], ["runs", "list"], ["data", "list"], ["doctor"]):
        code, out, _ = nbcore(*words, "--json")
        assert code == 0
        assert json.loads(out), words


def test_the_ledger_reads_well_at_80_columns(nbcore, monkeypatch):
    seen = {"run": {"origin": "stored", "date": "2026-01-02", "hardware": "x"}, "subject": "all"}
    for claim in ledger.ledger().values():
        for check in claim.checks[:2]:
            number = ledger.Estimate.exact(check.expect or check.bound, 3, check.unit)
            ledger.record(claim.id, {check.name: number}, preset="book", setup="reduced", **seen)
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = nbcore("claims")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    cells = [[c.strip() for c in s.split("│")[1:3]] for s in out.splitlines() if s[:1] == "│"]
    rows = [tuple(c) for c in cells if c[0]]
    assert [r[0] for r in rows] == list(ledger.ledger())
    assert {r[1] for r in rows} <= set(ledger.VERDICTS) and len(set(r[1] for r in rows)) > 3


def test_one_claim_in_full(nbcore):
    code, out, _ = nbcore("claims", "a36")
    assert code == 0 and "misread, amended 2026-11-27: rank correlation of gap share" in out
    code, out, _ = nbcore("claims", "A36", "--json")
    told = json.loads(out)
    assert (told["id"], told["verdict"]) == ("A36", "not run")
    assert {"rule", "bound", "value", "low", "high", "n", "run", "setup"} <= set(told["checks"][0])
    assert told["amended"][0]["value"] == 0.6429


def test_published_runs_verify(nbcore):
    code, out, _ = nbcore("runs", "verify")
    assert code == 0
    assert out.count("stored") >= 3


def test_a_damaged_run_stops_a_chapter_with_one_sentence(nbcore, tmp_path, monkeypatch):
    copy = tmp_path / "results"
    shutil.copytree(ROOT / "results", copy)
    monkeypatch.setenv("NBCORE_RESULTS", str(copy))
    file = next(copy.glob("testbed-imagenetv2/*/table-models.zarr.zip"))
    file.write_bytes(file.read_bytes()[:-100])
    for words in (["runs", "verify"], ["run", "line", "--no-page"]):
        code, out, err = nbcore(*words)
        assert code == 1
        assert "is damaged" in err
        assert "Traceback" not in out + err
    assert not list((tmp_path / "build").rglob("01_line.ipynb"))


LISTS = [["--help"], ["chapters"], ["claims"], ["data", "list"], ["runs", "list"]]


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_answer_at_once_and_read_well_at_80_columns(words, own_cache):
    """At once: no library that takes a second to import is needed for an answer."""
    slow = {"torch", "torchvision", "timm", "xarray", "zarr", "pandas", "scipy", "sklearn"}
    slow |= {"altair", "jupytext", "nbformat", "papermill", "matplotlib", "pyarrow"}
    code = (
        f"import sys; sys.argv = ['nbcore', *{words!r}]\nfrom nbcore import cli\ntry: cli.main()\n"
        f"finally: print('slow:', *({slow!r} & set(sys.modules)))"
    )
    places = {"NBCORE_CACHE": str(own_cache), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | places,
    )
    *lines, last = done.stdout.splitlines()
    assert last == "slow:", last + done.stderr
    assert len(lines) > 5
    for line in lines:  # a path or an address of the network is longer, and is not broken
        assert len(line) <= 80 or len(line.split()) <= 2, line
    text = {word.strip("│┃") for line in lines for word in line.split()}
    if words == ["chapters"]:
        assert set(slugs()) <= text and {"head_lrs", "own_images"} <= text
    if words == ["runs", "list"]:
        published = (ROOT / "results").glob("*/*/manifest.json")
        assert {part for p in published for part in p.parts[-3:-1]} <= text


def test_the_command_is_installed_and_starts_without_torch():
    code = "import sys, nbcore.cli; print('torch' in sys.modules, 'altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "False"], done.stderr
