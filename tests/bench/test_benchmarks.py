"""Every benchmark at a tiny size, through the command: its form, equal results on both sides."""

import json
import math
import sys

import pytest

from nbcore import cli
from nbcore.bench import catalog, kept
from nbcore.bench.record import Found

#: sizes at which each takes a second or a few
TINY = {
    "knn": ["bank=300", "queries=100", "dimensions=16,64", "rounds=2"],
    "ensembles": ["members=2", "networks=mlp", "mlp_steps=10", "examples=200", "width=16"],
    "dominance": ["models=40", "examples=500", "pairs=100", "rounds=2"],
    "difficulty": ["images=250", "members=5"],
    "features": ["images=40", "part=20", "beside=10", "rounds=1", "side=32"],
    "stores": ["members=5", "written=3", "examples=400", "probes=4", "read=2", "rounds=1"],
    "growth": [
        *("members=2,4", "examples=300", "images=100,200", "dimensions=16,32"),
        *("models=10,20", "rounds=2"),
    ],
    "allocation": ["steps=2", "batch=4"],
    "labels": [],
}


@pytest.fixture
def bench(monkeypatch, capsys, own_cache):
    """Run the command in this process: (exit code, stdout, stderr)."""

    def call(*given):
        monkeypatch.setattr(sys, "argv", ["nbcore", "bench", *given])
        monkeypatch.setenv("COLUMNS", "300")
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, " ".join(captured.err.split())

    return call


def finite(value):
    """All numbers in this JSON are finite."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def test_every_benchmark_is_tried_here():
    assert set(TINY) == set(catalog.BENCHMARKS)


@pytest.fixture
def one_process(monkeypatch):
    """Members are computed here: `tests/runs/test_engines.py` starts processes."""
    from nbcore.bench import ensembles

    def here(train, names, workers, engine):
        assert (workers, engine) == (2, "local")
        return [(name, train(name), 0.1) for name in reversed(names)]

    monkeypatch.setattr(ensembles, "compute_members", here)


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_has_its_form_and_both_sides_agree(bench, one_process, name):
    words = [word for setting in TINY[name] for word in ("-p", setting)]
    code, out, _ = bench(name, "--quick", "--json", *words)
    assert code == 0
    (record,) = json.loads(out)
    assert record["benchmark"] == name and record["quick"] is True and record["seconds"] > 0
    assert {"hardware", "threads", "load_before", "versions", "date"} == set(record["conditions"])
    assert {"python", "torch"} <= set(record["conditions"]["versions"])
    for setting in TINY[name]:
        assert setting.partition("=")[0] in record["settings"]
    assert record["comparisons"] or record["quantities"] or record["growths"]
    assert finite(record)
    for c in record["comparisons"]:
        assert len(c["seconds"]) == len(c["peer_seconds"]) == record["settings"]["rounds"]
        assert 0 < c["ratio"]["low"] <= c["ratio"]["value"] <= c["ratio"]["high"]
        assert c["agree"] is not False, c
        assert (c["agree"] is None) == (name == "difficulty"), c
    for q in record["quantities"]:
        assert q["limit"] is None or q["value"] <= q["limit"], q
    for g in record["growths"]:
        assert g["exponent"]["low"] <= g["exponent"]["value"] <= g["exponent"]["high"]
    content = {key: record[key] for key in ("comparisons", "quantities", "growths")}
    assert json.loads(json.dumps(Found.from_dict(content).as_dict())) == content


def test_photographs_in_pieces_go_on_where_they_were_stopped(own_cache, monkeypatch):
    from nbcore.bench import streaming

    measured = streaming._piece

    def killed(config, number):
        if number == 2:
            raise KeyboardInterrupt
        return measured(config, number)

    given = dict(images=50, part=20, beside=4, rounds=1, side=32, whole=True)
    config = streaming.Features.resolve("smoke", **given)
    monkeypatch.setattr(streaming, "_piece", killed)
    with pytest.raises(KeyboardInterrupt):
        streaming.run(config)
    again = []
    monkeypatch.setattr(
        streaming, "_piece", lambda c, number: again.append(number) or measured(c, number)
    )
    found = {q.what: q for q in streaming.run(config).quantities}
    assert again == [2]
    assert found["photographs measured"].value == 50
    assert not found["50 photographs, decoding too"].projected
    assert not list((own_cache / "bench").iterdir())  # the next measurement is a new one


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["knnn"], "There is no benchmark 'knnn'; there are knn, ensembles, dominance, difficulty"),
        (["knn", "-p", "bnk=3"], "knn has no parameter 'bnk'; did you mean 'bank'?"),
        (["knn", "-p", "rounds=0"], "rounds must be at least 1"),
        (["knn", "--quick", "-p", "bank=5000"], "digits has 1297 images, but the bank is to have"),
        (["ensembles", "--quick", "-p", "networks=mpl"], "networks are mlp and cnn, not 'mpl'"),
        (["labels", "-p", "only=nothing"], "No condition's name contains 'nothing'; there are"),
    ],
)
def test_bad_input_is_one_sentence(bench, words, sentence):
    code, out, err = bench(*words)
    assert code == 1 and sentence in err and "Traceback" not in out + err


def test_the_list_names_all_and_which_must_be_named(bench):
    code, out, _ = bench("--list", "--json")
    rows = {row["name"]: row["when"] for row in json.loads(out)}
    assert code == 0 and set(rows) == set(catalog.BENCHMARKS)
    assert [name for name, when in rows.items() if when == "named"] == ["labels"]
    assert set(catalog.chosen([])) == set(rows) - {"labels"}


def test_a_table_and_what_is_slower_are_printed(bench):
    words = [word for setting in TINY["dominance"] for word in ("-p", setting)]
    code, out, _ = bench("dominance", "--quick", *words)
    assert code == 0
    assert "40 models, 500 examples" in " ".join(out.split())
    assert "dominance: no figures are kept" in out or "not compared with the kept" in out
    assert "dominance-quick.json" in out


def test_the_kept_figures_can_be_read_and_name_their_hardware():
    for name, record in kept.kept_figures().items():
        assert name in catalog.BENCHMARKS
        assert record.conditions["hardware"] and record.conditions["load_before"]
        known = {field for field in catalog.BENCHMARKS[name].config.book().address()}
        assert set(record.settings) == known, "the settings changed: measure again"
        assert all(c.agree is not False for c in record.found.comparisons)
