"""The parameter `layout`: how your own folders are read, where there are several ways."""

from typing import Any

from nbcore.data import with_layout
from nbcore.data.layout import LAYOUTS
from nbcore.runs.config import FREE, Config, param


def layout_param() -> Any:
    """Declare the field `layout`.

    It is not in a run's address, since the folders' checksums say how they were read.
    """
    words = "how your folders are read, where that can be doubted"
    return param(None, words, choices=LAYOUTS, in_address=False, paper=FREE)


def apply_layout(config: Config, *fields: str) -> None:
    """Write the layout of a config into the names of the folders under its fields.

    This is done when the config is made, so that every name says by itself how it is read, in
    whichever process. Names of the catalogue stay as they are.
    """
    layout = getattr(config, "layout")  # noqa: B009  (only some configs have it)
    for name in fields if layout else ():
        value = getattr(config, name)
        several = isinstance(value, tuple)
        named = (
            tuple(with_layout(v, layout) for v in value) if several else with_layout(value, layout)
        )
        object.__setattr__(config, name, named)
