"""Show text from outside as plain text.

The names of models, classes, files and folders may hold brackets, tags, line ends and control
characters; none of them may have an effect.
"""

import html
import json
import re
from typing import Any

#: control characters, lone surrogates (bytes of a file name that are no UTF-8), the line ends that
#: only JavaScript knows, and what reverses the direction of writing
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
#: the same without those that a table in CSV needs
UNSEEN_IN_DATA = re.compile(UNSEEN.pattern.replace("\x00-\x1f", "\x00-\x08\x0b\x0c\x0e-\x1f"))

#: a hyphen that stands for a minus; a space before a percent sign
MINUS = re.compile(r"(?<![\w.=–—-])-(?=\.?\d)")
PERCENT = re.compile(r"(?<=\d)[ \u00a0]%")


def typeset(text: str) -> str:
    """Return words for a reader with true minus signs and `95%`, the same everywhere."""
    return PERCENT.sub("%", MINUS.sub("−", text))


def plain(text: Any) -> str:
    """Return the text in one line, each character that has no picture written as \\x1b or \\n."""
    return UNSEEN.sub(_written, str(text))


def plain_lines(text: Any) -> str:
    """Return text with its line ends kept, each line as `plain` returns it."""
    return "\n".join(map(plain, str(text).split("\n")))


def escape(text: Any) -> str:
    """Return the text for an HTML element or a quoted attribute."""
    return html.escape(plain(text))


def prose(text: Any) -> str:
    """Return words for a reader, typeset, for an HTML element."""
    return typeset(escape(text))


def drawable(value: Any) -> Any:
    """Return a figure's specification whose texts can all be drawn; data keep their line ends."""
    if isinstance(value, str):
        return UNSEEN_IN_DATA.sub(_written, value)
    if isinstance(value, dict):
        return {key: drawable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [drawable(item) for item in value]
    return value


def script_json(value: Any) -> str:
    """Return JSON for a script element: no text in it can end the element or a line of code."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for mark in "<\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _written(found: re.Match[str]) -> str:
    number = ord(found[0])
    if 0xDC80 <= number <= 0xDCFF:  # a byte, as Python reads it from a file name
        return f"\\x{number - 0xDC00:02x}"
    return repr(found[0])[1:-1]
