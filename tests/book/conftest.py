"""The whole book in the smoke preset, built once, and its pages in a browser."""

from pathlib import Path

import pytest

from nbcore.publish import book


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The folder `html` of a book built strictly, in an empty build folder and cache."""
    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBCORE_BUILD", str(folder / "build"))
        patch.setenv("NBCORE_CACHE", str(folder / "cache"))
        patch.delenv("NBCORE_DATA", raising=False)
        patch.setenv("NBCORE_OFFLINE", "1")
        html = book.make_book({"preset": "smoke"}).parent
    return html  # the environment is the other tests' again


@pytest.fixture
def open_page(browser, built):
    """Open a built page from disk; any request to a network fails the test."""
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
