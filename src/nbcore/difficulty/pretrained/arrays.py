"""Judge labels from Python: arrays, a torch data set, one's own embeddings or probabilities.

from nbcore import difficulty
table = difficulty.judge(images, labels)                # uint8 (n, h, w, c), files or bytes
table = difficulty.judge(dataset)                       # of torch: (image, label) each
table = difficulty.judge(embeddings, labels)            # (n, d), or probe -> (n, d) by depth
table = difficulty.judge(None, labels, probabilities=p) # out-of-fold, (n, class)
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from nbcore.difficulty.pretrained import advice, checks, features, suspicion
from nbcore.difficulty.pretrained.duplicates import duplicates, unlike
from nbcore.difficulty.pretrained.measured import Bank, masks, measure
from nbcore.difficulty.pretrained.runs import PAIR, with_advice
from nbcore.difficulty.rows import rows_of
from nbcore.errors import ParameterError
from nbcore.measures.corners import corner_size
from nbcore.measures.relabelling import INSPECT, KEEP, RELABEL
from nbcore.models.pretrained import OFFLINE


def judge(
    images_or_embeddings: Any = None,
    labels: Any = None,
    *,
    probabilities: Any = None,
    classes: Sequence[str] | None = None,
    network: str = OFFLINE,
    side: int | None = None,
    members: int = 50,
    held_out: float = 0.2,
    k: int = 30,
    precision: float = 0.8,
    corner: int = 0,
    seed: int = 0,
    device: str = "auto",
) -> pd.DataFrame:
    """Judge labels: one row each, with what `nbcore difficulty` writes of an image.

    images_or_embeddings: images, uint8 (n, h, w, 1 or 3), paths or encoded bytes; or a torch data
    set of (image, label); or embeddings (n, d), one array or several by name, the first layer
    first. labels: numbers or names; classes: names by number. probabilities (n, class): held out,
    of a model of yours; alone, they give suggestions without depths and without an expected
    precision. The rest as the command's parameters.

    Returns the columns of `difficulty.rows.rows` and `runs.table_of`, classes by name; attrs:
    wrong_labels and expected_precision, an estimate with its interval. DataError and
    ParameterError say what is wrong with what was given.
    """
    given = images_or_embeddings
    if labels is None and given is not None and hasattr(given, "__getitem__"):
        given, labels = _unzipped(given)
    codes, names = checks.coded(labels, classes)
    p = (
        None
        if probabilities is None
        else checks.probabilities(probabilities, len(codes), len(names))
    )
    if given is None:
        if p is None:
            raise ParameterError("Give images, embeddings or probabilities to judge labels by.")
        return _named(_from_probabilities(codes, p), names)
    folds = round(1 / held_out) if 0 < held_out < 1 else 0
    held = masks(len(codes), members, held_out, seed)
    checks.enough_of_each(codes, names, folds)
    fewest = int((~held).sum(1).min())
    if k > fewest:
        raise ParameterError(
            f"k is {k}, but a head trains on {fewest} of {len(codes)} rows; give a smaller k."
        )
    source = _source(given, len(codes), network, side, device)
    bank = Bank.of(source, k)
    return _named(_judged(bank, source, codes, names, held, p, precision, corner, seed), names)


def _source(
    given: Any, n: int, network: str, side: int | None, device: str
) -> Mapping[str, np.ndarray] | features.Features:
    """Take embeddings as they are, and extract the features of images."""
    if isinstance(given, Mapping) or getattr(given, "ndim", 0) == 2:
        return checks.embeddings(given, n)
    raw = np.asarray(given) if hasattr(given, "ndim") else list(given)
    if isinstance(raw, np.ndarray) and (
        raw.ndim != 4 or raw.dtype != np.uint8 or raw.shape[3] not in (1, 3)
    ):
        raise ParameterError(
            "Images are uint8 (n, height, width, 1 or 3), paths or encoded bytes, and embeddings "
            f"(n, number); not {raw.dtype} {raw.shape}."
        )
    if len(raw) != n:
        raise ParameterError(f"There are {len(raw)} images for {n} labels; give one for each.")
    return features.extract(raw, network, side, device=device)


def _unzipped(dataset: Any) -> tuple[Any, list[Any]]:
    """Read a torch data set of (image, label): images as uint8 arrays of one size, and labels."""
    import torch

    images, labels = [], []
    for i in range(len(dataset)):
        image, label = dataset[i]
        if isinstance(image, torch.Tensor):
            scaled = image * 255 if image.is_floating_point() else image
            image = scaled.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
        images.append(np.atleast_3d(np.asarray(image)))
        labels.append(label)
    if len({x.shape for x in images}) > 1:
        raise ParameterError(
            "The images of a torch data set must have one size; resize them in its transform."
        )
    return np.stack(images), labels


def _judged(
    bank: Bank,
    source: Mapping[str, np.ndarray] | features.Features,
    codes: np.ndarray,
    names: tuple[str, ...],
    held: np.ndarray,
    probabilities: np.ndarray | None,
    precision: float,
    corner: int,
    seed: int,
) -> pd.DataFrame:
    m = measure(bank, codes, names, held)
    pair = advice.confused(list(bank.found.values())[-1], codes, len(names))
    copies = {}
    for how in (advice.ALIKE, advice.PAIRS):
        used, changed = advice.changed_labels(
            codes, how, pair, advice.share_to_change(len(codes)), seed
        )
        copies[how] = measure(bank, used, names, held), changed
    found = advice.advise(m, copies, pair, precision, seed=seed)
    ends = [list(bank.found)[0], list(bank.found)[-1]]
    at = [source.at(p) if isinstance(source, features.Features) else source[p] for p in ends]
    pairs = duplicates(at[0], at[1], bank.found, codes)
    out = rows_of(m.view, min(corner or corner_size(len(codes)), len(codes)))
    out = with_advice(
        out,
        m,
        found,
        xr.Dataset({c: ("pair", pairs[c].to_numpy(kind)) for c, kind in PAIR.items()}),
        xr.Dataset({"unlike": ("example", unlike(at[1], bank.found[ends[1]]))}),
    )
    if probabilities is not None:
        out["your_probability"] = probabilities[np.arange(len(codes)), codes]
    out.attrs |= {
        "wrong_labels": found.share._asdict(),
        "expected_precision": {a: e._asdict() for a, e in found.expected.items()},
    }
    return out


def _from_probabilities(codes: np.ndarray, p: np.ndarray) -> pd.DataFrame:
    """Make rows from probabilities alone: no depth, no neighbours, no expected precision.

    relabel: another class has two thirds or more; inspect: another class has most, or none has two
    thirds.
    """
    rows, best = np.arange(len(codes)), p.argmax(1)
    own, top = p[rows, codes], p.max(1)
    action = np.where(top >= 2 / 3, np.where(best != codes, RELABEL, KEEP), INSPECT)
    others = p.copy()
    others[rows, codes] = 0.0
    out = pd.DataFrame(
        {
            "index": rows,
            "label": codes,
            "consensus": best,
            "action": action,
            "suggested": np.where(action == RELABEL, best, -1),
            "doubt": 2 * (others.max(1) - own),
            "probability": own,
        }
    )
    share, _ = suspicion.noise_share(codes, np.log(np.clip(p, 1e-6, None)))
    out.attrs = {"wrong_labels": {"value": share}}
    return out


def _named(table: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Put names in the place of numbers of classes; -1 becomes None."""
    attrs, known = table.attrs, np.array([*names, None], dtype=object)
    for column in ("label", "consensus", "suggested", "original"):
        if column in table:
            table[column] = known[table[column].to_numpy()]
    table.attrs = attrs
    return table.drop(columns="original", errors="ignore")
