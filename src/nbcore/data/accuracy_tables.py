"""Published tables of accuracies: what many models reach on ImageNet and on shifted test sets.

Each reader returns one row a model with `model`, the families (`source`, `kind` of training,
`pretraining`, `tuning`) and one column of fractions per test set (a key of the catalogue's
`images`; NaN where the model was not measured). attrs: checksum, source.
"""

import io
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pandas as pd

from nbcore.data.catalog import entry
from nbcore.data.fetch import obtain
from nbcore.data.sources import Found, checksum_of
from nbcore.data.testbeds import load_timm_results
from nbcore.errors import DataError

#: sha256 of the kinds of models as a table, `model,type` in the script's order
KINDS_SHA256 = "067499af190db697dc605b79a3dabed1d1b3717df3bf50c71f75d419945f7d47"
KINDS = {
    "STANDARD": "standard training",
    "MORE_DATA": "more data",
    "ROBUST_INTV": "robustness intervention",
    "LP_ADV": "adversarial training",
    "LOW_ACCURACY_CNN": "part of the training set",
    "RANDOM_FEATURES": "no deep network",
    "LINEAR_PIXELS": "no deep network",
    "RANDOM_FORESTS": "no deep network",
    "NEAREST_NEIGHBORS": "no deep network",
}
ONLY_1K, WEB_TEXT = "ImageNet-1k only", "web image-text"
#: what the testbed's models with more data had seen: family -> beginnings (or ends) of names
MORE_DATA = {
    WEB_TEXT: ("*_clip_zeroshot",),
    "web images, weak or no labels": (
        "FixResNeXt101_32x48d",
        "efficientnet-l2-noisystudent",
        "google_resnet101_jft",
        "instagram-",
        "*_ssl",
        "*_swsl",
    ),
    "ImageNet-21k": ("BiT-M-", "bninception-imagenet21k", "vit_"),
    "other": ("dpn", "resnet101-tencent", "resnet152-imagenet11k"),
}
#: beginning of a CLIP model's tag -> number of its pairs of image and text; of a pool that was
#: filtered before training (commonpool) the size of the pool
CLIP_PAIRS = {
    "cc12m": 12_000_000,
    "commonpool_s": 12_800_000,
    "yfcc15m": 15_000_000,
    "datacomp_m_": 14_000_000,
    "commonpool_m": 128_000_000,
    "datacomp_l_": 140_000_000,
    "openai": 400_000_000,
    "laion400m": 400_000_000,
    "metaclip_400m": 400_000_000,
    "laion_aesthetic": 900_000_000,
    "commonpool_l": 1_280_000_000,
    "datacomp1b": 1_400_000_000,
    "datacomp_xl": 1_400_000_000,
    "datacomp_s34b": 1_400_000_000,
    "dfn2b": 2_000_000_000,
    "merged2b": 2_000_000_000,
    "laion2b": 2_300_000_000,
    "metaclip_fullcc": 2_500_000_000,
    "laion5b": 5_000_000_000,
    "frozen_laion5b": 5_000_000_000,
    "dfn5b": 5_000_000_000,
    "webli": 10_000_000_000,
    "commonpool_xl": 12_800_000_000,
    "mscoco_finetuned_laion2b": 2_300_000_000,
}
FAMILIES = ["source", "kind", "pretraining", "tuning"]


def load_imagenet_testbed() -> pd.DataFrame:
    """Read the ImageNet testbed of Taori et al.: 335 of its 338 models, those with `val`.

    DataError: nothing there, other columns, another table than the known one.
    """
    found = obtain("imagenet-testbed")
    images = entry(found.name).images
    table = _read(found.files[0], ["model", *images])
    _known(found)
    kinds = table["model"].map(_kinds(found.files[0].parent)).map(KINDS).fillna("not classified")
    more = kinds == "more data"
    table = table.assign(
        source="imagenet-testbed",
        kind=kinds,
        pretraining=[
            _more_data(m) if yes else ONLY_1K if kind != "not classified" else "not stated"
            for m, yes, kind in zip(table["model"], more, kinds, strict=True)
        ],
    )
    bare = table["model"].str.contains("zeroshot|nonfinetuned")
    table["tuning"] = _tuning(table["pretraining"], bare)
    table[list(images)] /= 100
    return _finish(table.dropna(subset=["val"]), found, images)


def load_open_clip() -> pd.DataFrame:
    """Read the zero-shot accuracies of 115 CLIP models on the catalogue's test sets.

    Left out are duplicates and one model whose fine-tuning failed. Further columns: `data` (the
    beginning of the tag) and `pairs` (image-text pairs; NaN where the number is not known).
    """
    found = obtain("open-clip")
    images = entry(found.name).images
    table = _read(found.files[0], ["name", "pretrained", *images])
    _known(found)
    tags = table["pretrained"]
    start = {t: max((k for k in CLIP_PAIRS if t.startswith(k)), key=len, default="") for t in tags}
    table = table.assign(
        model=table["name"] + " " + tags,
        source="open-clip",
        kind="image and text (CLIP)",
        pretraining=WEB_TEXT,
        tuning="zero-shot",
        data=tags.map(start).replace("", "not stated"),
        pairs=tags.map(start).map(CLIP_PAIRS),
    )
    table = table[table["ImageNet 1k"] > 0.01].sort_values("name", key=_quick, kind="stable")
    # a network with the same accuracies on all sets is there twice: under a second name (the
    # plain one stays) or under two tags, of which nobody can say which is true (none stays)
    table = table.drop_duplicates([*images, "pretrained"]).drop_duplicates([*images], keep=False)
    return _finish(table.sort_index(), found, images, ["data", "pairs"])


def _quick(names: "pd.Series[str]") -> "pd.Series[bool]":
    return names.str.contains("quickgelu")


def load_timm_shifts() -> pd.DataFrame:
    """Read timm's results on four more sets, at the image size of `load_timm_results`."""
    base, found = load_timm_results(), obtain("timm-shifts")
    images = entry(found.name).images
    table = base[["model", "img_size", "pretraining", "imagenet"]]
    columns = ["imagenet_r", "imagenet_r_clean", "sketch", "imagenet_real"]
    for file, column in zip(found.files, columns, strict=True):
        more = _read(file, ["model", "img_size", "top1"]).rename(columns={"top1": column})
        more[column] /= 100
        more = more.drop_duplicates(["model", "img_size"])
        table = table.merge(more, "left", ["model", "img_size"])
    _known(found)
    return _finish(table.assign(**timm_families(table["pretraining"])), found, images)


def timm_families(pretraining: "pd.Series[str]") -> dict[str, "str | pd.Series[str]"]:
    """Derive the families of timm's models, all tuned to ImageNet-1k, from their pretraining."""
    alone = pretraining == ONLY_1K
    kind = alone.map({True: "timm, ImageNet-1k only", False: "timm, more data"})
    return {"source": "timm", "kind": kind, "tuning": _tuning(pretraining)}


def _tuning(pretraining: "pd.Series[str]", bare: Iterable[bool] | None = None) -> "pd.Series[str]":
    names = {ONLY_1K: "trained on ImageNet", "not stated": "not stated"}
    out = pretraining.map(names).fillna("fine-tuned to ImageNet")
    return out if bare is None else out.mask(pd.Series(bare, out.index), "zero-shot")


def _more_data(model: str) -> str:
    for family, names in MORE_DATA.items():
        for name in names:
            if model.endswith(name[1:]) if name[0] == "*" else model.startswith(name):
                return family
    return "other"


def _kinds(folder: Path) -> dict[str, str]:
    """Read {model: kind} from `model_types.csv`, or from the public home's script as text."""
    ready, script = folder / "model_types.csv", folder / "plotting/model_types.py"
    if ready.is_file():
        text = ready.read_text()
    elif script.is_file():
        rows = re.findall(r"^'([^']+)': ModelTypes\.([A-Z_]+)", script.read_text(), re.MULTILINE)
        text = "".join(f"{model},{kind}\n" for model, kind in [("model", "type"), *rows])
    else:
        raise DataError(
            f"The kinds of the testbed's models are missing: put plotting/model_types.py from "
            f"{entry('imagenet-testbed').home} into {folder}, or fetch imagenet-testbed again."
        )
    if (digest := sha256(text.encode()).hexdigest()) != KINDS_SHA256:
        raise DataError(
            f"The kinds of models in {folder} have the sha256 {digest}, expected is "
            f"{KINDS_SHA256}; fetch imagenet-testbed again."
        )
    return dict(pd.read_csv(io.StringIO(text)).itertuples(index=False, name=None))


def _read(file: Path, columns: list[str]) -> pd.DataFrame:
    """Read these columns of a CSV. DataError names the columns that it lacks."""
    try:
        table = pd.read_csv(file, thousands=",")
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read as CSV ({error}); fetch it again.") from error
    if missing := [c for c in columns if c not in table]:
        raise DataError(
            f"{file} has another set of columns: {', '.join(missing)} is missing of the "
            f"{len(columns)} that nbcore reads; fetch it again."
        )
    return table[columns]


def _known(found: Found) -> None:
    """Check a table against the catalogue's sha256. DataError, with both sums, if it differs."""
    e = entry(found.name)
    want = e.forms[0] if e.forms else e.get
    for file in found.files:
        digest = sha256(file.read_bytes()).hexdigest()
        if digest != want[file.name]:
            raise DataError(
                f"{file} has the sha256 {digest}, expected is {want[file.name]}: it moved on or "
                f"is damaged; take it from {e.home}."
            )


def _finish(
    table: pd.DataFrame, found: Found, images: Iterable[str], more: Iterable[str] = ()
) -> pd.DataFrame:
    table = table[["model", *FAMILIES, *more, *images]].reset_index(drop=True)
    table.attrs |= {"checksum": checksum_of(found), "source": f"{found.source}: {found.root}"}
    return table
