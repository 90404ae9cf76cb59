"""Chapter 10's observations: what is recorded in the ledger, the table of methods, the advice."""

from typing import Any

import pandas as pd

from nbcore import charts, claims
from nbcore.chapters.holding_on import checks
from nbcore.chapters.holding_on import heads as last
from nbcore.chapters.holding_on import replay as small
from nbcore.chapters.holding_on.config import HoldingOn
from nbcore.chapters.holding_on.study import Held
from nbcore.charts.tables import Table, bullets, sentence
from nbcore.claims import Observation
from nbcore.depths.roster import set_title
from nbcore.lines import compare
from nbcore.lines.curves import Curve
from nbcore.measures.bootstrap import estimate
from nbcore.measures.estimate import Estimate

NAMES = {f"efficientnet_lite{i}": f"EfficientNet-Lite{i}" for i in range(3)} | {
    "mobilenet_v2": "MobileNetV2",
    "squeezenet1_0": "SqueezeNet",
    "ten-digits": "the network of ten digits",
}
MAKE = "nbcore run holding-on -p compute=true"
#: shifted sets made of images of ImageNet
LEAKING = ("cinic10-imagenet",)


def called(network: str) -> str:
    """Name a network as the page does."""
    return NAMES.get(network, network)


def points(seen: Estimate) -> str:
    """Write an estimate in points: `+1.2 [+0.3, +2.1]`."""
    return f"{100 * seen.value:+.1f} [{100 * seen.low:+.1f}, {100 * seen.high:+.1f}]"


def missing(what: str) -> Table:
    """Say that something is not stored, and how to make it."""
    return sentence(f"{what} not computed yet: {MAKE} does it.")


def networks(heads: Held | None, config: HoldingOn) -> list[str]:
    """List the networks whose last layers are stored, in the order of the config."""
    there = set() if heads is None else {n.split(": ")[0] for n in heads.curves.curves}
    return [n for n in config.compared if n in there]


def computed(heads: Held | None, config: HoldingOn) -> Table:
    """Say for which networks last layers are stored, and how to make the rest."""
    kept, held = networks(heads, config), set() if heads is None else set(heads.curves.curves)
    rest = [n for n in config.compared if n not in kept]
    bare = [n for n in kept if last.condition(n, last.REPLAY) not in held]
    parts = [f"Shown for {', '.join(map(called, kept))}."] if kept else []
    parts += [f"Not computed yet for {', '.join(map(called, rest))}."] if rest else []
    parts += [f"Without replay yet: {', '.join(map(called, bare))}."] if bare else []
    parts += [f"{MAKE} adds what is missing."] if rest or bare else []
    return sentence(" ".join(parts) or "No network was named: -p networks=[...] does it.")


def path_of(heads: Held, network: str, level: float = 0.95) -> checks.Chosen | None:
    """Compare a last layer's path with the same last layer stopped early; None outside the line."""
    path = heads.path(last.condition(network, last.PATH))
    curve = heads.curve(last.condition(network, last.MAPPED))
    return checks.path_gain(path, curve, level) if path and curve else None


def record(
    heads: Held | None, replay: Held | None, config: HoldingOn, preset: str
) -> dict[str, Observation]:
    """Record the checks of A31 and A32 on the small network, of A33 on last layers."""
    claims.forget(config.slug)
    common: dict[str, Any] = {"preset": preset, "chapter": config.slug}
    out, leak = {}, _leak(config)
    if replay is not None:
        found = {
            "A31": checks.remembering(replay, config.resamples),
            "A32": checks.robustness_of_replay(replay),
        }
        subject = f"{config.kind}, pretrained on {config.replay_set}, on {_sets(config)}{leak}"
        for key, seen in found.items():
            if seen:
                more: dict[str, Any] = {"run": replay.run, "setup": "reduced", "subject": subject}
                out[key] = claims.record(key, seen, **more, **common)
    kept = networks(heads, config)
    if heads is not None and kept:
        more = {
            "run": heads.run,
            "setup": "reduced",
            "subject": f"last layers of {', '.join(kept)} on {_sets(config)}{leak}",
        }
        if seen := checks.shared_heads(heads, kept):
            out["A33"] = claims.record("A33", seen, **more, **common)
        level = compare.jointly(len(kept))
        gains = {n: chosen.gain for n in kept if (chosen := path_of(heads, n, level))}
        if gains:
            told = {f"path's gain at equal accuracy, {called(n)}": g for n, g in gains.items()}
            claims.relate("A32", told, part="paths", **more, **common)
    return out


def _sets(config: HoldingOn) -> str:
    return ", ".join((config.id, *config.ood))


def _leak(config: HoldingOn) -> str:
    if not any(name in LEAKING for name in config.ood):
        return ""
    return "; the shifted images are from ImageNet, as what is replayed"


def _row(c: Curve, k: int, **more: object) -> dict[str, object]:
    er = estimate(c.er[:, k], c.seeds, "fraction")
    shown = points(er) if c.covered[k] else "outside the line"
    return {"ID": f"{100 * c.id[0, k]:.1f}", "OOD": f"{100 * c.ood[0, k]:.1f}", "ER": shown} | more


def methods(heads: Held | None, config: HoldingOn) -> Table:
    """Tabulate what a last layer can be given, by network, against the same stopped early."""
    rows: list[dict[str, object]] = []
    for network in networks(heads, config):
        assert heads is not None
        curve, path = (
            heads.curves.curves.get(last.condition(network, w)) for w in (last.MAPPED, last.PATH)
        )
        if curve is None:
            continue
        head = {"network": called(network)}
        cost = "no training"
        rows.append({**head, "method": "read through the map"} | _row(curve, 0, cost=cost))
        end = len(curve.steps) - 1
        rows.append({**head, "method": "trained to the end"} | _row(curve, end, cost="1"))
        found = path_of(heads, network)
        if found and path is not None:
            share = path.steps[found.at] / path.steps[-1]
            told = {"at equal accuracy": points(found.gain), "cost": "1, and one reading a point"}
            rows.append(
                {**head, "method": f"mixed, {share:.1f} trained"} | _row(path, found.at, **told)
            )
        for what in (last.REPLAY, last.WEIGHTED):
            c = heads.curves.curves.get(last.condition(network, what))
            if c is not None:
                equal = checks.equal_gain(c, curve)
                told = {"at equal accuracy": points(equal[0]) if equal else "–", "cost": "2"}
                rows.append({**head, "method": what} | _row(c, len(c.steps) - 1, **told))
    if not rows:
        return missing("Last layers are")
    return charts.show(
        pd.DataFrame(rows),
        caption=f"Last layers, rate {config.head_lr:g}, {config.checkpoints} checkpoints, features "
        "of one mean length: accuracies in percent, effective robustness in points, what it is "
        "above or below training that was stopped early at the same ID accuracy [95 %, images and "
        "seeds], and the cost in images that are trained on",
    )


def conditions(held: Held | None, config: HoldingOn, what: str) -> Table:
    """Tabulate what a whole small network can be given: accuracies, robustness, memory, cost."""
    if held is None or small.NONE not in held.curves.curves:
        return missing(f"The small network of {what} is")
    base, rows = held.curves.curves[small.NONE], []
    for name, c in held.curves.curves.items():
        equal = None if name == small.NONE else checks.equal_gain(c, base)
        rows.append(
            {"method": name, "seeds": c.seeds}
            | _row(c, len(c.steps) - 1)
            | {
                "at equal accuracy": points(equal[0]) if equal else "–",
                "old accuracy kept": _percent(checks.kept(held.run, name, config.resamples)),
                "cost": f"{1 + small.read(name)[0]}",
            }
        )
    path = held.paths.curves.get(small.NONE)
    if path is not None and (found := checks.path_gain(path, base)):
        share = path.steps[found.at] / path.steps[-1]
        left = checks.kept(held.run, small.NONE, config.resamples, found.at, "paths")
        told = {"at equal accuracy": points(found.gain), "old accuracy kept": _percent(left)}
        row = {"method": f"mixed, {share:.1f} trained", "seeds": path.seeds}
        rows.append(row | _row(path, found.at, **told, cost="1, and one reading a point"))
    return charts.show(
        pd.DataFrame(rows),
        caption=f"{what}: accuracies at the end in percent, effective robustness in points, what "
        "it is above or below training without replay at the same ID accuracy, the share of the "
        "old set's accuracy that is left [95 %, images and seeds], and the cost in images trained "
        "on",
    )


def _percent(seen: Estimate) -> str:
    return f"{100 * seen.value:.0f} % [{100 * seen.low:.0f}, {100 * seen.high:.0f}]"


def advice(heads: Held | None, replay: Held | None, digits: Held | None, config: HoldingOn) -> str:
    """Give a practitioner one sentence, made of what the methods gained."""
    parts = []
    kept = networks(heads, config)
    gains = [g for n in kept if heads and (g := path_of(heads, n, compare.jointly(len(kept))))]
    if gains:
        counts = sum(g.counts for g in gains)
        verb = "Mix" if 2 * counts > len(gains) else "Do not count on mixing"
        parts.append(
            f"{verb} the trained last layer with the one it started from: on {counts} of "
            f"{len(gains)} networks the mixture stands, with its whole interval, higher above the "
            "line than training stopped early at the same accuracy"
        )
    for held, where in ((replay, set_title(config.id)), (digits, "MNIST to USPS")):
        if told := _of_replay(held, where, config):
            parts.append(told)
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if parts else f"Nothing is computed yet: {MAKE} does it."


def _of_replay(held: Held | None, where: str, config: HoldingOn) -> str:
    names = [n for n in (held.curves.curves if held else ()) if n != small.NONE]
    true = [n for n in names if not n.endswith(small.SHUFFLED)]
    if held is None or not true or small.NONE not in held.curves.curves:
        return ""
    base = held.curves.curves[small.NONE]
    level = compare.jointly(len(true))
    found = [checks.equal_gain(held.curves.curves[n], base, level) for n in true]
    gained = sum(e is not None and e[0].low > 0 for e in found)
    more = [checks.old_difference(held.run, n, small.NONE, config.resamples) for n in true]
    kept = sum(e.low > 0 for e in more)
    return (
        f"on {where} replay keeps more of the old task in {kept} of {len(true)} ways, and gains "
        f"robustness at equal accuracy in {gained}"
    )


def controls(heads: Held | None, replay: Held | None, config: HoldingOn) -> Table:
    """Say what the controls show: replayed labels that are shuffled, a path to random weights."""
    parts = []
    kept = networks(heads, config)
    for network in kept:
        path = heads.curves.curves.get(last.condition(network, last.RANDOM)) if heads else None
        if path is not None:
            seen = checks.random_rise(path)
            verdict = "as it should" if seen.value <= checks.COST else "which should not be"
            parts.append(
                f"{called(network)}: a path as long in a random direction is at best "
                f"{points(seen)} points of ID accuracy above its start, {verdict}."
            )
    if replay is not None:
        for name in replay.curves.curves:
            true = name.removesuffix(small.SHUFFLED)
            if name != true and true in replay.curves.curves:
                seen = checks.old_difference(replay.run, true, name, config.resamples)
                parts.append(
                    f"Replay of shuffled labels, {true}: it ends {points(seen)} points of old "
                    "accuracy below replay of true ones."
                )
    return bullets(parts) if parts else missing("The controls are")
