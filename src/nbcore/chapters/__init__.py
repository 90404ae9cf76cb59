"""One folder a chapter: its parameters, runs, tables, figures, observations and exercises.

A chapter is found by its folder, whose name is the slug with underscores; there is no list.
"""

import pkgutil


def chapter_folders() -> list[str]:
    """Names of the folders of all chapters, in alphabetical order."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)
