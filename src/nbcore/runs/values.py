"""How a parameter is written on a command line: `-p name=value`, read by the parameter's type.

text             as it is: `2024`, `no`, `./imgs #1` are these words; no quotes are taken off
whole number     `30`, `-1`: digits with a sign, no leading zero
number           `0.1`, `3`, `1e-4`: a decimal point, no leading zero but before it
yes or no        `true`, `false`
list             `a,b` or `[a, b]`, each item by its type; an item with a comma, a bracket or spaces
                 at its ends stands in quotes, as in `"a,b",c`; `[]` is the empty list
`none`           for anything but text: the preset's own value
"""

import dataclasses
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from nbcore.errors import ParameterError, did_you_mean

WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
#: an item of a list: in double or single quotes, or up to the next comma
ITEM = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,"'\[\]]*))\s*(?:,|$)""")
#: larger whole numbers fit into no array
MOST = 2**63 - 1


def fields_of(cls: type) -> dict[str, Any]:
    """Return the type of every field of a dataclass by its name."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def read_assignments(given: Iterable[str], known: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Read `name=value` texts by the types in `known`; `owner` is whose parameters these are.

    ParameterError: no "=", a name that is unknown or given twice, a value that is not of the type.
    """
    out: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError(f"A parameter is given as name=value, not {text!r}.")
        if name not in known:
            raise ParameterError(f"{owner} has no parameter {name!r}; {did_you_mean(name, known)}")
        if name in out:
            raise ParameterError(f"{name} is given twice; give it once.")
        out[name] = read_value(name, value, known[name])
    return out


def read_value(name: str, text: str, hint: Any) -> Any:
    """Read the text of one value by its type; ParameterError if it is not written like one."""
    if re.search("[\0\ud800-\udfff]", text):
        raise ParameterError(f"{name} must be text in UTF-8, not {text!r}; rename what it names.")
    options = typing.get_args(hint) if _is_union(hint) else (hint,)
    if str in options:
        return text
    bare = text.strip()
    if bare.lower() == "none":
        return None
    if typing.get_origin(options[0]) is tuple:
        kind = typing.get_args(options[0])[0]
        return [_scalar(name, item, kind) for item in _items(name, bare)]
    return _scalar(name, bare, options[0])


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _scalar(name: str, text: str, kind: type) -> Any:
    if kind is str:
        return text
    if kind is bool:
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ParameterError(f"{name} must be true or false, not {text!r}.")
    if LEADING_ZERO.match(text):
        sign = text[: text[0] in "+-"]
        bare = sign + re.sub("^0+(?=[0-9])", "", text[len(sign) :])
        raise ParameterError(
            f"{name} must be a number without a leading zero, not {text[:30]!r}; write {bare[:30]}."
        )
    if kind is int:
        if not WHOLE.fullmatch(text):
            raise ParameterError(f"{name} must be a whole number, as in 30, not {text!r}.")
        if len(text) > 20 or abs(int(text)) > MOST:
            raise ParameterError(f"{name} must be a whole number below 2^63, not {text[:40]}.")
        return int(text)
    if not NUMBER.fullmatch(text) or not re.search("[0-9]", text.lower().partition("e")[0]):
        raise ParameterError(f"{name} must be a number, as in 0.1 or 1e-4, not {text!r}.")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ParameterError(f"{name} must be a finite number, not {text[:40]}.")
    return number


def _items(name: str, text: str) -> list[str]:
    """Split a list into the texts of its items."""
    inner = text[1:-1] if len(text) > 1 and text[0] == "[" and text[-1] == "]" else text
    if not inner.strip():
        return []
    items, place = [], 0
    while place < len(inner) or inner[place - 1] == ",":
        found = ITEM.match(inner, place)
        if not found:
            raise ParameterError(
                f"{name} must be a list such as a,b or [a, b], not {text!r}; put an item that has "
                "a comma, a bracket or a quote into quotes."
            )
        quoted = found[1] if found[1] is not None else found[2]
        items.append(found[3].strip() if quoted is None else quoted)
        if quoted is None and not items[-1]:
            raise ParameterError(f"{name} has an empty item in {text!r}; leave it out.")
        place = found.end()
        if place == len(inner) and inner[place - 1] != ",":
            break
    return items
