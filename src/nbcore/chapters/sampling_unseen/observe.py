"""Chapter 17's observations: what is recorded in the ledger."""

from functools import lru_cache

import numpy as np

from nbcore import claims
from nbcore.chapters.sampling_unseen import composition, guidance, runs, steps, weighted
from nbcore.chapters.sampling_unseen.study import Study
from nbcore.claims import Observation
from nbcore.measures.bootstrap import Floats, estimate
from nbcore.measures.estimate import Estimate

SEEDS = "seeds"
#: numbers of steps along which the predictor and corrector approaches guided DDPM
STEPS = np.array([64.0, 128, 256, 512, 1024])
SUBJECTS = {
    "C2": "normal distributions in one dimension",
    "C18": "mixtures of normal distributions in one dimension",
    "C19": "objects in six features",
    "C22": "normal targets, and skewed ones of two modes",
}


def record(study: Study, preset: str) -> dict[str, Observation]:
    """Record the four claims and return the observations by id."""
    observe = {"C2": guided, "C18": cooled, "C19": composed, "C22": lambda _: small_steps()}
    claims.forget(study.config.slug)
    return {
        key: claims.record(
            key,
            measure(study),
            run=study.run,
            subject=SUBJECTS[key],
            preset=preset,
            setup=study.config.setup(key, ["sampling"]),
            chapter=study.config.slug,
        )
        for key, measure in observe.items()
    }


def _mean(study: Study, values: Floats, unit: str = "1") -> Estimate:
    # means of equal numbers differ by rounding alone, which is no interval
    return estimate(study.over_seeds(values).round(9), len(values), unit, SEEDS)


def guided(study: Study) -> dict[str, Estimate]:
    """Compare variances of guided samples with closed forms and with each other (C2)."""
    g, v = guidance.GAMMA, {k: study.of("variance", kind=k) for k in guidance.KINDS}
    ddim, ddpm = v[guidance.DDIM], v[guidance.DDPM]
    closed = {k: guidance.closed_form(k, g) for k in (guidance.DDIM, guidance.DDPM)}
    bent = [steps.slope(STEPS, guidance.differences(p, STEPS)) for p in guidance.GAMMAS[1:]]
    ratios = {
        "ddim variance over its closed form": ddim / closed[guidance.DDIM],
        "ddpm variance over its closed form": ddpm / closed[guidance.DDPM],
        "ddim variance over the powered one": ddim / guidance.powered(g),
        "ddpm variance over the powered one": ddpm / guidance.powered(g),
        "ddpm minus ddim variance": ddpm - ddim,
        "predictor and corrector over ddpm variance": v[guidance.PCG] / ddpm,
        "control corrector for the power itself over ddpm variance": v[guidance.WRONG] / ddpm,
    }
    out = {name: _mean(study, values) for name, values in ratios.items()}
    name = "slope of the difference from ddpm over log steps"
    return out | {name: Estimate.exact(farthest(bent, -1), len(bent))}


def cooled(study: Study) -> dict[str, Estimate]:
    """Measure how far weighted particles, and scores alone, are from their targets (C18)."""
    out = {}
    for how, before in ((runs.WEIGHTED, ""), (runs.ALONE, "control ")):
        for target in (weighted.COOLED, weighted.PRODUCT):
            values = study.of("divergence", how=how, target=target)
            out[f"{before}{target} {how} divergence"] = _mean(study, values, "nat")
    return out


def composed(study: Study) -> dict[str, Estimate]:
    """Count samples that have all objects and nothing else, and measure overlap (C19)."""
    out = {}
    for name in composition.SETTINGS:
        before = "control " if name in composition.FAILS else ""
        values = study.of("share", setting=name)
        out[f"{before}{name} share of samples"] = _mean(study, values, "fraction")
    n = study.numbers.sizes["member"]
    known = {k: composition.overlap(composition.setting(k)) for k in composition.SETTINGS}
    works = max(known[k] for k in composition.WORKS)
    fails = min(known[k] for k in composition.FAILS if np.isfinite(known[k]))
    out["largest overlap where it works"] = Estimate.exact(works, n)
    out["smallest overlap where it fails"] = Estimate.exact(fails, n)
    return out


@lru_cache(maxsize=1)
def small_steps() -> dict[str, Estimate]:
    """Fit how a reverse step's divergence and the samplers' errors fall (C22)."""
    n = len(steps.SKEWED)
    falls = [steps.slope(np.array(steps.LOWERED), d) for d in divergences()]
    name = "divergence of the reverse step from a normal one slope over log step"
    out = {name: Estimate.exact(farthest(falls, 3), n)}
    last = slice(-steps.JUDGED, None)
    for sampler in (steps.DDPM, steps.DDIM, steps.FLOW):
        slopes = [
            steps.slope(np.array(steps.STEPS[last], float), steps.errors(sampler, s)[last])
            for s in steps.SPREADS
        ]
        name = f"{sampler} slope of the error over log steps"
        out[name] = Estimate.exact(farthest(slopes, -1), len(slopes))
    whole = min(steps.one_step(steps.skewed(k)) for k in range(n))
    name = "control one step of all noise divergence from a normal one"
    return out | {name: Estimate.exact(whole, n, "nat")}


@lru_cache(maxsize=1)
def divergences() -> tuple[Floats, ...]:
    """Measure reverse steps of every size on every skewed target: (step,) each."""
    return tuple(
        np.array(
            [steps.reverse_divergence(steps.skewed(k), steps.BEFORE, h) for h in steps.LOWERED]
        )
        for k in range(len(steps.SKEWED))
    )


def farthest(values: list[float], wanted: float) -> float:
    """Return the value that is farthest from what was wanted."""
    return max(values, key=lambda v: abs(v - wanted))
