"""Wrong labels: all evidence, its parts, cleanlab, neighbours and the training loss side by side.

A condition is a stored run (`difficulty.pretrained.against`), a member of it one seed, so that what
was stopped goes on; features are extracted once. It says who finds more, not who is faster.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from nbcore.bench.record import Found, Quantity
from nbcore.difficulty.pretrained import against
from nbcore.errors import ParameterError
from nbcore.runs.config import Config, param
from nbcore.terminal import say


@dataclass(frozen=True)
class Labels(Config):
    """Images and seeds of every condition. Ten conditions: hours; stopped and resumed at will."""

    slug: ClassVar[str] = "labels"

    images: int = param(10_000, "images a condition", low=100)
    seeds: int = param(5, "seeds a condition", low=1)
    only: str = param("", "conditions whose name contains this; all of them by default")
    dataset: str = param("", "one condition on this set instead, such as digits")

    @classmethod
    def smoke(cls) -> "Labels":
        """One condition on digits."""
        return cls(images=300, seeds=1, dataset="digits")


def run(config: Labels) -> Found:
    """Run the conditions, print a table of each, and return average precisions and seconds."""
    known = {_name(each): each for each in _conditions(config)}
    chosen = {name: each for name, each in known.items() if config.only in name}
    if not chosen:
        raise ParameterError(
            f"No condition's name contains {config.only!r}; there are {'; '.join(known)}."
        )
    quantities = []
    for name, each in chosen.items():
        done = against.run_against(each)
        methods = against.methods_table(done)
        say(
            f"\n{name}: {done.path.name}, {done.summary()['seconds']} s on {each.device}",
            error=True,
        )
        say(methods.round(3).to_string(index=False), error=True)
        say(against.calibration(done).round(3).to_string(index=False), error=True)
        shown = methods[methods["method"].isin([against.OURS, against.CLEANLAB])]
        for method, value in zip(shown["method"], shown["value"], strict=True):
            quantities.append(
                Quantity(f"average precision, {name}, {method}", round(float(value), 4), "")
            )
        seconds = float(done.summary()["seconds"])
        quantities.append(Quantity(f"time, {name}", seconds, "s"))
    return Found(quantities=tuple(quantities))


def _conditions(config: Labels) -> list[against.Against]:
    if config.dataset:
        one = against.Against.resolve(
            dataset=config.dataset, images=config.images, seeds=config.seeds
        )
        return [replace(one, side=32) if config.dataset == "digits" else one]
    return against.conditions(against.Against.resolve(images=config.images, seeds=config.seeds))


def _name(config: against.Against) -> str:
    return f"{config.dataset}, {config.labels or f'{config.share:g} {config.kind}'}"
