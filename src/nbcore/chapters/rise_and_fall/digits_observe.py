"""What MNIST to USPS says of rise and fall: the checks, related evidence for A5, table and figure.

The checks are those of the ledger in words and bounds (A5's peak, A7's rise and fall, A8's end),
asked of a shift that neither paper nor ledger names. So their outcome stands beside A5 as related
evidence and is no verdict. They were written before any of the fine-tuned networks was evaluated on
USPS. When the line was known, and still before that, a second band was added: on these digits the
line's own networks scatter far beyond chance, so that a height counts as unusual only above
`robustness.scatter_band`, where one more network from scratch would lie.
"""

from collections import Counter
from dataclasses import replace

from nbcore import charts, claims
from nbcore.chapters.rise_and_fall.digits import computed, study
from nbcore.chapters.rise_and_fall.digits_config import HEAD, RANDOM, WHOLE, Condition, Digits
from nbcore.chapters.rise_and_fall.figures import testbed
from nbcore.chapters.rise_and_fall.networks import NAMES
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table, bullets, sentence
from nbcore.claims.checks import HELD, MISSED, Check
from nbcore.lines import compare
from nbcore.lines.curves import Curve, Study
from nbcore.lines.figures import covered, instead
from nbcore.lines.figures import curves as er_curves
from nbcore.lines.tables import summary
from nbcore.measures import robustness
from nbcore.measures.estimate import Estimate

#: "significantly higher" in the middle: the whole interval of the peak above the chance band
ABOVE = Check("peak excess over the interval", "fraction", "above", 0.0, judge="interval")
ROSE = Check("rise from start to peak", "fraction", "above", 0.0, judge="interval")
FELL = Check("fall from peak to end", "fraction", "above", 0.0, judge="interval")
#: "vanishes": nothing significant is left at the last checkpoint
BACK = Check("end excess over the interval", "fraction", "at_most", 0.0)

BOTH, FALLS, STAYS, OPEN, INSIDE, UNSURE = (
    "rises and is back",
    "starts above and is back",
    "rises and stays",
    "rises, its end is undecided",
    "stays inside",
    "undecided",
)
NOT_COMPUTED = (
    "The fine-tuned networks have not been computed yet: "
    "nbcore.chapters.rise_and_fall.digits.run_digits does it, in about 15 minutes of one core."
)
NOT_DRAWN = "Not run in this preset: MNIST and USPS are not embedded. The preset book has them."


def load(preset: str) -> Digits | None:
    """Give the config that a page of this preset shows; None where only embedded data are used."""
    return None if preset == "smoke" else Digits.resolve("book")


def words(name: str) -> str:
    """Name a condition as the page does: `SqueezeNet, last layer, 100 digits`."""
    how, start, images = name.split(", ")
    if how == RANDOM:
        return f"random start, {int(images):,} digits"
    what = {HEAD: "last layer", WHOLE: "whole network"}[how]
    return f"{start_words(start)}, {what}, {int(images):,} digits"


def start_words(start: str) -> str:
    """Name where a network starts: the network of ImageNet, or a small one by its pictures."""
    small = {"fashion-mnist": "Fashion-MNIST", "tiny-imagenet-32": "Tiny ImageNet"}
    return NAMES.get(start, f"small, {small.get(start, start)}")


def excess(c: Curve) -> Estimate:
    """Estimate the peak's height above the chance band there."""
    return compare.shifted(compare.peak(c), -c.band[c.peak])


def end_excess(c: Curve) -> Estimate:
    """Estimate the height above the chance band at the last covered checkpoint."""
    return compare.number(c.excess()[:, c.end], c)


def course(c: Curve) -> str:
    """Judge a curve by the checks above, in words: one of `BOTH` … `UNSURE`."""
    if (above := ABOVE.outcome(excess(c))) != HELD:
        return INSIDE if above == MISSED else UNSURE
    back = BACK.outcome(end_excess(c))
    if back == MISSED:
        return STAYS
    if back == HELD and FELL.outcome(compare.fall(c)) == HELD:
        return BOTH if ROSE.outcome(compare.rise(c)) == HELD else FALLS
    return OPEN


def against_scatter(found: Study) -> Study:
    """Put the line's scatter in the place of chance: the upper end of one more network's height."""
    models = found.models
    bands = {
        k: robustness.scatter_band(c.id[0], models["id"], models["ood"])[1]
        for k, c in found.curves.items()
    }
    return replace(found, curves={k: replace(c, band=bands[k]) for k, c in found.curves.items()})


def outside_chance(found: Study) -> int:
    """Count the line's own models outside the chance band, which 5 % would be by chance."""
    low, high = robustness.chance_band(found.models["id"], found.ood_total, found.line)
    er = found.models["er"].to_numpy()
    return int(((er < low) | (er > high)).sum())


def group(config: Digits, how: str, images: int = 0, own: bool = False) -> list[str]:
    """List conditions by what is trained: of networks of ImageNet, or (`own`) pretrained here."""
    starts = config.pictures if own else config.networks
    if how == WHOLE and not own:
        starts = config.whole
    return [Condition(how, start, images or config.sizes[0]).name for start in starts]


def record(found: Study, config: Digits, preset: str) -> claims.Observation:
    """Write the main conditions' peak above chance and above scatter, and their end, beside A5.

    They are related evidence and never a verdict.
    """
    names = group(config, HEAD) + group(config, HEAD, own=True) + group(config, WHOLE, own=True)
    names += [Condition(RANDOM, config.kind, config.sizes[0]).name]
    seen, beyond = {}, against_scatter(found)
    for name in covered(found, names):
        c = found.curves[name]
        seen[f"peak excess over chance, {words(name)}"] = excess(c)
        seen[f"peak excess over the line's scatter, {words(name)}"] = excess(beyond.curves[name])
        seen[f"end excess over chance, {words(name)}"] = end_excess(c)
    return claims.relate(
        "A5",
        seen,
        run=found.run,
        subject=f"{config.id} to {', '.join(config.ood)}",
        preset=preset,
        setup="reduced",
        part=config.slug,
    )


def table(found: Study) -> Table:
    """Show every condition: accuracies at the end, effective robustness, course by each band."""
    rows = summary(found, words)
    for title, by in (("by chance", found), ("by scatter", against_scatter(found))):
        rows[title] = [course(c) if c.covered.any() else "not covered" for c in by.curves.values()]
    return charts.show(
        rows,
        caption="MNIST to USPS: final accuracies in percent; effective robustness in points at the "
        "start, the peak (with 95 % interval) and the end, the chance band at the peak, and the "
        "course by the checks, against chance and against the scatter of the line's own networks",
    )


def curves(found: Study, config: Digits) -> Figure | Table:
    """Draw effective robustness along ID accuracy: last layers of ImageNet's networks, control."""
    control = group(config, HEAD, own=True)[:1]
    names = group(config, HEAD)[:5] + control
    kept = covered(found, group(config, HEAD)[:5])
    both = sum(course(found.curves[n]) in (BOTH, FALLS) for n in kept)
    above = sum(ABOVE.outcome(excess(found.curves[n])) == HELD for n in kept)
    return er_curves(
        found,
        names,
        lambda n: words(n).rsplit(", last layer", 1)[0],
        f"{above} of {len(kept)} networks of ImageNet peak above the chance band on USPS, "
        f"{both} are back in it at the end",
        f"Last layers on {config.sizes[0]:,} MNIST images, mean over seeds, 95 % intervals; the "
        "testbed (dots), its chance (shaded)",
        width=0.01,
    )


def told(found: Study, config: Digits, mixed: Study, shuffled: Study) -> Table:
    """Say in words what the run shows: the line, the courses, the controls."""
    groups = {
        f"Last layers of ImageNet's networks on {n:,} digits": group(config, HEAD, n)
        for n in config.sizes
    }
    groups["Small networks pretrained here, last layer"] = group(config, HEAD, own=True)
    groups["Small networks pretrained here, whole"] = group(config, WHOLE, own=True)
    groups["Networks of ImageNet, whole"] = group(config, WHOLE)
    groups["The same small network from random weights"] = [
        Condition(RANDOM, config.kind, config.sizes[0]).name
    ]
    parts = [f"{title}: {_courses(found, names)}." for title, names in groups.items() if names]
    main, beyond = group(config, HEAD), against_scatter(found)
    parts.append(
        f"Against the line through all {mixed.line.n} models, the classical ones too (slope "
        f"{mixed.line.slope:.2f}), the first group is: {_courses(mixed, main)}."
    )
    parts.append(f"Above the scatter of the line's own networks: {_courses(beyond, main)}.")
    parts.append(_control(shuffled))
    line, rest = sentence(line_words(found)), bullets(parts)
    return Table(line.markup + rest.markup, f"{line.text}\n{rest.text}")


def _courses(found: Study, names: list[str]) -> str:
    seen = [course(found.curves[n]) for n in covered(found, names)]
    seen += ["not covered by the line"] * (len(names) - len(seen))
    return "; ".join(f"{what} ({n} of {len(names)})" for what, n in Counter(seen).most_common())


def line_words(found: Study) -> str:
    """Say how good a yardstick the line is: its fit, its bend, its own models beyond chance."""
    fit, bent, out = found.line, found.bend, outside_chance(found)
    text = (
        f"The line through {fit.n} networks from scratch has slope {fit.slope:.2f} and R² "
        f"{fit.r2:.3f}; {out} of its {fit.n} networks are themselves outside the chance band"
    )
    if bent is not None:
        said = "it bends" if bent.significant else "no bend is found"
        text += f"; quadratic term {bent.term:+.3f}, {bent.told}: {said}"
    if out > 0.1 * fit.n:
        text += (
            ". So what a network from scratch does on USPS depends on more than its MNIST "
            "accuracy, and a height above the chance band alone shows no robustness of pretraining"
        )
    return f"{text}."


def _control(shuffled: Study) -> str:
    kept = [c for c in shuffled.curves.values() if c.covered.any()]
    if not kept:
        return "With USPS's labels shuffled the line covers no condition."
    above = [c for c in kept if ABOVE.outcome(excess(c)) == HELD]
    return (
        f"With USPS's labels shuffled, {len(above)} of {len(kept)} conditions peak above the band."
    )


def verdict_words(found: Study, config: Digits) -> str:
    """Answer the section's question once for each band: does it rise and fall there too?"""
    parts = []
    for band, by in (("chance band", found), ("scatter", against_scatter(found))):
        kept = covered(by, group(config, HEAD))
        seen = Counter(course(by.curves[n]) for n in kept)
        back, up = seen[BOTH] + seen[FALLS], seen[BOTH] + seen[STAYS] + seen[OPEN] + seen[FALLS]
        parts.append(
            f"{up} of {len(kept)} networks of ImageNet peak above the line's {band} with the whole "
            f"interval, and {back} of them are back at the end."
        )
    return " ".join(parts)


def section(preset: str) -> tuple[Figure | Table, Table, Table]:
    """Make what the page's section shows, and record it: figure, table, words."""
    config = load(preset)
    if config is None:
        return (instead(NOT_DRAWN),) * 3
    if not computed(config):
        line = study(config, line_only=True)
        return testbed(line, "USPS"), instead(NOT_COMPUTED), sentence(line_words(line))
    found = study(config)
    record(found, config, preset)
    told_of = told(found, config, study(config, with_classical=True), study(config, shuffled=True))
    answer = sentence(verdict_words(found, config))
    said = Table(answer.markup + told_of.markup, f"{answer.text}\n{told_of.text}")
    return curves(found, config), table(found), said
