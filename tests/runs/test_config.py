from dataclasses import dataclass
from typing import ClassVar

import pytest

from nbcore.errors import ParameterError
from nbcore.runs import config as presets


@dataclass(frozen=True)
class Example(presets.Config):
    slug: ClassVar[str] = "example"
    rate: float = presets.param(0.1, "step size", low=0.0, high=1.0)
    steps: int = presets.param(10, "steps", low=1)
    names: tuple[str, ...] = presets.param(("a",), "names")
    path: str | None = presets.param(None, "a file")
    kind: str = presets.param("x", "kind", choices=("x", "y"))
    flag: bool = presets.param(False, "switch")
    members: int = presets.param(3, "how many", in_address=False)

    @classmethod
    def smoke(cls):
        """One step."""
        return cls(steps=1)


def test_overrides_replace_single_fields_and_none_keeps_the_preset():
    config = Example.resolve("smoke", rate=1, names=["b", "c"], steps=None)
    assert (config.steps, config.rate, config.names) == (1, 1.0, ("b", "c"))
    assert isinstance(config.rate, float)
    assert Example.resolve("book", names="b").names == ("b",)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"stps": 1}, "did you mean 'steps'"),
        ({"steps": "many"}, "steps must be a whole number"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"steps": 0}, "at least 1"),
        ({"rate": 2}, "at most 1"),
        ({"kind": "z"}, "one of x, y"),
        ({"flag": 1}, "true or false"),
        ({"names": [1]}, "a list of text"),
        ({"path": 3}, "path must be text"),
    ],
)
def test_a_wrong_parameter_is_one_sentence(given, words):
    with pytest.raises(ParameterError, match=words):
        Example.resolve("book", **given)


def test_unknown_presets_and_experiments_name_the_known_ones():
    with pytest.raises(ParameterError, match="did you mean 'smoke'"):
        Example.resolve("smok")
    with pytest.raises(ParameterError, match="did you mean 'line'"):
        presets.resolve("lines")


def test_the_address_leaves_out_the_number_of_members():
    assert Example(members=3).address() == Example(members=9).address()
    assert Example(steps=3).address() != Example(steps=9).address()


@pytest.mark.parametrize("slug", presets.slugs())
def test_every_preset_of_every_chapter_states_its_cost(slug):
    cls = presets.config_class(slug)
    for name in presets.PRESETS:
        classes = [c for c in cls.__mro__ if name in c.__dict__ and c is not presets.Config]
        own = classes[0].__dict__[name] if classes else None
        assert own is not None and own.__func__.__doc__, f"{slug}.{name} has no docstring"
        assert isinstance(presets.resolve(slug, name), cls)
