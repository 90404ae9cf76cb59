import json
import sys
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr

from nbcore.depths.ensembles import Ensemble, member
from nbcore.errors import DataError, ParameterError
from nbcore.runs import engines

TINY = Ensemble(
    dataset="digits",
    examples=60,
    test_examples=20,
    width=16,
    depth=2,
    steps=20,
    batch=20,
    checkpoints=4,
    k=5,
    held_out=0.2,
    members=3,
    device="cpu",
)


def threads(name: str) -> xr.Dataset:
    return xr.Dataset({"threads": torch.get_num_threads()}, attrs={"name": name})


def fails(name: str) -> xr.Dataset:
    raise DataError(f"no data for {name}")


@pytest.fixture
def cluster():
    """A Ray of the test's own on this machine; where Ray is not installed the test skips."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'nbcore[ray]'")
    try:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    except Exception as error:  # Ray gives a node thirty seconds, whatever else the machine does
        ray.shutdown()
        pytest.skip(f"Ray did not start here: {error}")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield ray
    ray.shutdown()


def members(engine: str, workers: int, names=("split-000", "full-000")):
    done = engines.compute_members(partial(member, TINY), names, workers, engine=engine)
    return {name: (dataset, seconds) for name, dataset, seconds in done}


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(a[name][0].identical(b[name][0]) for name in a)


def test_processes_of_one_thread_give_the_bits_of_this_one_with_one_thread(own_cache):
    with engines._single_thread():
        here = members("local", 1)
    assert same(members("local", 2), here)
    # a run that was interrupted before its last member
    (alone, seconds) = members("local", 2, ["full-000"])["full-000"]
    assert alone.identical(here["full-000"][0]) and seconds > 0


def test_a_ray_cluster_gives_the_bits_of_this_machine(own_cache, cluster):
    with engines._single_thread():
        here = members("local", 1)
    assert same(members("ray", 2), here)


def test_only_a_single_worker_has_all_the_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for workers, expected in ((1, 2), (2, 1)):
            ((_, found, _),) = engines.compute_members(threads, ["a"], workers)
            assert int(found["threads"]) == expected
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_an_error_on_a_cluster_arrives_as_itself(cluster):
    with pytest.raises(DataError, match="^no data for a$"):
        list(engines.compute_members(fails, ["a"] * 2, engine="ray"))
    found = engines.compute_members(threads, ["a", "b", "c"], engine="ray")
    assert sorted((n, int(d["threads"])) for n, d, _ in found) == [("a", 1), ("b", 1), ("c", 1)]


def test_the_environment_chooses_and_a_wrong_engine_is_one_sentence(monkeypatch):
    monkeypatch.setenv("NBCORE_ENGINE", "rey")
    with pytest.raises(ParameterError, match="no engine 'rey'; did you mean 'ray'"):
        list(engines.compute_members(threads, ["a"]))
    assert len(list(engines.compute_members(threads, ["a"], engine="local"))) == 1
    monkeypatch.setenv("NBCORE_ENGINE", "ray")
    assert list(engines.compute_members(threads, [])) == []
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ParameterError, match="Ray is not installed; install it with `pip install"):
        list(engines.compute_members(threads, ["a"]))


def test_no_cluster_at_the_address_is_one_sentence(monkeypatch):
    class Nothing:
        @staticmethod
        def init(**_):
            raise ConnectionError("nobody at 10.0.0.1:6379")

    with pytest.raises(ParameterError, match="could be joined or started .nobody at"):
        engines._join(Nothing)


def test_nothing_is_computed_twice_when_the_reader_stops(own_cache):
    seen = []

    def count(name: str) -> xr.Dataset:
        seen.append(name)
        return xr.Dataset({"x": ("i", np.arange(2))})

    results = engines.compute_members(count, ["a", "b", "c"])
    assert next(results)[0] == "a"
    results.close()
    assert seen == ["a"]


@pytest.fixture
def seen(tmp_path, monkeypatch, own_cache):
    """The folder of observations, known to processes that start later."""
    monkeypatch.setenv("NBCORE_OBSERVATIONS", str(tmp_path / "seen"))
    return tmp_path / "seen"


def test_a_chapter_is_executed_on_a_cluster(seen, cluster):
    from nbcore.publish import book
    from nbcore.publish.chapters import find_chapters

    (chapter,) = [c for c in find_chapters() if c.slug == "every-image-its-own-line"]
    done = book._execute_all([chapter], {"preset": "smoke"}, "ray")
    notebook = json.loads(done[chapter.stem].read_text())
    assert notebook["metadata"]["papermill"]["parameters"]["preset"] == "smoke"
    assert {p.name.split(".")[1] for p in seen.glob("*.json")} == {chapter.slug}
