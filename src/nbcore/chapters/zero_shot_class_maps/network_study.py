"""Several networks' readings and last layers against the testbed's line, on the same draws."""

from dataclasses import dataclass, field

import numpy as np

from nbcore.chapters.zero_shot_class_maps.config import ZeroShot, beside
from nbcore.chapters.zero_shot_class_maps.network_dominance import STATES, Dominance, compared
from nbcore.chapters.zero_shot_class_maps.networks import beside as networks_beside
from nbcore.chapters.zero_shot_class_maps.networks import condition, run_networks
from nbcore.lines import curves
from nbcore.lines.curves import Curve
from nbcore.lines.trained import run_testbed


@dataclass
class NetworkStudy(curves.Study):
    """A `Study` of which the conditions are `NETWORK, WHAT` (see `networks.condition`).

    bits[name]: (seed, checkpoint, example) bool, right or wrong on ID images; testbed_bits: (model,
    example), in the order of `models`; weights: (example, draw).
    """

    networks: tuple[str, ...] = ()
    pulls: tuple[float, ...] = ()
    bits: dict[str, np.ndarray] = field(default_factory=dict)
    testbed_bits: np.ndarray = field(default_factory=lambda: np.empty((0, 0), bool))
    weights: np.ndarray = field(default_factory=lambda: np.empty((0, 1)))

    def curve(self, network: str, what: str) -> Curve:
        """Return what was measured of one condition of a network."""
        return self.curves[condition(network, what)]

    def covered(self, network: str, what: str) -> Curve | None:
        """Return a curve if the line covers its last checkpoint."""
        found = self.curve(network, what)
        return found if found.covered[-1] else None

    def somewhere(self, network: str, what: str) -> Curve | None:
        """Return a curve if the line covers any checkpoint of it."""
        found = self.curve(network, what)
        return found if found.covered.any() else None

    def dominance(self, network: str, state: str) -> Dominance | None:
        """Compare one of `STATES` with comparable networks; None where the line does not reach."""
        what, at = STATES[state]
        curve = self.somewhere(network, what)
        if curve is None:
            return None
        k = curve.peak if at == "peak" else len(curve.steps) - 1
        if not curve.covered[k]:
            return None
        right = self.bits[curve.name][:, k]
        names = list(self.models["model"])
        excess = float(curve.er[0, k] - curve.band[k])
        return compared(right, self.testbed_bits, names, self.weights, excess)


def study(config: ZeroShot, role: str = "ood", shuffled: bool = False) -> NetworkStudy | None:
    """Load or compute the run, and measure it against chapter 2's testbed; None without networks.

    role, shuffled: as in `study.study`.
    """
    if not config.compared:
        return None
    asked = networks_beside(config)
    bed, run = run_testbed(beside(config)), run_networks(asked)
    wanted = {n for n in run.table("curves")["member"].values if _asked(str(n), asked.networks)}
    parts = curves.by_condition(run.table("curves").sel(member=sorted(wanted)))
    found = curves.measure(
        bed, run, parts, config.line_models, config.resamples, role, shuffled, config.models_beside
    )
    theirs = bed.table("models").sel(member=list(found.models["model"]))["correct_id"].values
    bits = {
        name: _unpack(part["correct_id"].values[:, : len(found.curves[name].steps)], found.id_total)
        for name, part in parts.items()
    }
    return NetworkStudy(
        **vars(found),
        networks=asked.networks,
        pulls=asked.pulls,
        bits=bits,
        testbed_bits=_unpack(theirs, found.id_total),
        weights=curves.id_weights(found.id_total, config.resamples),
    )


def _asked(member: str, networks: tuple[str, ...]) -> bool:
    return member.split(", ")[0] in networks


def _unpack(packed: np.ndarray, total: int) -> np.ndarray:
    return np.unpackbits(packed, axis=-1, count=total).astype(bool)
