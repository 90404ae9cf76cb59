"""Chapter 8's observations: the runs that it reads, what is recorded, and the page's tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nbcore import claims
from nbcore.chapters.corner_examples import checks, noise, rescue
from nbcore.chapters.corner_examples.config import CornerExamples
from nbcore.chapters.corner_examples.runs import load_mislabelled, load_watched
from nbcore.chapters.corner_examples.study import NAMES, CornerView, corner_view
from nbcore.charts.tables import Table
from nbcore.charts.tables import sentence as plain_sentence
from nbcore.claims import Observation
from nbcore.depths.ensembles import load
from nbcore.depths.roster import nice_name
from nbcore.measures.bootstrap import estimate, share
from nbcore.measures.estimate import Estimate
from nbcore.runs.store import Run


@dataclass
class Chapter:
    """Everything the page reads: ensembles by DATASET:NETWORK, those with wrong labels by what
    they are for, and the runs behind them."""

    config: CornerExamples
    runs: dict[str, Run]
    views: dict[str, CornerView]
    mislabelled: dict[str, CornerView]
    watched: dict[str, noise.Watch]
    noisy_runs: dict[str, Run]

    @property
    def main(self) -> CornerView:
        """The cards' ensemble, the one most like the paper's figures: see `most_like`."""
        return self.views[most_like(self.views)]

    @property
    def watch(self) -> noise.Watch | None:
        """The networks on planted labels that claims B21 to B23 are read from."""
        return self.watched[most_like(self.watched)] if self.watched else None

    @cached_property
    def errors(self) -> dict[str, noise.Errors]:
        """See `noise.label_errors`."""
        return noise.label_errors(self.views, self.mislabelled)


def most_like(keys: Mapping[str, object]) -> str:
    """Choose the key nearest to the paper's: CIFAR-10 before others, ResNet18, then VGG16."""
    return min(keys, key=lambda k: ("cifar10:" not in k, "resnet18" not in k, "vgg16" not in k))


def gather(config: CornerExamples, fresh: bool = False) -> Chapter:
    """Load or compute every run of the chapter."""
    found = load(config, fresh)
    wrong = load_mislabelled(config, fresh)
    watched = load_watched(config, fresh)
    how = (config.corner, config.resamples, config.seed)
    return Chapter(
        config,
        found,
        {k: corner_view(k, run, *how) for k, run in found.items()},
        {name: corner_view(name.partition(" ")[2], run, *how) for name, run in wrong.items()},
        noise.watches(watched, config.resamples, config.seed),
        wrong | {f"watched {key}": run for key, run in watched.items()},
    )


def record(chapter: Chapter, preset: str) -> dict[str, Observation]:
    """Record every claim of which something could be observed."""
    main, config = chapter.main, chapter.config
    ready = checks.observed(main)
    gathered = noise.smallest_enrichment(chapter.errors)
    if gathered:
        ready["B31"]["ratio of the corner's to the overall share of wrong labels"] = gathered
    ready["B39"] = middle_layer(main)
    source = dict.fromkeys(ready, chapter.runs[main.key])
    subject = dict.fromkeys(ready, main.name)
    if watch := chapter.watch:
        seen = noise.observed(watch)
        ready |= seen
        run = chapter.noisy_runs[f"watched {watch.key}"]
        source |= dict.fromkeys(seen, run)
        subject |= dict.fromkeys(
            seen, f"{nice_name(watch.key)}, {run.manifest['config']['noise']:.0%} planted labels"
        )
    claims.forget(config.slug)
    return {
        key: claims.record(
            key,
            observed,
            run=source[key],
            subject=subject[key],
            preset=preset,
            setup=config.setup(key, [main.key]),
        )
        for key, observed in sorted(ready.items())
        if observed
    }


def middle_layer(main: CornerView) -> dict[str, Estimate]:
    """Estimate B39 in the paper's way, and on examples chosen on one half, scored on the other."""
    found, n = rescue.rescues(main), main.networks
    same, other = found[rescue.SAME], found.get(rescue.OTHER)
    out = {
        "accuracy of the full network, same members": same.network,
        "accuracy of the middle layer, same members": same.middle,
        "middle layer minus full network accuracy, same members": same.gain,
    }
    if other is not None:
        out["middle layer minus full network accuracy, other half"] = other.gain
    return {name: estimate(draws, n, "fraction") for name, draws in out.items()}


def ensembles_table(chapter: Chapter) -> pd.DataFrame:
    """Tabulate the page's ensembles, and how many of their examples have no place in the plane."""
    rows = []
    for words, s in [("", s) for s in chapter.views.values()] + [
        (purpose, e.view) for purpose, e in chapter.errors.items() if purpose != "disputed"
    ]:
        held = s.held_out.sum(0)
        rows.append(
            {
                "ensemble": s.name + (f", {words} labels" if words else ""),
                "networks": s.networks,
                "images": len(s.label),
                "layers": s.last,
                "held out by": f"{held.min()}–{held.max()}" if np.ptp(held) else str(held[0]),
                "no place": int((~s.placed).sum()),
                "held out right": float(np.nanmean(s.right)),
                "consensus right": float((s.consensus == s.label)[s.placed].mean()),
            }
        )
    return pd.DataFrame(rows)


def corners_table(s: CornerView) -> pd.DataFrame:
    """Tabulate what is found in each corner, at the cards' size and at the paper's share."""
    rows = []
    for size in dict.fromkeys((s.corner, s.small)):
        for corner, at in s.find(size).items():
            rows.append(
                {
                    "corner": NAMES[corner],
                    "examples": size,
                    "val. depth": float(s.plane[0, at].mean()),
                    "train. depth": float(s.plane[1, at].mean()),
                    "held out right": share(s.right[at], s.networks).value,
                    "consensus = label": float((s.consensus == s.label)[at].mean()),
                    "agreement": float(s.agreeing[at].mean()),
                }
            )
    return pd.DataFrame(rows)


def variants(chapter: Chapter) -> pd.DataFrame:
    """Compare the checks of B29 to B38 on different choices of examples, one column a choice.

    They are the cards' corners, smaller ones, those of the other ensembles, and examples drawn at
    random, on which checks that are about corners have to fail.
    """
    main = chapter.main
    short = {k: s.name.rpartition(", ")[2] for k, s in chapter.views.items()}
    if len(set(short.values())) < len(short):
        short = {k: s.name for k, s in chapter.views.items()}
    found = {f"{short[main.key]} {main.corner}": checks.observed(main)}
    if main.small != main.corner:
        found[f"{short[main.key]} {main.small}"] = checks.observed(main, main.find(main.small))
    found |= {
        f"{short[s.key]} {s.corner}": checks.observed(s)
        for s in chapter.views.values()
        if s is not main
    }
    control = checks.observed(main, checks.at_random(main))
    control.pop("B29", None)  # not about corners
    return checks.comparison(found | {"at random": control})


def sentence(text: str) -> Table:
    """Return `text` as a paragraph; it is for sentences whose numbers come from the run."""
    return plain_sentence(text)


def sizes(chapter: Chapter) -> Table:
    """Say which share of its pool a corner is, on the cards and beside them."""
    main = chapter.main
    n = len(main.label)
    text = (
        f"The paper takes the 100 images nearest to each corner, of 50,000. The cards take "
        f"{main.corner} of {n:,}, which is {main.corner / n:.1%} of them instead of 0.2 %."
    )
    if main.small != main.corner:
        text += f" Beside them stand corners of {main.small} images, {main.small / n:.1%}."
    return plain_sentence(text)


def ties(chapter: Chapter) -> Table:
    """Say how many examples lie exactly in the first corner, so that their order decides."""
    said = []
    for s in chapter.views.values():
        depths = s.plane[:, s.placed]
        exact = int((depths == depths.min(1, keepdims=True)).all(0).sum())
        said.append(f"{exact:,} of {s.placed.sum():,} in {s.name}")
    return sentence(
        "Exactly in the corner of the easy ones, decided at the same earliest layer by every "
        f"network, lie {'; '.join(said)}. Where these are more than a corner takes, the first in "
        "the order of the data set stand for all."
    )


def by_noise(main: CornerView) -> Table:
    """Say how many layers apart the depths of an image are in two halves of the networks."""
    halves = [main.depth("val", half) for half in (0, 1)]
    apart = np.abs(halves[0] - halves[1])
    if np.isnan(apart).all():
        return sentence("There are too few networks to compare two halves of them.")
    return sentence(
        f"How much of it is noise? Between two halves of the networks in {main.name} the "
        f"validation depth of the same image differs by {np.nanmean(apart):.1f} layers on average."
    )


def rescue_table(chapter: Chapter) -> pd.DataFrame:
    """Tabulate claim B39 in its ways, one row per ensemble and way."""
    rows = []
    for s in chapter.views.values():
        for words, r in rescue.rescues(s).items():
            gain = estimate(100 * r.gain, s.networks, "1")
            points = (f"{x:+.1f}".replace("-", "\u2212") for x in (gain.value, gain.low, gain.high))
            value, low, high = points
            rows.append(
                {
                    "ensemble": s.name,
                    "images": rescue.SHORT[words],
                    "number": r.examples,
                    "networks": float(r.network[0]),
                    "middle probe": float(r.middle[0]),
                    "best single": float(r.best[0]),
                    "points gained": f"{value} [{low}, {high}]",
                }
            )
    return pd.DataFrame(rows)
