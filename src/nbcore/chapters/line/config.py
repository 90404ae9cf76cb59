"""Chapter 1: its parameters."""

from dataclasses import dataclass
from typing import ClassVar

from nbcore.lines.shifts import WITH_LINE
from nbcore.runs.config import FREE, Config, param


@dataclass(frozen=True)
class Line(Config):
    """Chapter 1. Every preset reads the stored counts; smoke does so even when asked for fresh."""

    slug: ClassVar[str] = "line"

    level: float = param(0.95, "level of every interval", low=0.5, high=0.999)
    bins: int = param(100, "bins of the ER curve's average (A39)", low=2, high=1000)
    resamples: int = param(
        2000, "bootstrap resamples over models", low=20, high=100_000, paper=FREE
    )
    seed: int = param(0, "seed of the bootstrap", low=0, paper=FREE)
    testbed: str = param(
        "imagenetv2", "testbed that your own models are drawn on", choices=WITH_LINE, paper=FREE
    )
    recount: bool = param(
        True, "whether fresh=true counts the public predictions again", paper=FREE
    )
    models: str | None = param(
        None, "CSV of your own models: columns model, id, ood", is_path=True, paper=FREE
    )

    def check(self) -> None:
        """Read the models' file first, so that a mistake in it shows before long work starts."""
        if self.models is not None:
            from nbcore.lines.own_models import read_models  # pandas, and only for models of yours

            read_models(self.models)

    @classmethod
    def smoke(cls) -> "Line":
        """Stored counts, 100 bootstrap resamples: under a minute, 1 GB, no data needed."""
        return cls(resamples=100, recount=False)

    @classmethod
    def book(cls) -> "Line":
        """2,000 bootstrap resamples: about a minute on 2 cores, under 1 GB."""
        return cls()

    @classmethod
    def paper(cls) -> "Line":
        """The same as book: the paper fits the same lines to its testbeds."""
        return cls()
