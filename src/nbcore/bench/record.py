"""What a benchmark found, as plain values: comparisons with a peer, single quantities, growth."""

import dataclasses
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """A value with the ends of its range or interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Ours and a peer on the same work, round by round.

    what: the work; ours, peer: who did it. seconds, peer_seconds: wall seconds, one a round; a peer
    that did a part of the work only has its seconds multiplied, which `note` says. memory,
    peer_memory: megabytes by which the process grew at most, None where others did the work. same:
    what of the results was compared, difference: how far they lie apart, within: how far they may;
    None where the two do not compute the same.
    """

    what: str
    ours: str
    peer: str
    seconds: tuple[float, ...]
    peer_seconds: tuple[float, ...]
    memory: float | None = None
    peer_memory: float | None = None
    same: str = ""
    difference: float | None = None
    within: float | None = None
    note: str = ""

    @property
    def ratio(self) -> Spread:
        """The peer's seconds over ours: the median of the rounds, and their range."""
        each = [p / s for s, p in zip(self.seconds, self.peer_seconds, strict=True)]
        return Spread(statistics.median(each), min(each), max(each))

    @property
    def agree(self) -> bool | None:
        """Whether the results are the same, as far as they have to be; None: they need not be."""
        if self.difference is None or self.within is None:
            return None
        return self.difference <= self.within


@dataclass(frozen=True)
class Quantity:
    """A number of its own, such as images a second or the most memory that was used.

    limit: what it has to stay below. better: "less" or "more" for one that can get worse, "" for
    one that describes the work. projected: computed from a part, not measured.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    better: str = ""
    projected: bool = False


@dataclass(frozen=True)
class Growth:
    """How cost grows: seconds of the processor = a · size^exponent.

    what: the work, along: what grows; sizes (size,), seconds (round, size). exponent: with its 95 %
    interval; expected: what the algorithm's count of operations says.
    """

    what: str
    along: str
    sizes: tuple[int, ...]
    seconds: tuple[tuple[float, ...], ...]
    exponent: Spread
    expected: float


@dataclass(frozen=True)
class Found:
    """All that a benchmark found."""

    comparisons: tuple[Comparison, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    growths: tuple[Growth, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; each comparison also with its ratio and whether results agree."""
        out = dataclasses.asdict(self)
        for entry, comparison in zip(out["comparisons"], self.comparisons, strict=True):
            entry |= {"ratio": comparison.ratio._asdict(), "agree": comparison.agree}
        for entry, growth in zip(out["growths"], self.growths, strict=True):
            entry["exponent"] = growth.exponent._asdict()
        return out

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Found":
        """Read what `as_dict` wrote."""
        comparisons = [
            Comparison(**{k: _frozen(v) for k, v in c.items() if k not in ("ratio", "agree")})
            for c in content["comparisons"]
        ]
        growths = [
            Growth(**{k: _frozen(v) for k, v in g.items()} | {"exponent": Spread(**g["exponent"])})
            for g in content["growths"]
        ]
        quantities = [Quantity(**q) for q in content["quantities"]]
        return cls(tuple(comparisons), tuple(quantities), tuple(growths))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
