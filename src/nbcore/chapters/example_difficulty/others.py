"""What others say of the same training images: the published C-scores, and people, reduced.

    table = others("people", "cifar10", 5_000)      # None where it is neither stored nor at hand

Both belong to data sets that no package ships. So what the page needs of them is computed once and
stored with the book: of each image a rank and whether it was chosen, or a count of people. Prose
and figures then say the same on every machine.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import xarray as xr

from nbcore import data as nbdata
from nbcore.data import sources
from nbcore.data.scores import PUBLISHED, load_labels, load_scores
from nbcore.errors import DataError
from nbcore.measures.selection import select
from nbcore.runs.config import Config, param
from nbcore.runs.manifests import Manifest, data_names
from nbcore.runs.plan import Plan
from nbcore.runs.run import Run, Tables
from nbcore.runs.store import find_run, run_or_load

#: the three people that labelled every image of CIFAR-10 once more, and their majority
PEOPLE, MAJORITY = ("random_label1", "random_label2", "random_label3"), "aggre_label"
#: the published scores are kept as their rank, in so many steps
LEVELS = 250


@dataclass(frozen=True)
class OtherScores(Config):
    """Who is asked, and how many images the published scores choose from either end."""

    slug: ClassVar[str] = "other-scores"

    what: str = param("people", "who is asked", choices=("people", "published"))
    dataset: str = param("cifar10", "data set, by name", in_address=False, is_path=True)
    subset: int = param(5_000, "hard and easy examples, class-balanced", low=2)

    def roles(self) -> dict[str, str]:
        """Map each role to its data set: the images, and what is said of them."""
        said = f"{self.dataset}-c-scores" if self.what == "published" else f"{self.dataset}n"
        return {"images": self.dataset, self.what: said}

    def known(self) -> bool:
        """Say whether anybody has been asked about these images."""
        if self.what == "published":
            return self.roles()["published"] in PUBLISHED.values()
        return self.dataset == "cifar10"


def others(what: str, dataset: str, subset: int) -> xr.Dataset | None:
    """Find or compute the table of `_published` or `_people`, by `what`.

    None for images that nobody was asked about, and where it is neither stored nor can be computed
    from data on this machine: nothing is fetched for it.
    """
    config = OtherScores(what=what, dataset=dataset, subset=subset)
    if not config.known():
        return None
    run = find_run(config.slug, config, config.roles(), "examples")
    if run is None and all(sources.find(name) for name in config.roles().values()):
        run = run_or_load(run_plan(config))
    return run.table("examples") if run else None


def checked(table: xr.Dataset, labels: np.ndarray) -> xr.Dataset:
    """Return a table of `others` if it is of the images with these labels; DataError if not."""
    if not np.array_equal(table["label"].values, labels):
        raise DataError(
            "What others say is stored for images with other labels than those of the C-scores; "
            "compute both on the same data set with fresh=true."
        )
    return table


def run_plan(config: OtherScores) -> Plan:
    """Plan the run: a single member, "all", which is the table."""
    return Plan(
        config.slug, config, config.roles(), ["all"], partial(_member, config), reduce=_reduce
    )


def _stored(manifest: Manifest) -> Plan:
    found = data_names(manifest)["images"]
    return run_plan(OtherScores.from_address(manifest["config"], dataset=found))


STORED = {OtherScores.slug: _stored}


def _member(config: OtherScores, name: str) -> xr.Dataset:
    labels = nbdata.train_test(config.dataset, None).train.labels
    make = _published if config.what == "published" else _people
    return make(config, labels).assign(label=("example", labels.astype(np.int16)))


def _reduce(run: Run) -> Tables:
    return {"examples": run.member("all")}


def _published(config: OtherScores, labels: np.ndarray) -> xr.Dataset:
    """Rank the published C-scores: `level` (example,), 0 the hardest to `LEVELS` - 1.

    Images with equal scores share the mean of their ranks. `hard`, `easy` (byte,): packed bits, the
    images that these scores choose with seed 0.
    """
    scores = load_scores(config.roles()["published"], labels)
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - count / 2)[place] / len(scores)
    found = {"level": ("example", np.minimum(middle * LEVELS, LEVELS - 1).astype(np.uint8))}
    for kind in ("hard", "easy"):
        bits = np.zeros(len(labels), bool)
        bits[select(kind, scores, labels, config.subset)] = True
        found[kind] = "byte", np.packbits(bits)
    return xr.Dataset(found)


def _people(config: OtherScores, labels: np.ndarray) -> xr.Dataset:
    """Count how many of three people disagree with the label: `disagree` (example,), 0 to 3.

    `majority` (example,): the class that most of them chose where it is not the label, else -1.
    """
    name = config.roles()["people"]
    answers = np.stack([load_labels(name, column, labels) for column in PEOPLE])
    most = load_labels(name, MAJORITY, labels)
    return xr.Dataset(
        {
            "disagree": ("example", (answers != labels).sum(0).astype(np.uint8)),
            "majority": ("example", np.where(most != labels, most, -1).astype(np.int8)),
        },
        attrs={"people": len(PEOPLE)},
    )
