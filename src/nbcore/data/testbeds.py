"""Public predictions and accuracies of many models under a shift: the line's testbeds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nbcore.data.catalog import CATALOG, entry
from nbcore.data.images import BROKEN
from nbcore.data.sources import obtain
from nbcore.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# The arrays of the .npz: ID predictions, OOD predictions; each has its `_labels`.
_ARRAYS = {
    "testbed-cifar10.1": ("cifar10", "cifar10_1_v6"),
    "testbed-imagenetv2": ("imagenet", "imagenet_v2"),
}


@dataclass(frozen=True)
class Testbed:
    """What m public models predict on two test sets that differ by one shift.

    models: m names.  id_predictions: int64 (m, n_id), class indices; id_labels: int64 (n_id,);
    ood_* likewise.  synset: WordNet id of each class, or None.
    """

    __test__ = False  # not a test class, whatever its name makes pytest think

    name: str
    models: tuple[str, ...]
    id_predictions: np.ndarray
    id_labels: np.ndarray
    ood_predictions: np.ndarray
    ood_labels: np.ndarray
    synset: tuple[str, ...] | None
    checksum: str
    source: str

    @property
    def id_correct(self) -> np.ndarray:
        """bool (m, n_id): which model is right on which example."""
        return self.id_predictions == self.id_labels

    @property
    def ood_correct(self) -> np.ndarray:
        """bool (m, n_ood): which model is right on which example."""
        return self.ood_predictions == self.ood_labels


def load_testbed(name: str) -> Testbed:
    """A testbed of public predictions: "testbed-cifar10.1" or "testbed-imagenetv2".

    DataError: unknown name, nothing there, or a file that is damaged or of another form.
    """
    if entry(name).kind != "predictions":
        known = ", ".join(n for n, e in CATALOG.items() if e.kind == "predictions")
        raise DataError(f"{name} is no testbed of predictions; known: {known}.")
    found = obtain(name)
    inside, outside = _ARRAYS[name]
    try:
        with np.load(found.files[0], allow_pickle=False) as z:
            names = (inside, f"{inside}_labels", outside, f"{outside}_labels")
            arrays = [z[key].astype(np.int64) for key in names]
            models = tuple(str(m) for m in z["model"])
            synset = tuple(str(s) for s in z["synset"]) if "synset" in z.files else None
    except Exception as error:  # a damaged archive raises many kinds
        raise DataError(
            f"{found.files[0]} is no whole testbed ({error}); fetch it again."
        ) from error
    n_classes = len(synset) if synset else 10
    for predictions, labels in (arrays[:2], arrays[2:]):
        if predictions.shape != (len(models), len(labels)):
            raise DataError(
                f"{found.files[0]}: expected predictions (models, examples) = "
                f"{(len(models), len(labels))}, found {predictions.shape}; fetch it again."
            )
        if (
            min(predictions.min(), labels.min()) < 0
            or max(predictions.max(), labels.max()) >= n_classes
        ):
            raise DataError(
                f"{found.files[0]} has classes outside 0..{n_classes - 1}; fetch it again."
            )
    place = f"{found.source}: {found.root}"
    return Testbed(name, models, *arrays, synset, found.checksum, place)


FAMILIES = {
    "web image-text": ("laion", "openai", "clip", "webli"),
    "web images, weak or no labels": ("ig1b", "swag", "seer", "yfcc100m", "jft"),
    "other": ("m30m", "m38m", "6m"),
    "ImageNet-21k": ("in21k", "in22k", "stage2"),
    "ImageNet-12k": ("in12k",),
}


def pretraining_family(model: str) -> str:
    """What a timm model saw before ImageNet-1k, by the words of its tag (after the dot)."""
    words = model.partition(".")[2].split("_")
    for family, marks in FAMILIES.items():
        if any(word.startswith(mark) for word in words for mark in marks):
            return family
    return "ImageNet-1k only"


def load_timm_results() -> "pd.DataFrame":
    """One row per timm model: model, pretraining, params_m (millions), img_size (pixels) and top-1
    as fractions: imagenet, imagenetv2, imagenet_a, imagenet_a_clean; attrs["checksum"], ["source"].
    """
    import pandas as pd

    found = obtain("timm-results")
    columns = ("imagenet", "imagenetv2", "imagenet_a", "imagenet_a_clean")
    tables = []
    for file, column in zip(found.files, columns, strict=True):
        try:
            table = pd.read_csv(file, thousands=",")
            table = table[["model", "img_size", "top1", "param_count"]]
        except (*BROKEN, pd.errors.ParserError) as error:
            raise DataError(
                f"{file} is no table of timm results ({error}); fetch it again."
            ) from error
        tables.append(table.rename(columns={"top1": column, "param_count": "params_m"}))
    merged = tables[0]
    for table in tables[1:]:
        how = "inner" if "imagenetv2" in table else "left"
        merged = merged.merge(table.drop(columns="params_m"), how, on=["model", "img_size"])
    merged = merged.sort_values("imagenet", ascending=False, kind="stable")
    merged = merged.drop_duplicates("model").reset_index(drop=True)
    merged[list(columns)] /= 100
    merged.insert(1, "pretraining", merged["model"].map(pretraining_family))
    merged = merged[["model", "pretraining", "params_m", "img_size", *columns]]
    merged.attrs |= {"checksum": found.checksum, "source": f"{found.source}: {found.root}"}
    return merged
