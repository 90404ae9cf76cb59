"""Shared by all tests: hypothesis without deadlines, real data if there are any, one browser."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("fixed")


def pytest_collection_modifyitems(items) -> None:
    """Put one file that needs the built book first and the others last, each in its order.

    Two workers take whole files: while one builds the book, the other shall not wait for it.
    """
    first = "book/test_every_page.py"
    items.sort(key=lambda i: 0 if first in i.nodeid else 2 if "tests/book/" in i.nodeid else 1)


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


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; without one on the machine the test says so and skips."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium or Chrome: install it to test the pages in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield running
        running.close()
