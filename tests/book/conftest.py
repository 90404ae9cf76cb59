"""The whole book in the smoke preset, built once for all workers, and its pages in a browser."""

import contextlib
import os
from pathlib import Path

import pytest

from nbcore import files
from nbcore.publish import book


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The folder `html` of a book built strictly, in an empty build folder and cache.

    The worker of pytest-xdist that asks first builds it; another waits for it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "the-book"
    html = folder / "build" / "html"
    with (
        files.locked(folder / ".lock", "builds the book for the tests"),
        pytest.MonkeyPatch.context() as patch,
    ):
        if not html.is_dir():
            patch.setenv("NBCORE_BUILD", str(folder / "build"))
            patch.setenv("NBCORE_CACHE", str(folder / "cache"))
            patch.delenv("NBCORE_DATA", raising=False)
            patch.setenv("NBCORE_OFFLINE", "1")
            book.make_book({"preset": "smoke"})
    return html  # the environment is the other tests' again


@contextlib.contextmanager
def _reader(browser, built):
    """Yield a function that opens a built page from disk; a request to a network fails the test."""
    contexts, trouble = [], []

    def call(name: str, width: int = 1280, dark: bool = False, javascript: bool = True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=javascript
        )
        contexts.append(context)
        context.route(
            "http*://**/*", lambda route: (trouble.append(route.request.url), route.abort())
        )
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        if dark:
            page.add_init_script("localStorage.mode = localStorage.theme = 'dark'")
        page.goto((built / f"{name}.html").as_uri())
        return page

    yield call
    for context in contexts:
        context.close()
    assert not trouble


@pytest.fixture
def open_page(browser, built):
    """Open a page for one test."""
    with _reader(browser, built) as call:
        yield call


@pytest.fixture(scope="module")
def visit(request, browser, built):
    """Open a page once, (name, width, dark, JavaScript), for all tests that only look at it."""
    with _reader(browser, built) as call:
        yield call(*request.param)
