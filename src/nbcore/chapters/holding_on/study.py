"""Chapter 10's runs as far as they are stored, measured against the line of their shift."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nbcore.chapters.holding_on import heads as last
from nbcore.chapters.holding_on import replay as small
from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.lines import whole
from nbcore.lines.config import LineConfig, TestbedRun, data_roles
from nbcore.lines.curves import Curve, Study, by_condition, measure
from nbcore.lines.trained import run_testbed
from nbcore.runs.plan import Plan
from nbcore.runs.run import Run, find_run
from nbcore.runs.store import run_or_load
from nbcore.training import kinds


@dataclass
class Held:
    """What is measured of one shift, or of the last layers; None where nothing is stored.

    curves: along training; paths: along the paths, a point in the place of a checkpoint.
    """

    curves: Study
    paths: Study

    @property
    def run(self) -> Run:
        return self.curves.run

    def curve(self, name: str) -> Curve | None:
        """Return a curve if it was run and the line covers its end."""
        found = self.curves.curves.get(name)
        return found if found is not None and found.covered[-1] else None

    def path(self, name: str) -> Curve | None:
        """Return a path if it was walked and the line covers its end."""
        found = self.paths.curves.get(name)
        return found if found is not None and found.covered[-1] else None


def load(plan: Plan, compute: bool, fresh: bool = False) -> Run | None:
    """Find the stored run with what members it has; compute all of the plan if that is asked."""
    if compute or fresh:
        return run_or_load(plan, fresh)
    return find_run(plan.experiment, plan.config, plan.data)


def last_layers(config: HoldingOn, shuffled: bool = False, fresh: bool = False) -> Held | None:
    """Measure the last layers of all networks; shuffled: the control of shuffled shifted labels."""
    if not config.compared:
        return None
    run = load(last.run_plan(last.beside(config)), config.compute, fresh)
    if run is None:
        return None
    parts = by_condition(run.table("curves"))
    wanted = {k: v for k, v in parts.items() if k.split(": ")[0] in config.compared}
    bed = run_testbed(config)
    found = measure(
        bed,
        run,
        wanted,
        config.line_models,
        config.resamples,
        "ood",
        shuffled,
        config.models_beside,
    )
    # a path is a condition of its own here
    return Held(found, found)


def replayed(config: HoldingOn, shuffled: bool = False, fresh: bool = False) -> Held | None:
    """Measure the small network of the old images."""
    run = load(small.run_plan(small.beside(config)), config.compute, fresh)
    if run is None:
        return None
    bed, fitted = run_testbed(config), config.line_models
    return _in_order(_both(run, bed, fitted, config.resamples, config.models_beside, shuffled))


def digits(config: HoldingOn, shuffled: bool = False) -> Held | None:
    """Measure the same on digits, against the line through chapter 2's networks from scratch."""
    if not config.ours:
        return None
    asked = replace(small.DIGITS, workers=config.workers, device=config.device)
    run = load(small.run_plan(asked), config.compute)
    bed_config = TestbedRun(asked.image_size, asked.test_images, 0.5)
    roles = data_roles(LineConfig(id=asked.id, ood=asked.ood))
    bed = find_run(bed_config.slug, bed_config, roles)
    if run is None or bed is None:
        return None
    names = [m for m in bed.member_names if kinds.split_name(m)[0] in kinds.CONVOLUTIONS]
    return _in_order(_both(run, bed, names, config.resamples, (), shuffled))


def whole_networks(config: HoldingOn) -> Held | None:
    """Measure chapter 2's whole networks and the paths to them, as far as they are trained."""
    asked = whole.WholeNetworks(
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        train_images=config.train_images,
        test_images=config.test_images,
    )
    run = load(whole.run_plan(asked), False)
    if run is None:
        return None
    return _both(
        run, run_testbed(config), config.line_models, config.resamples, config.models_beside
    )


def _in_order(held: Held) -> Held:
    """Put training without replay first, then batches, weights, and shuffled labels last."""
    found = held.curves.curves
    order = sorted(found, key=lambda n: (n.endswith(small.SHUFFLED), n[0] == "w", small.read(n)))
    return replace(held, curves=replace(held.curves, curves={n: found[n] for n in order}))


def _both(
    run: Run,
    bed: Run,
    fitted: Sequence[str],
    resamples: int,
    apart: Sequence[str],
    shuffled: bool = False,
) -> Held:
    """Measure a run's tables `curves` and, if there are any, `paths`, on the same draws."""
    found = {
        table: measure(
            bed, run, by_condition(run.table(table)), fitted, resamples, "ood", shuffled, apart
        )
        for table in ("curves", "paths")
        if table in run.manifest["tables"]
    }
    return Held(found["curves"], found.get("paths", replace(found["curves"], curves={})))


def old_right(run: Run, condition: str, at: int, table: str = "curves") -> np.ndarray:
    """Say which old test images the old head gets right at a checkpoint: (seed, example) floats.

    at: counted from the first or, if negative, from the last checkpoint of the condition, or point
    of its path if the table is `paths`.
    """
    part = by_condition(run.table(table))[condition]
    known = int((~np.isnan(part["step"].values[0])).sum())
    bits = part[f"correct_{small.OLD}"].values[:, at % known]
    total = int(part.attrs[f"total_{small.OLD}"])
    return np.unpackbits(bits, axis=-1, count=total).astype(float)
