"""Shared by all tests: hypothesis without deadlines, real data where a folder has them."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("fixed")


@pytest.fixture
def real_data() -> Path:
    """The folder of public data, or a skip that says what is missing."""
    folder = os.environ.get("NBCORE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs the public data sets: set NBCORE_DATA to a folder that holds them")
    return Path(folder)


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> Path:
    """A cache and build folder of the test's own."""
    monkeypatch.setenv("NBCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NBCORE_BUILD", str(tmp_path / "build"))
    return tmp_path / "cache"
