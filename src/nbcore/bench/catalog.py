"""Which benchmarks there are, by name."""

import gc
import importlib
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nbcore.bench.kept import Record, conditions
from nbcore.errors import ParameterError
from nbcore.runs.config import Config
from nbcore.runs.values import fields_of


class Benchmark(NamedTuple):
    """A benchmark: what it measures, in a few words; the module and class of its settings.

    minutes: about how long all of it takes on one idle core; alone: run only when it is named.
    """

    title: str
    module: str
    settings: str
    minutes: float
    alone: bool = False

    @property
    def config(self) -> type[Config]:
        """The class of its settings: `book` is the whole, `smoke` the quick form."""
        found: type[Config] = getattr(self._module(), self.settings)
        return found

    def _module(self) -> Any:
        return importlib.import_module(f"nbcore.bench.{self.module}")

    def measure(self, name: str, config: Config, quick: bool) -> Record:
        """Run it, and return what it found with the conditions it ran under."""
        before = conditions(getattr(config, "threads", getattr(config, "workers", 1)))
        gc.collect()  # memory is measured of the whole process
        start = time.perf_counter()
        found = self._module().run(config)
        seconds = round(time.perf_counter() - start, 1)
        return Record(name, self.title, quick, before, config.address(), seconds, found)


BENCHMARKS = {
    "knn": Benchmark(
        "exact nearest neighbours beside scikit-learn, faiss and torch, by dimension",
        "knn",
        "Knn",
        3,
    ),
    "ensembles": Benchmark(
        "members in processes of one thread beside the plain loop", "ensembles", "Ensembles", 4
    ),
    "dominance": Benchmark(
        "the dominance matrix beside the loop over pairs", "dominance", "Dominance", 1
    ),
    "difficulty": Benchmark(
        "judging labels beside cleanlab's own pipeline on the same features",
        "judging",
        "Judging",
        8,
    ),
    "features": Benchmark(
        "features of photographs, streamed, beside the bare forward pass",
        "streaming",
        "Features",
        3,
    ),
    "stores": Benchmark(
        "an ensemble's store, read and reduced in bounded memory", "stores", "Stores", 3
    ),
    "growth": Benchmark(
        "how cost grows in members, images, dimensions and models", "growth", "Growing", 3
    ),
    "allocation": Benchmark(
        "a step of training with and without memory that is kept", "allocation", "Allocation", 2
    ),
    "labels": Benchmark(
        "who finds wrong labels: all evidence, cleanlab, neighbours, loss",
        "labels",
        "Labels",
        200,
        alone=True,
    ),
}


def chosen(names: Sequence[str]) -> dict[str, Benchmark]:
    """Return the named benchmarks, or all that need not be named; ParameterError for another."""
    for name in names:
        if name not in BENCHMARKS:
            known = ", ".join(BENCHMARKS)
            raise ParameterError(f"There is no benchmark {name!r}; there are {known}.")
    if names:
        return {name: BENCHMARKS[name] for name in dict.fromkeys(names)}
    return {name: b for name, b in BENCHMARKS.items() if not b.alone}


def settings(known: Mapping[str, Benchmark]) -> dict[str, Any]:
    """Return the types of all settings that any of these has."""
    return {k: v for b in known.values() for k, v in fields_of(b.config).items()}


def resolve(benchmark: Benchmark, quick: bool, given: Mapping[str, Any]) -> Config:
    """Build the settings: of those given, the ones that this benchmark has."""
    own = {name: value for name, value in given.items() if name in fields_of(benchmark.config)}
    return benchmark.config.resolve("smoke" if quick else "book", **own)
