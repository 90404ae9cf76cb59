"""One member of a published ensemble, trained again from its seed, gives the stored numbers."""

from functools import partial

import numpy as np
import pytest

from nbcore import data
from nbcore.chapters.depth_bounds.config import DepthBounds
from nbcore.depths import ensembles, roster
from nbcore.depths.tables import reduce_member
from nbcore.errors import DataError
from nbcore.runs.engines import compute_members
from nbcore.runs.store import find_run

KEY, NAME = "fashion-mnist:mlp", "split-000"


def test_a_stored_member_is_found_again_from_its_seed(own_cache):
    config = roster.ensembles(DepthBounds.book())[KEY]
    try:
        data.where(config.dataset)
    except DataError:
        pytest.skip("needs Fashion-MNIST on this machine")
    run = find_run(config.slug, config, config.roles())
    assert run is not None and NAME in run.member_names
    stored = run.table("members").sel(member=NAME)
    # two workers: one thread each, as the published members were computed
    ((_, member, _),) = compute_members(partial(ensembles.member, config), [NAME], 2)
    found = reduce_member(member, ensembles.load_pool(config).test_labels)
    assert np.array_equal(found["held_out"], stored["held_out"])
    # nothing else to the bit: a processor's name does not tell its instructions and rounding
    for role in ("train", "val", "test"):
        last = float(found[f"accuracy_{role}"][-1])
        assert last == pytest.approx(float(stored[f"accuracy_{role}"][-1]), abs=0.02)
    assert (found["final"].values == stored["final"].values).mean() > 0.95
    assert (found["depth"].values == stored["depth"].values).mean() > 0.8
