"""Class maps: which classes of a pretrained network stand for which class of another data set.

A map is data. `cifar10` (ImageNet-1k to CIFAR-10, from the synset lists with which CINIC-10 was
made, Darlow et al. 2018) and `digits` (for the smoke preset) come with the project; your own is a
YAML file of `target: [source, ...]`, each source a WordNet synset or a class index:

    bird: [n01514668, n01514859, 9]
    boat: [n02951358]
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from nbcore.data.tables import read_text
from nbcore.errors import DataError, did_you_mean

#: the maps that come with the project
BUILT_IN = {"cifar10": "cifar10.csv", "digits": "digits.yaml"}
#: what is neither a class index nor a synset: 010, 1.5, true, nothing
NO_SOURCE = re.compile(r"-?0\d+|[+-]?\d*[.e]\d+|\d{10,}|true|false|null|~|", re.I)
Sources = dict[str, list[str | int]]


@dataclass(frozen=True)
class ClassMap:
    """A checked map: `targets` in the order of the data set's classes, each with its sources.

    targets: {target: source indices}, as `measures.zeroshot` takes it; names: what the sources are
    called, by index.
    """

    name: str
    targets: dict[str, tuple[int, ...]]
    names: dict[int, str]

    @property
    def sizes(self) -> dict[str, int]:
        """How many source classes feed each target."""
        return {target: len(sources) for target, sources in self.targets.items()}

    @property
    def columns(self) -> list[int]:
        """Every mapped source, target by target."""
        return [i for sources in self.targets.values() for i in sources]


def read_map(name: str | Path) -> Sources:
    """Read a map as it is written: {target: [synset or index, ...]}. DataError for other forms."""
    if str(name) in BUILT_IN:
        text = (files(__package__) / "maps" / BUILT_IN[str(name)]).read_text("utf-8")
        return _from_csv(text) if BUILT_IN[str(name)].endswith(".csv") else _from_yaml(text, name)
    try:
        text = read_text(name, "lines of `target: [synset or index, ...]`")
    except DataError as error:
        raise DataError(
            f"There is no class map {str(name)!r}, and as a file: {error} Or name one of "
            f"{', '.join(BUILT_IN)}."
        ) from None
    return _from_yaml(text, name)


def _from_csv(text: str) -> Sources:
    out: Sources = {}
    for row in csv.DictReader(text.splitlines()):
        out.setdefault(row["target"], []).append(row["synset"])
    return out


class _Loader(yaml.BaseLoader):
    """A YAML loader that reads every word as text: a class may be called no, 010 or 2024-02-30.

    A target written twice is an error: YAML would silently drop the first.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        found = super().construct_mapping(node, deep=True)
        if len(found) < len(node.value):
            keys = Counter(str(self.construct_object(key)) for key, _ in node.value)
            raise yaml.YAMLError(f"the target {keys.most_common(1)[0][0]} stands there twice")
        return found


def _from_yaml(text: str, name: str | Path) -> Sources:
    try:
        raw: Any = yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError) as error:
        line = " ".join(str(error).split())
        raise DataError(f"The class map {name} cannot be read as YAML ({line}).") from None
    if not isinstance(raw, dict) or not raw:
        raise DataError(
            f"The class map {name} must be lines of `target: [synset or index, ...]`, not "
            f"{'a list' if isinstance(raw, list) else repr(raw)[:60]}."
        )
    return {str(target): _sources(target, written, name) for target, written in raw.items()}


def _sources(target: Any, written: Any, name: str | Path) -> list[str | int]:
    """Read a target's sources: digits are a class index, anything else is a synset."""
    items = written if isinstance(written, list) else [written] if written != "" else []
    for item in items:
        if not isinstance(item, str) or NO_SOURCE.fullmatch(item):
            raise DataError(
                f"The class map {name} gives {target} the source {item!r}; a source is a synset "
                "such as n02691156 or a class index."
            )
    return [int(item) if re.fullmatch(r"-?[0-9]{1,9}", item) else item for item in items]


def load_map(
    name: str | Path, classes: Sequence[str], labels: Sequence[str], model: str = "the model"
) -> ClassMap:
    """Read a map and check it against the data set's classes and the model's.

    classes: of the data set, in the order of its labels; labels: of the model, by index (synsets,
    or any names). DataError, by name: a target that is no class, a class without a target or with
    no source, a source that the model lacks, and a source that feeds two targets.
    """
    written = read_map(name)
    unknown = [t for t in written if t not in classes]
    missing = [c for c in classes if c not in written]
    if unknown or missing:
        raise DataError(
            f"The class map {name} "
            + " and ".join(
                filter(
                    None,
                    (
                        unknown and f"names {_some(unknown)}, no class of the data set",  # type: ignore[arg-type]
                        missing and f"lacks {_some(missing)}",
                    ),
                )
            )
            + f"; its targets must be the classes {_some(classes, 12)}."
        )
    empty = [t for t, sources in written.items() if not sources]
    if empty:
        raise DataError(
            f"The class map {name} gives {_some(empty)} no source class, so that it could never be "
            "predicted; name at least one synset or index."
        )
    index = {label: i for i, label in enumerate(labels)}
    targets = {
        c: tuple(_resolve(s, index, labels, name, c, model) for s in written[c]) for c in classes
    }
    _no_overlap(targets, labels, name)
    return ClassMap(str(name), targets, {i: labels[i] for t in targets.values() for i in t})


def _resolve(source, index: Mapping[str, int], labels, name, target: str, model: str) -> int:
    if isinstance(source, str) and source in index:
        return index[source]
    if isinstance(source, int) and 0 <= source < len(labels):
        return source
    known = list(labels) if isinstance(source, str) else [f"0 to {len(labels) - 1}"]
    raise DataError(
        f"The class map {name} feeds {target} from {source!r}, which is no class of {model} with "
        f"its {len(labels)} classes; {did_you_mean(str(source), known)}"
    )


def _no_overlap(targets: Mapping[str, tuple[int, ...]], labels, name) -> None:
    fed: dict[int, list[str]] = {}
    for target, sources in targets.items():
        for i in sources:
            fed.setdefault(i, []).append(target)
    if twice := {i: t for i, t in fed.items() if len(t) > 1}:
        i, into = next(iter(twice.items()))
        rest = f" and {len(twice) - 1} more like it" if len(twice) > 1 else ""
        raise DataError(
            f"The class map {name} uses {labels[i]} twice, for {' and '.join(into)}{rest}; a "
            "source class can feed one target only once."
        )


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
