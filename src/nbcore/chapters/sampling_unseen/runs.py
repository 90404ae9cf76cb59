"""Samples from analytic scores: guided, composed and weighted (C2, C19, C18).

run = load_sampling(config)     # a member is one seed
run.table("numbers"), run.table("pictures")
"""

from functools import partial

import numpy as np
import xarray as xr

from nbcore.chapters.sampling_unseen import composition, guidance, weighted
from nbcore.chapters.sampling_unseen.config import Sampling
from nbcore.runs.plan import Plan
from nbcore.runs.store import Run, Tables, run_or_load

TARGETS = (weighted.COOLED, weighted.PRODUCT)
WEIGHTED, ALONE = "weighted", "scores alone"
#: of a composition, whose scores cost more, this share of particles and of steps
FEWER, COARSER = 20, 0.4
#: samples that are kept to be shown
SHOWN = 150


def _member(config: Sampling, name: str) -> xr.Dataset:
    rng = np.random.default_rng([17, int(name.removeprefix("seed"))])
    n, gamma = config.particles, guidance.GAMMA
    variances = [guidance.draw(k, gamma, n, config.steps, rng).var() for k in guidance.KINDS]
    shares, slow, shown = [], [], []
    few, coarse = max(n // FEWER, 50), max(int(COARSER * config.steps), 20)
    for setting in composition.SETTINGS:
        own = composition.setting(setting)
        x = composition.draw(own, few, coarse, rng)
        shares.append(composition.succeeded(own, x).mean())
        moved = composition.draw_langevin(own, max(few // 4, 50), coarse, rng)
        slow.append(composition.succeeded(own, moved).mean())
        shown.append((x @ own.rotation.T)[: min(SHOWN, few)])
    cooled = [
        [weighted.draw(t, n, config.levels, rng, weighted=how == WEIGHTED) for t in TARGETS]
        for how in (WEIGHTED, ALONE)
    ]
    return xr.Dataset(
        {
            "variance": ("kind", variances),
            "share": ("setting", shares),
            "langevin": ("setting", slow),
            "divergence": (
                ("how", "target"),
                [
                    [weighted.divergence(p.x, t) for p, t in zip(row, TARGETS, strict=True)]
                    for row in cooled
                ],
            ),
            "histogram": (
                ("how", "target", "bin"),
                [[np.histogram(p.x, weighted.BINS)[0] / n for p in row] for row in cooled],
            ),
            "effective": (("target", "level"), [p.effective for p in cooled[0]]),
            "samples": (("setting", "shown", "feature"), np.array(shown, np.float32)),
        },
        {
            "kind": list(guidance.KINDS),
            "setting": list(composition.SETTINGS),
            "how": [WEIGHTED, ALONE],
            "target": list(TARGETS),
        },
    )


def _reduce(run: Run) -> Tables:
    """Keep all numbers; of the samples, those of one member."""
    whole = xr.concat([m.drop_vars("samples") for _, m in run.members()], "member")
    first = run.member(run.member_names[0])
    return {"numbers": whole, "pictures": first[["samples"]]}


def sampling_plan(config: Sampling) -> Plan:
    """Plan 5 members: four minutes of one core."""
    names = [f"seed{k}" for k in range(config.seeds)]
    return Plan("analytic-sampling", config, {}, names, partial(_member, config), reduce=_reduce)


STORED = {"analytic-sampling": lambda m: sampling_plan(Sampling.from_address(m["config"]))}


def load_sampling(config: Sampling, fresh: bool = False) -> Run:
    """Load or compute the samples."""
    return run_or_load(sampling_plan(config), fresh)
