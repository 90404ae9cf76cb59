"""What whole networks on large images say: claims A5, A7, A8, A11 to A13, and their figures.

What is compared was written before any of these networks was trained. Every claim is judged at the
main rate, the lowest of each network; A11 compares a network's own rates. Several networks are held
to what the least favourable of them shows; such a number counts as many units as there are
networks, or as each has seeds if that is more. The random starts of A5 are those on small images.

A curve has *turned* if the 95 % interval of its fall, from peak to end, lies above 0. Where one has
not, training was too short to tell what happens at convergence, and what asks for that is left
undecided; a peak above the testbed's interval counts at any time.
"""

from collections.abc import Sequence

from nbcore import claims
from nbcore.chapters.rise_and_fall import last_layers, networks, observe
from nbcore.chapters.rise_and_fall.config import RiseAndFall
from nbcore.claims import Observation
from nbcore.lines import compare
from nbcore.lines.curves import Curve, Study, by_condition, measure
from nbcore.lines.trained import run_testbed
from nbcore.lines.whole import SQUARED, Member, WholeNetworks, member, run_plan
from nbcore.measures.estimate import Estimate
from nbcore.runs.run import Run, find_runs
from nbcore.runs.store import run_or_load

Observed = dict[str, Estimate]


def beside(config: RiseAndFall) -> WholeNetworks:
    """Return the whole networks that go with chapter 2's config: same images, same last layers."""
    return WholeNetworks(
        id=config.id,
        ood=config.ood,
        image_size=config.image_size,
        train_images=config.train_images,
        test_images=config.test_images,
        passes=config.whole_passes,
        batch=config.batch,
        head_steps=config.head_steps,
        head_lr=config.head_lrs[0],
        members=config.whole_networks,
        workers=config.workers,
        device=config.device,
    )


def run_whole(config: RiseAndFall, fresh: bool = False) -> Run | None:
    """Compute the networks that the config names; without any, find those that are kept, or None.

    The run holds all members that there are: a piece adds to those before it.
    """
    plan = run_plan(beside(config))
    if plan.members:
        return run_or_load(plan, fresh)
    found = find_runs(plan.experiment, plan.config, plan.data).values()
    ready = [run for run in found if run.manifest["tables"]]
    return max(ready, key=lambda run: len(run.member_names), default=None)


def study(
    config: RiseAndFall, role: str = "ood", shuffled: bool = False, table: str = "curves"
) -> Study | None:
    """Measure the whole networks against chapter 2's testbed; None where there are none.

    table: "curves", or "paths", of which a point counts as a checkpoint. Everything is as in
    `runs.study`, of the same images and draws. ParameterError where the set was not measured.
    """
    run = run_whole(config)
    if run is None:
        return None
    bed, parts = run_testbed(config), by_condition(run.table(table))
    return measure(
        bed, run, parts, config.line_models, config.resamples, role, shuffled, config.models_beside
    )


def read(condition: str) -> Member:
    """Read a condition's name: network, side, loss and rate."""
    return member(f"{condition}-seed0")


def words(condition: str) -> str:
    """Name a condition as the page does: `EfficientNet-Lite0, 128 px, rate 0.001`."""
    m = read(condition)
    loss = f"{SQUARED}, " if m.loss == "mse" else ""
    return f"{networks.NAMES.get(m.network, m.network)}, {m.side} px, {loss}rate {m.lr:g}"


def turned(c: Curve) -> bool:
    """Say whether a curve's fall from its peak to its end is beyond doubt."""
    return compare.fall(c).low > 0


def main_curves(study: Study, loss: str = "cross-entropy") -> list[Curve]:
    """Pick each network's curve at its main rate, the lowest; those that the line covers."""
    found: dict[str, Curve] = {}
    for c in sorted(study.curves.values(), key=lambda c: read(c.name).lr):
        m = read(c.name)
        if m.loss == loss and c.covered.any():
            found.setdefault(f"{m.network}@{m.side}", c)
    return list(found.values())


def record(
    study: Study | None, other: Study, heads: Study | None, config: RiseAndFall, preset: str
) -> dict[str, Observation]:
    """Record the claims, in the place of what the small images of `other` say of them.

    other: `runs.study`, whose random starts are A5's rivals; heads: `last_layers.study`, for A13.
    """
    if study is None or not (main := main_curves(study)):
        return {}
    last = {} if heads is None else heads.curves
    rivals = [c for k, c in other.curves.items() if k.startswith("random") and c.covered.any()]
    rates = main_rates(study, main)
    squared = main_curves(study, "mse")
    seen: dict[str, tuple[Observed, list[Curve]]] = {
        "A5": (_peaks(main, rivals) if rivals else {}, [c for c in main if _excess(c).value <= 0]),
        "A7": (_rise_and_fall(main), main),
        "A8": (_vanishing(main), main),
        "A11": (observe._rates(rates) if len(rates) > 1 else {}, rates),
        "A12": (_losses(squared, main) if squared else {}, [*squared, *main]),
        "A13": (_last_layers(main, last, config), main),
    }
    names = ", ".join(networks.NAMES.get(n, n) for n in dict.fromkeys(_network(c) for c in main))
    return {
        key: claims.record(
            key,
            found,
            run=study.run,
            subject=f"{names}, whole, on {', '.join((config.id, *config.ood))}",
            preset=preset,
            setup=claims.STAND_IN,
            doubt=study.doubt(key) or _too_short(rest_on),
        )
        for key, (found, rest_on) in seen.items()
        if found
    }


def _network(c: Curve) -> str:
    return read(c.name).network


def _too_short(curves: Sequence[Curve]) -> str:
    still = [words(c.name) for c in curves if not turned(c)]
    if not still:
        return ""
    return (
        "training was too short to tell: by its end the fall from the peak is not beyond doubt "
        f"for {'; '.join(still)}"
    )


def main_rates(study: Study, main: Sequence[Curve]) -> list[Curve]:
    """List the curves of the one network that was trained at most rates, with one loss and side."""
    groups = [
        [
            c
            for c in study.curves.values()
            if c.covered.any() and read(c.name)[:3] == read(m.name)[:3]
        ]
        for m in main
    ]
    return max(groups, key=len)


def _all(found: Sequence[Estimate], pick=compare.least) -> Estimate:
    """Take what the least favourable network shows; as many units as there are networks."""
    worst = pick(found)
    n = max(len(found), worst.n)
    return Estimate(worst.value, worst.low, worst.high, n, worst.unit, worst.over)


def _excess(c: Curve) -> Estimate:
    return compare.shifted(compare.peak(c), -c.band[c.peak])


def _peaks(main: Sequence[Curve], rivals: Sequence[Curve]) -> Observed:
    level = compare.jointly(len(main) * len(rivals))
    return {
        "smallest peak excess over the interval": _all([_excess(c) for c in main]),
        "smallest peak difference to random initialisation": _all(
            [compare.least([compare.peak_difference(c, r, level) for r in rivals]) for c in main]
        ),
    }


def _rise_and_fall(main: Sequence[Curve], prefix: str = "") -> Observed:
    return {
        f"{prefix}rise from start to peak": _all([compare.rise(c) for c in main]),
        f"{prefix}fall from peak to end": _all([compare.fall(c) for c in main]),
    }


def _losses(squared: Sequence[Curve], main: Sequence[Curve]) -> Observed:
    alike = [c for c in main if _network(c) in {_network(s) for s in squared}]
    found = _rise_and_fall(squared, "squared error ")
    return found | (_rise_and_fall(alike, "cross-entropy ") if alike else {})


def _vanishing(main: Sequence[Curve]) -> Observed:
    ends = [compare.number(c.excess()[:, c.end], c) for c in main]
    return {
        "cifar shift peak excess over the interval": _all([_excess(c) for c in main]),
        "cifar shift end excess over the interval": _all(ends, compare.largest),
    }


def _last_layers(main: Sequence[Curve], last: dict[str, Curve], config: RiseAndFall) -> Observed:
    """Compare each network with its last layer alone, on images of the same size."""
    rate = config.head_lrs[0]
    named = [(c, last_layers.condition(*read(c.name)[:2], rate)) for c in main]
    pairs = [(c, last[k]) for c, k in named if k in last and last[k].covered.any()]
    if not pairs:
        return {}
    level = compare.jointly(len(pairs))
    ends = [compare.number(full.id[:, -1] - head.id[:, -1], full, head) for full, head in pairs]
    return {
        "largest peak difference beyond the interval": _all(
            [compare.beyond(full, head, level) for full, head in pairs], compare.largest
        ),
        "smallest full minus last-layer final accuracy": _all(ends),
    }
