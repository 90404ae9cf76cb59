"""How difficult is each image of a set, and whose label is to be doubted?

    nbcore difficulty ./my-images
    nbcore difficulty digits -p noise=0.1 -p members=20

Photographs are judged by heads on the features of a pretrained network (`pretrained`), where the
advice has a probability (`pretrained.advice`). Small grey images, or a network named to be trained,
get an ensemble trained on random splits, or one that is stored; more members extend it, and the
rule for the suggestions is `measures.relabelling.suggest`. What is said of each image: see `rows`.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nbcore import data as nbdata
from nbcore import files
from nbcore.depths import ensembles
from nbcore.depths.ensembles import Ensemble
from nbcore.depths.view import ROLES, EnsembleView
from nbcore.difficulty.planning import Difficulty, plan
from nbcore.difficulty.pretrained import runs
from nbcore.difficulty.pretrained.advice import Advice
from nbcore.difficulty.pretrained.runs import OnFeatures
from nbcore.difficulty.review.identity import image_ids
from nbcore.difficulty.rows import rows
from nbcore.difficulty.sample import Sample, enough, look
from nbcore.errors import ParameterError
from nbcore.measures.corners import corner_size
from nbcore.runs.store import Run
from nbcore.training.ensemble import held_out_mask


class Judged(NamedTuple):
    """What came out: the images, where each row's image is among them, the run, the table.

    table: as `difficulty.rows.rows`, and with a pretrained network `runs.table_of`; `named`
    makes of it what people read. ensemble: what was planned; advice: with a pretrained network.
    """

    config: Difficulty
    sample: Sample
    positions: np.ndarray
    ensemble: Ensemble | OnFeatures
    run: Run
    table: pd.DataFrame
    advice: Advice | None = None


def judge(config: Difficulty) -> Judged:
    """Train or find the ensemble, and measure every image.

    DataError: no such images, one class only, too few of a class, an unreadable image.
    ParameterError: fewer images than a corner holds or than neighbours are looked for, a share to
    hold out that is not one over a whole number.
    """
    nbdata.tell(config.dataset)
    sample = look(config.dataset)
    ensemble = plan(config, sample)
    positions = sample.some(ensemble.examples, ensemble.seed)
    n, corner = len(positions), config.corner or corner_size(len(positions))
    if n < corner:
        raise ParameterError(
            f"A corner is to hold {corner} images, but {config.dataset} has only {n}; ask for "
            "fewer, as in corner=5, or give more images."
        )
    splits = ensemble.splits if isinstance(ensemble, Ensemble) else "folds"
    held_out_mask(n, 0, ensemble.held_out, splits)  # refuses a share without folds
    enough(sample, positions, round(1 / ensemble.held_out), config.dataset)
    if isinstance(ensemble, OnFeatures):
        if ensemble.k > (bank := n - -(-n // round(1 / ensemble.held_out))):
            raise ParameterError(
                f"k is {ensemble.k}, but a head trains on about {bank} images; give a smaller k."
            )
        run = runs.run_on_features(ensemble, config.fresh)
        advice = runs.advice_of(run, config.precision, config.seed)
        table = runs.table_of(run, corner, advice)
        return Judged(config, sample, positions, ensemble, run, table, advice)
    ensembles.load_pool(ensemble)  # an image that cannot be read is found before the training
    run = ensembles.run_ensemble(ensemble, config.fresh)
    table = rows(run, corner, config.agreement, config.gap)
    return Judged(config, sample, positions, ensemble, run, table)


def named(judged: Judged) -> pd.DataFrame:
    """Make one row per image as it is written to files: file and id first, classes by name.

    The rest is as in `difficulty.rows.rows`. `position` counts the images of the split; a class
    that is not known (never held out), no suggestion and no corner are empty.
    """
    table, classes = judged.table, np.array([*judged.sample.classes, None], dtype=object)
    files = judged.sample.files[judged.positions]
    out = pd.DataFrame({"file": files, "position": judged.positions, "action": table["action"]})
    out.insert(1, "id", image_ids(judged.sample.raw, judged.positions))
    for column in ("label", "suggested", "consensus", "original"):
        out[column] = classes[table[column].to_numpy()]  # -1 is the None at the end
    rest = [c for c in table if c not in out and c not in ("index", "corner")]
    out = out.join(table[["corner", *rest]])
    if "duplicate_of" in out:
        out["duplicate_of"] = np.array([*files, None], dtype=object)[out["duplicate_of"]]
    if (table["original"] == table["label"]).all():
        out = out.drop(columns="original")
    for column in ("action", "corner"):
        out[column] = out[column].where(out[column] != "", None)
    return out


def summary(judged: Judged) -> dict[str, Any]:
    """Count what was found, for people and scripts."""
    table, e, view = judged.table, judged.ensemble, EnsembleView.of("", judged.run)
    split = view.some(view.split).members
    accuracy = {role: float(split[f"accuracy_{role}"][:, -1].mean()) for role in ROLES}
    pretrained = isinstance(e, OnFeatures)
    advised = judged.advice and {
        "wrong_labels": judged.advice.share._asdict(),
        "expected_precision": {a: p._asdict() for a, p in judged.advice.expected.items()},
        "duplicates": int(judged.run.table("duplicates").sizes["pair"]),
        "duplicates_apart": int((~judged.run.table("duplicates")["same_label"].values).sum()),
        "unlike": int(table["unlike"].sum()),
        "in_other_splits": int(table["also_in"].notna().sum()),
    }
    return {
        "dataset": judged.config.dataset,
        "images": len(table),
        "of": len(judged.sample.labels),
        "classes": len(judged.sample.classes),
        "network": e.network if isinstance(e, OnFeatures) else e.architecture,
        "pretrained": pretrained,
        "members": view.networks,
        "side": _side(judged),
        "held_out_times": [int(table["n_val"].min()), int(table["n_val"].max())],
        "never_held_out": int((table["n_val"] == 0).sum()),
        "training_accuracy": accuracy["train"],
        "held_out_accuracy": accuracy["val"],
        "actions": {a: int((table["action"] == a).sum()) for a in ("keep", "inspect", "relabel")},
        "corners": {c: int(n) for c, n in table["corner"].value_counts().items() if c},
        "origin": judged.run.origin,
    } | (advised or {})


def _side(judged: Judged) -> int:
    if isinstance(judged.ensemble, OnFeatures):
        return int(judged.run.table("members").attrs["side"])
    return int(ensembles.load_pool(judged.ensemble).images.shape[1])


def write_rows(judged: Judged, folder: Path) -> dict[str, Path]:
    """Write `difficulty.csv` and `difficulty.parquet` into a folder; returns where."""
    targets = {kind: folder / f"difficulty.{kind}" for kind in ("csv", "parquet")}
    table = named(judged)
    files.write_atomically(
        targets["csv"], lambda path: table.to_csv(path, index=False, errors="backslashreplace")
    )
    files.write_atomically(targets["parquet"], lambda path: table.to_parquet(path, index=False))
    return targets
