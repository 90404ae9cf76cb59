"""Public predictions and accuracies of many models under a shift, to which the line is fitted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nbcore.data.catalog import CATALOG, entry
from nbcore.data.fetch import obtain
from nbcore.data.sources import checksum_of
from nbcore.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Testbed:
    """What m public models predict on two test sets that differ by one shift.

    models: m names.  id_predictions: int64 (m, n_id), class indices; id_labels: int64 (n_id,);
    ood_*: likewise.  synset: WordNet id of each class, or None.
    """

    __test__ = False  # its name looks like a test class to pytest

    name: str
    models: tuple[str, ...]
    id_predictions: np.ndarray
    id_labels: np.ndarray
    ood_predictions: np.ndarray
    ood_labels: np.ndarray
    synset: tuple[str, ...] | None
    checksum: str
    source: str


def load_testbed(name: str) -> Testbed:
    """Load a testbed of public predictions: "testbed-cifar10.1" or "testbed-imagenetv2".

    DataError: unknown name, nothing there, or a file that is damaged or of another form.
    """
    if not (keys := entry(name).arrays):
        known = ", ".join(e.name for e in CATALOG.values() if e.arrays)
        raise DataError(f"{name} is no testbed; known: {known}.")
    found = obtain(name)
    file = found.files[0]
    try:
        with np.load(file, allow_pickle=False) as z:
            sets = [(z[k].astype(np.int64), z[f"{k}_labels"].astype(np.int64)) for k in keys]
            models = tuple(z["model"].tolist())
            synset = tuple(z["synset"].tolist()) if "synset" in z.files else None
    except Exception as error:  # a damaged archive raises many kinds
        raise DataError(f"{file} is no whole testbed ({error}); fetch it again.") from error
    top = len(synset) if synset else 10
    for predictions, labels in sets:
        want, classes = (len(models), len(labels)), np.append(predictions, labels)
        if predictions.shape != want or classes.min() < 0 or classes.max() >= top:
            raise DataError(
                f"{file} needs predictions {want} of classes 0 to {top - 1}, but has "
                f"{predictions.shape} of {classes.min()} to {classes.max()}; fetch it again."
            )
    place = f"{found.source}: {found.root}"
    return Testbed(name, models, *sets[0], *sets[1], synset, checksum_of(found), place)


# What a timm model had seen before ImageNet-1k, and the beginnings of the words in its tag that say
# so.  The first that fits counts: CLIP weights tuned on ImageNet-12k first are web image-text.
FAMILIES = {
    "web image-text": ("laion", "openai", "clip", "webli"),
    "web images, weak or no labels": ("ig1b", "swag", "seer", "yfcc100m", "jft"),
    "other": ("m30m", "m38m", "6m"),  # merged or mined sets of 30, 38 and 6 million images
    "ImageNet-21k": ("in21k", "in22k", "stage2"),  # SSLD's second stage starts from its first
    "ImageNet-12k": ("in12k",),
}


def pretraining_family(model: str) -> str:
    """Return the family of a timm model, read from the words of its tag (after the dot).

    A teacher's data do not count, neither for distillation nor for masked CLIP features.
    """
    words = model.partition(".")[2].split("_")
    for family, starts in FAMILIES.items():
        if any(word.startswith(starts) for word in words):
            return family
    return "ImageNet-1k only"


def load_timm_results() -> "pd.DataFrame":
    """Join timm's result tables: one row per model that has both ImageNet and ImageNetV2.

    Columns: model, pretraining (`pretraining_family`), params_m (millions), img_size (pixels), and
    top-1 as fractions: imagenet, imagenetv2, imagenet_a, imagenet_a_clean (NaN where it was not
    run).  The tables list some models at several image sizes: the size with the best ImageNet
    accuracy is kept.  attrs: checksum, source.  DataError: nothing there, or a damaged table.
    """
    import pandas as pd

    found = obtain("timm-results")
    columns = ["imagenet", "imagenetv2", "imagenet_a", "imagenet_a_clean"]
    tables = []
    for file, column in zip(found.files, columns, strict=True):
        keys = ["model", "img_size"] + ["param_count"] * (column == "imagenet")
        try:
            table = pd.read_csv(file, thousands=",", usecols=[*keys, "top1"])
        except (OSError, ValueError) as error:
            raise DataError(f"{file} is no table of timm's ({error}); fetch it again.") from error
        tables.append(table.rename(columns={"top1": column, "param_count": "params_m"}))
    joined = tables[0].merge(tables[1], "inner", ["model", "img_size"])
    for table in tables[2:]:
        joined = joined.merge(table, "left", ["model", "img_size"])
    best = joined.sort_values("imagenet", ascending=False, kind="stable").drop_duplicates("model")
    best = best.assign(pretraining=best["model"].map(pretraining_family))
    best[columns] /= 100
    best = best[["model", "pretraining", "params_m", "img_size", *columns]].reset_index(drop=True)
    best.attrs |= {"checksum": checksum_of(found), "source": f"{found.source}: {found.root}"}
    return best
