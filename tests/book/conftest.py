"""The whole book in the smoke preset, built once, and a browser to open it with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbcore.publish import book

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Iterator[Path]:
    """The folder `html` of a book built strictly, in an empty build folder and cache."""
    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBCORE_BUILD", str(folder / "build"))
        patch.setenv("NBCORE_CACHE", str(folder / "cache"))
        patch.delenv("NBCORE_DATA", raising=False)
        patch.setenv("NBCORE_OFFLINE", "1")
        yield book.make_book({"preset": "smoke"}).parent


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


@pytest.fixture
def open_page(browser, built):
    """Open a built page from disk; any request to a network fails the test."""
    contexts, trouble = [], []

    def call(name: str, width: int = 1280, dark: bool = False, javascript: bool = True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=javascript
        )
        contexts.append(context)
        context.route("http*://**/*", lambda route: (trouble.append(route.request.url),
                                                     route.abort()))  # fmt: skip
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
