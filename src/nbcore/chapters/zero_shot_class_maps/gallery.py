"""Chapter 6's gallery: images that only an effectively robust model gets right."""

import numpy as np
import pandas as pd

from nbcore.chapters.zero_shot_class_maps.dominance import STATES
from nbcore.chapters.zero_shot_class_maps.study import ZeroShotStudy
from nbcore.charts.galleries import Gallery, gallery
from nbcore.charts.tables import Table
from nbcore.lines.figures import instead
from nbcore.measures import agreement

GROUPS = {
    "both": "solved without training and at the peak",
    "zero-shot": "solved without training only",
    "at the peak": "solved at the peak of fine-tuning only",
}


def only_robust(study: ZeroShotStudy, most: int = 30) -> Gallery | Table:
    """Show images that no testbed model solves, but the zero-shot model or the peak does.

    The peak is that of the fine-tuned fresh head. most: images shown per group.
    """
    table = _candidates(study)
    if table.empty:
        return instead(
            "Not drawn: no stored image is solved by one of these models and by no testbed model."
        )
    counts = table.groupby("group").size()
    shown = table.groupby("group", sort=False).head(most)
    pictures = study.run.table("gallery")["image"].values[shown["thumb"].to_numpy()]
    said = "; ".join(f"{group}: {n}" for group, n in counts.items())
    return gallery(
        pictures,
        list(shown["caption"]),
        list(shown["group"]),
        title=f"{len(table)} images that no testbed model gets right",
        description=f"Small photographs with their class; for those solved without training, the "
        f"source class that was strongest. {said}.",
    )


def _candidates(study: ZeroShotStudy) -> pd.DataFrame:
    """List the stored thumbnails that still qualify: thumb, group, caption."""
    stored, rows, bed = study.run.table("gallery"), study.run.table("curves"), study.testbed
    wanted = [str(m) for m in study.models["model"]]
    out = []
    for role in dict.fromkeys(map(str, stored["role"].values)):
        total = rows.attrs[f"total_{role}"]
        known = bed.table("models").sel(member=wanted)[f"correct_{role}"].values
        nobody = agreement.solved_counts(_bits(known, total)) == 0
        peak = _at_peak(study, rows, role, total)
        plain = study.plain
        words = dict(zip(plain["source_index"].values, plain["source_word"].values, strict=True))
        right = plain[f"prediction_{role}"].sel(rule="max").values == plain[f"label_{role}"].values
        for thumb in np.flatnonzero(stored["role"].values == role):
            i = int(stored["example"].values[thumb])
            if nobody[i] and (right[i] or peak[i]):
                name = plain.attrs["classes"][int(plain[f"label_{role}"].values[i])]
                strongest = str(words[plain[f"source_{role}"].values[i]]).split(",")[0]
                who = "both" if right[i] and peak[i] else "zero-shot" if right[i] else "at the peak"
                out.append(
                    {
                        "thumb": thumb,
                        "caption": f"{name} ({strongest})" if right[i] else name,
                        "group": f"{'ID' if role == 'id' else 'shifted'}, {GROUPS[who]}",
                    }
                )
    table = pd.DataFrame(out, columns=["thumb", "caption", "group"])
    return table.sort_values("group", kind="stable", key=lambda s: s.str.startswith("shifted"))


def _bits(packed: np.ndarray, total: int) -> np.ndarray:
    return np.unpackbits(packed, axis=-1, count=total).astype(bool)


def _at_peak(study: ZeroShotStudy, rows, role: str, total: int) -> np.ndarray:
    """Say which images most seeds of the fresh head solve at its peak; none if it was not run."""
    name, at = STATES["fresh head, peak"]
    curve = study.curves.get(name)
    if curve is None or not curve.covered.any() or at != "peak":
        return np.zeros(total, bool)
    members = [str(m) for m in rows["member"].values if str(m).startswith(f"{name}-seed")]
    bits = rows[f"correct_{role}"].sel(member=members).values[:, curve.peak]
    return _bits(bits, total).mean(0) > 0.5
