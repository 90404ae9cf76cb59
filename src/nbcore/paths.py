"""Where things are: the project, the stored runs, the cache. A variable can move each of them."""

import os
from pathlib import Path

import platformdirs

from nbcore.errors import NbcoreError


def project_root() -> Path:
    """Find the checkout with `book/` and `notebooks/` (`NBCORE_ROOT`, else found upwards)."""
    if "NBCORE_ROOT" in os.environ:
        return Path(os.environ["NBCORE_ROOT"]).resolve()
    for start in (Path.cwd(), Path(__file__).resolve()):
        for folder in (start, *start.parents):
            if (folder / "book" / "claims.yml").is_file() and (folder / "notebooks").is_dir():
                return folder
    raise NbcoreError(
        f"No checkout of the book was found at or above {Path.cwd()}; "
        "run this inside one, or set NBCORE_ROOT to its folder."
    )


def results_dir() -> Path:
    """Return the folder of the published runs, committed with the book (`NBCORE_RESULTS`)."""
    return Path(os.environ.get("NBCORE_RESULTS") or project_root() / "results")


def build_dir() -> Path:
    """Return the folder of everything that is built; safe to delete (`NBCORE_BUILD`)."""
    return Path(os.environ.get("NBCORE_BUILD") or project_root() / "_build")


def cache_dir() -> Path:
    """Return the folder of downloads and runs computed on this machine (`NBCORE_CACHE`)."""
    return Path(os.environ.get("NBCORE_CACHE") or platformdirs.user_cache_dir("nbcore"))
