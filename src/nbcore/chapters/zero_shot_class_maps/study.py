"""Chapter 6's measures against chapter 2's testbed: effective robustness of every reading and head.

The bootstrap is chapter 2's: a draw resamples the evaluation images, the same ones for every model,
refits the line, and resamples seeds, so that all differences are paired.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr

from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.chapters.zero_shot_class_maps.config import RULES, ZeroShot, beside
from nbcore.chapters.zero_shot_class_maps.runs import run_zero_shot
from nbcore.lines import curves
from nbcore.lines.config import data_roles
from nbcore.lines.curves import Curve
from nbcore.lines.trained import run_testbed
from nbcore.runs.store import find_run


@dataclass
class ZeroShotStudy(curves.Study):
    """Chapter 2's `Study` with what dominance needs.

    curves: one per rule (a single checkpoint, a single seed), `probe`, one per head, and `full`,
    chapter 2's whole network, where its run is stored. testbed_bits: (model, example) bool;
    bits[name]: (seed, checkpoint, example) bool; weights: (example, draw) of the ID images.
    """

    config: ZeroShot = field(default_factory=ZeroShot)
    role: str = "ood"
    testbed_bits: np.ndarray = field(default_factory=lambda: np.empty((0, 0), bool))
    bits: dict[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray = field(default_factory=lambda: np.empty((0, 1)))

    @property
    def rules(self) -> dict[str, Curve]:
        """The readings without training, by name."""
        return {k: c for k, c in self.curves.items() if k in RULES}

    @cached_property
    def plain(self) -> xr.Dataset:
        """The zero-shot member: predictions, labels, sources, control."""
        return self.run.table("zero_shot")


def study(
    config: ZeroShot, role: str = "ood", shuffled: bool = False, fresh: bool = False
) -> ZeroShotStudy:
    """Load or compute the run and chapter 2's testbed, and measure everything against its line.

    role: which shifted set ("ood", "ood2", ...). shuffled: the control, in which that set's labels
    are shuffled. Raises ParameterError when the set was not measured.
    """
    bed, run = run_testbed(beside(config)), run_zero_shot(config, fresh)
    parts = _conditions(run.table("curves"), chapter_two(config))
    found = curves.measure(
        bed, run, parts, config.line_models, config.resamples, role, shuffled, config.models_beside
    )
    kept = {
        k: part["correct_id"].values[:, : len(found.curves[k].steps)] for k, part in parts.items()
    }
    theirs = bed.table("models").sel(member=list(found.models["model"]))["correct_id"].values
    return ZeroShotStudy(
        **vars(found),
        config=config,
        role=role,
        testbed_bits=_unpack(theirs, found.id_total),
        bits={k: _unpack(v, found.id_total) for k, v in kept.items()},
        weights=curves.id_weights(found.id_total, config.resamples),
    )


def chapter_two(config: ZeroShot) -> xr.Dataset | None:
    """Find chapter 2's whole-network members where they are stored; compute nothing for them."""
    c = beside(config)
    run = find_run(RiseAndFall.slug, c, data_roles(c), "curves")
    if run is None:
        return None
    table = run.table("curves")
    names = [str(m) for m in table["member"].values if str(m).startswith("full-seed")]
    return table.sel(member=names) if names else None


def _conditions(rows: xr.Dataset, more: xr.Dataset | None) -> dict[str, xr.Dataset]:
    """Group the members of each condition, the rules first."""
    out = curves.by_condition(*(t for t in (rows, more) if t is not None))
    order = {name: i for i, name in enumerate((*RULES, "probe", "fresh-head", "mapped-head"))}
    return dict(sorted(out.items(), key=lambda kv: (order.get(kv[0], 99), kv[0])))


def _unpack(packed: np.ndarray, total: int) -> np.ndarray:
    return np.unpackbits(packed, axis=-1, count=total).astype(bool)
