"""Curves as tables, one row a checkpoint or a bin of ID accuracy, for figures."""

import numpy as np
import pandas as pd

from nbcore.lines.curves import Study
from nbcore.measures.bootstrap import interval


def frame(study: Study) -> pd.DataFrame:
    """Tabulate one row per condition and checkpoint.

    Columns condition, step, id, ood, er with interval (low, high), band, gap_share, covered.
    """
    rows = []
    for c in study.curves.values():
        for k, step in enumerate(c.steps):
            low, high = interval(c.er[1:, k])
            rows.append(
                (
                    c.name,
                    int(step),
                    c.id[0, k],
                    c.ood[0, k],
                    c.er[0, k],
                    low,
                    high,
                    c.band[k],
                    c.gap_share[0, k],
                    bool(c.covered[k]),
                )
            )
    columns = ["condition", "step", "id", "ood", "er", "low", "high", "band"]
    columns += ["gap_share", "covered"]
    return pd.DataFrame(rows, columns=columns)


def binned(study: Study, width: float) -> pd.DataFrame:
    """Tabulate curves averaged in bins of ID accuracy, as `frame` does checkpoints.

    width: of a bin, a fraction. One row per condition and bin with a covered checkpoint: condition,
    step (the first in it), id, ood, er with interval, band; a draw is averaged as the curve is.
    """
    rows = []
    for c in study.curves.values():
        at = np.floor(c.id[0] / width).astype(int)
        for k in np.unique(at[c.covered]):
            inside = c.covered & (at == k)
            drawn = c.er[:, inside].mean(1)
            low, high = interval(drawn[1:])
            middle = c.id[0, inside].mean(), c.ood[0, inside].mean(), drawn[0], low, high
            band = c.band[inside].mean()
            rows.append((c.name, int(c.steps[inside][0]), *middle, band, True))
    columns = ["condition", "step", "id", "ood", "er", "low", "high", "band", "covered"]
    return pd.DataFrame(rows, columns=columns)
