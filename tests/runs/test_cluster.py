"""A Ray cluster of two nodes on this machine, one of which is killed in the middle of a run."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
import xarray as xr

from nbcore.runs import engines

NAMES = [f"member-{i}" for i in range(6)]


def numbers(folder: Path, doomed: str, name: str) -> xr.Dataset:
    """Compute what depends on the name alone; on the doomed node, wait until it was killed."""
    import ray

    node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else "here"
    with open(folder / name, "a") as starts:
        starts.write(f"{node} {os.getpid()}\n")
    while node == doomed:
        os.sched_yield()
    return xr.Dataset({"x": ("i", [float(sum(map(ord, name)) * i) for i in range(20_000)])})


def started(folder: Path) -> list[tuple[str, int]]:
    """List the node and the process of every start of a member."""
    files = [folder / name for name in NAMES if (folder / name).exists()]
    starts = [line.split() for file in files for line in file.read_text().splitlines()]
    return [(node, int(process)) for node, process in starts]


@pytest.fixture
def nodes(monkeypatch):
    """Two nodes of one CPU each, which `NBCORE_ENGINE=ray` joins; the second may be killed."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'nbcore[ray]'")
    from ray.cluster_utils import Cluster

    own = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    cluster = Cluster()
    try:
        cluster.add_node(**own)
        second = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    except Exception as error:  # Ray gives a node thirty seconds, whatever else the machine does
        cluster.shutdown()
        pytest.skip(f"Ray did not start here: {error}")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.setenv("NBCORE_ENGINE", "ray")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    yield second
    ray.shutdown()
    cluster.shutdown()


def test_a_killed_node_loses_and_doubles_no_member(nodes, tmp_path):
    compute = partial(numbers, tmp_path, nodes.node_id)
    done = {}
    for name, dataset, _ in engines.compute_members(compute, NAMES):
        assert name not in done
        done[name] = dataset
        if len(done) == 1:
            while not (there := [p for n, p in started(tmp_path) if n == nodes.node_id]):
                os.sched_yield()  # until a member is on its way there
            for process in (nodes.all_processes["raylet"][0].process.pid, *there):
                os.kill(process, signal.SIGKILL)  # as when the machine is gone
    assert sorted(done) == NAMES
    assert len(started(tmp_path)) > len(NAMES)
    here = partial(numbers, tmp_path, "")
    for name, dataset, _ in engines.compute_members(here, NAMES, engine="local"):
        assert done[name].identical(dataset)
