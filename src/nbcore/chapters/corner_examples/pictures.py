"""Chapter 8's pictures: the plane with its images, and galleries of the corners by class."""

import numpy as np
import pandas as pd
import xarray as xr

from nbcore.chapters.corner_examples.study import NAMES, CornerView
from nbcore.charts.explorer import explorer
from nbcore.charts.galleries import Gallery, gallery
from nbcore.charts.tables import Table
from nbcore.charts.words import nothing
from nbcore.measures.agreement import consensus_class, consistency_score, held_out_mean
from nbcore.measures.corners import CORNERS, corner_examples, scaled_plane
from nbcore.measures.depth import prediction_depth
from nbcore.runs.store import Run
from nbcore.training.ensemble import Pool

ELSEWHERE = "elsewhere in the plane, at random"
#: pictures of a class at each corner: as many as are stored with a run
EACH = 8


def plane(s: CornerView, run: Run) -> Gallery | Table:
    """Show the stored pictures in the plane of depths, and those of a class nearest to each corner.

    The reader chooses the class.
    """
    thumbs = run.table("thumbnails")
    stored = thumbs["example"].values
    kept = np.flatnonzero(s.placed[stored])
    if not len(kept):
        return nothing("pictures of images with both depths")
    table = pictures_table(s, stored[kept])
    unlike = float((s.consensus != s.label)[s.placed].mean())
    return explorer(
        table,
        thumbs["image"].values[kept[table["at"]]],
        choose="Class",
        groups=[*NAMES.values(), ELSEWHERE],
        x_title="mean validation depth",
        y_title="mean training depth",
        title=f"{s.name}: {len(kept)} images in the plane, and what the corners of a class show",
        description=f"{len(kept)} images by their mean depth when held out and when trained on: of "
        "every class those nearest to each corner, and some at random. Rings: the consensus of "
        "the held-out networks is the label; crosses: it is another class, as for "
        f"{unlike:.0%} of all images. Each image is listed below with its label, its consensus and "
        "its depths.",
    )


def pictures_table(s: CornerView, examples: np.ndarray) -> pd.DataFrame:
    """Tabulate the pictures as `charts.explorer` takes them, one row each.

    Rows are in the order of class, then of nearness to a corner; `at` is the place of the picture
    in `examples`.
    """
    near, away = nearest_of_class(s, examples)
    out = []
    for i in np.lexsort((away, s.label[examples])):
        example = examples[i]
        label, agreed = s.classes[s.label[example]], s.classes[s.consensus[example]]
        group = NAMES[near[i]] if near[i] else ELSEWHERE
        val, train = s.plane[:, example]
        same = "consensus is the label" if agreed == label else "consensus is another class"
        out.append(
            {
                "at": i,
                "x": val,
                "y": train,
                "series": same,
                "choice": label,
                "group": group,
                "caption": agreed,
                "words": f"label: {label}; consensus: {agreed} ({s.agreeing[example]:.0%} of the "
                f"networks); validation depth {val:.1f}; training depth {train:.1f}; {group}",
            }
        )
    return pd.DataFrame(out)


def nearest_of_class(s: CornerView, examples: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Find for each example the corner to which it is one of the `EACH` nearest of its class.

    Returns that corner ("" for none; the nearest where there are several), and the distance to it
    in the scaled plane (0 for none).
    """
    spots = scaled_plane(*s.plane)[:, examples]
    best, out = np.full(len(examples), np.inf), [""] * len(examples)
    for corner, (val, train) in CORNERS.items():
        distance = np.hypot(spots[0] - val, spots[1] - train)
        for label in np.unique(s.label[examples]):
            own = np.flatnonzero(s.label[examples] == label)
            for i in own[np.argsort(distance[own], kind="stable")[:EACH]]:
                if distance[i] < best[i]:
                    best[i], out[i] = distance[i], corner
    return out, np.where(np.isfinite(best), best, 0.0)


def live(members: list[xr.Dataset], pool: Pool, size: int = 8) -> Gallery:
    """Show the corners of a small ensemble trained here (see `training.ensemble.train_member`)."""
    held = np.stack([m["held_out"].values for m in members])
    said = np.stack([m["final"].values for m in members]).astype(int)
    depth = [prediction_depth(m["votes"].values.argmax(-1), m["final"].values) for m in members]
    deep = np.where(np.stack(depth) < 0, np.nan, np.stack(depth))
    means = held_out_mean(deep, held), held_out_mean(deep, ~held)
    n_classes = len(pool.classes)
    consensus = consensus_class(said, pool.labels, held, n_classes)
    right = consistency_score(said, pool.labels, held, n_classes)
    corners = corner_examples(*means, n=size)
    picked = np.concatenate(list(corners.values()))
    groups = [
        f"{NAMES[c]}: {right[at].mean():.0%} right when held out"
        for c, at in corners.items()
        for _ in at
    ]
    return gallery(
        pool.images[picked],
        [f"{pool.classes[pool.labels[i]]} → {pool.classes[consensus[i]]}" for i in picked],
        groups,
        columns=size,
        title=f"{len(members)} networks, {len(pool.labels)} digits: the corners",
        description="Digits nearest to the four corners; under each the label and, after the "
        "arrow, the class that most networks give it when it is held out.",
    )
