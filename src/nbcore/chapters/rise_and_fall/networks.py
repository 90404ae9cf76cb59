"""What the last layers of several networks say: claims A10, A18 and A36, and their figures."""

import numpy as np
import pandas as pd

from nbcore import charts, claims
from nbcore.chapters.rise_and_fall.config import OWN_SIDE, SERIES, RiseAndFall
from nbcore.chapters.rise_and_fall.last_layers import condition
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.claims import Observation
from nbcore.lines import compare
from nbcore.lines.curves import Curve, Study
from nbcore.lines.figures import covered, instead
from nbcore.lines.figures import curves as er_curves
from nbcore.lines.tables import summary
from nbcore.measures.bootstrap import estimate
from nbcore.measures.cscores import spearman
from nbcore.measures.estimate import Estimate

Observed = dict[str, Estimate]
#: bins of ID accuracy in which runs are averaged (ER appendix B.5), and how many conditions a
#: spread over conditions needs
BINS, FEWEST = 100, 10
NAMES = {name: f"EfficientNet-Lite{i}" for i, name in enumerate(SERIES)} | {
    "mobilenet_v2": "MobileNetV2",
    "squeezenet1_0": "SqueezeNet",
}
NONE = "Not drawn: on images of your own, name the networks to compare with -p networks=[...]."


def words(name: str) -> str:
    """Name a condition as the page does: `EfficientNet-Lite0, 128 px`."""
    what, rate = name.split(", rate ")
    network, side = what.rsplit("@", 1)
    return f"{NAMES.get(network, network)}, {side} px, rate {rate}"


def network(name: str) -> str:
    """Name a condition at the main rate by its network and side alone."""
    return words(name).rpartition(", rate")[0]


def main_names(config: RiseAndFall, side: int | None = None) -> list[str]:
    """List each network's condition at the main rate and one side, the first unless given."""
    at = config.head_sizes[0] if side is None else side
    return [condition(n, at, config.head_lrs[0]) for n in config.compared]


def record(study: Study | None, config: RiseAndFall, preset: str) -> dict[str, Observation]:
    """Record A10, A18 and A36 as far as these networks show them; A5's peaks as related."""
    if study is None:
        return {}
    c = {k: v for k, v in study.curves.items() if v.covered.any()}
    main = [c[n] for n in main_names(config) if n in c]
    seen: dict[str, Observed] = {"A10": _sizes(c, config), "A36": _gap_shares(main)}
    if config.head_checkpoints >= BINS and len(c) >= FEWEST:
        seen["A18"] = _spreads(list(c.values()))
    about = f"last layers of {len(config.compared)} networks on {config.id}"
    common = {"run": study.run, "subject": about, "preset": preset}
    if main:
        peaks = {f"peak excess, last layer, {words(k.name)}": _excess(k) for k in main}
        claims.relate("A5", peaks, setup=config.setup("A5"), **common)  # type: ignore[arg-type]
    return {
        key: claims.record(key, found, setup=config.setup(key), **common)  # type: ignore[arg-type]
        for key, found in seen.items()
        if found
    }


def _excess(c: Curve) -> Estimate:
    return compare.shifted(compare.peak(c), -c.band[c.peak])


def _sizes(c: dict[str, Curve], config: RiseAndFall) -> Observed:
    """Compare the peaks of the size series, at one side and at each network's own."""
    out = {}
    for side, where in ((config.head_sizes[0], "same images"), (OWN_SIDE, "own resolutions")):
        if side not in config.head_sizes:
            continue
        names = [condition(n, side, config.head_lrs[0]) for n in SERIES]
        for i, (small, large) in enumerate(zip(names, names[1:], strict=False)):
            if small in c and large in c:
                what = f"lite{i + 1} minus lite{i} peak, last layer, {where}"
                out[what] = compare.peak_difference(c[large], c[small], compare.jointly(2))
    return out


def _gap_shares(curves: list[Curve]) -> Observed:
    """Correlate the share of the gap with the checkpoint; of several networks the largest."""
    found = []
    for c in curves:
        shares = c.gap_share[:, c.covered]
        order = np.arange(shares.shape[1])
        draws = np.array([spearman(order, row) for row in shares])
        seen = estimate(draws, c.seeds, "1", c.over)
        if seen.defined:
            found.append(seen)
    name = "last-layer spearman of gap share with checkpoint"
    return {name: compare.largest(found)} if found else {}


def _spreads(curves: list[Curve], resamples: int = 500) -> Observed:
    """Compare how much the error bars at the peak bin and the largest ones vary over conditions.

    The number is the first standard deviation minus the second; a draw redraws each condition's
    seeds.
    """
    rng = np.random.default_rng(0)
    draws = []
    for draw in range(resamples + 1):
        bars = []
        for c in curves:
            pick = rng.integers(0, c.seeds, c.seeds) if draw else np.arange(c.seeds)
            again = Curve(
                **{**vars(c), "id_by_seed": c.id_by_seed[pick], "er_by_seed": c.er_by_seed[pick]}
            )
            bars.append(compare.peak_spreads(again))
        at_peak, largest = np.std(bars, axis=0, ddof=1)
        draws.append(at_peak - largest)
    name = "with 100 checkpoints or more, spread of the peak-bin minus that of the largest"
    return {name: estimate(np.array(draws), len(curves), "fraction", "seeds drawn again")}


def curves(study: Study | None, config: RiseAndFall) -> Figure | Table:
    """Draw effective robustness along ID accuracy for every network's last layer."""
    if study is None:
        return instead(NONE)
    names = main_names(config)
    kept = [_excess(study.curves[n]) for n in covered(study, names)]
    above, wholly = (sum(getattr(e, k) > 0 for e in kept) for k in ("value", "low"))
    return er_curves(
        study,
        names,
        network,
        f"{above} of {len(names)} networks peak above the chance band, {wholly} with the whole "
        "interval of the peak",
        "Mean over seeds and over checkpoints within 2 points of ID accuracy, 95 % intervals; the "
        "testbed (dots), its chance (shaded)",
        width=0.02,
    )


def peaks(study: Study | None, config: RiseAndFall) -> Figure | Table:
    """Draw the peak of every network at the main rate, at each side that was run."""
    if study is None:
        return instead(NONE)
    sides = config.head_sizes
    names = [n for side in sides for n in main_names(config, side)]
    kept = covered(study, list(dict.fromkeys(names)))
    if not kept:
        return instead("Not drawn: the line covers no peak of these networks.")
    found = [compare.peak(study.curves[n]) for n in kept]
    table = pd.DataFrame(
        {
            "category": [network(n) for n in kept],
            "value": [100 * e.value for e in found],
            "low": [100 * e.low for e in found],
            "high": [100 * e.high for e in found],
        }
    )
    best = table.iloc[int(np.argmax(table["value"]))]
    return charts.bars(
        table,
        title=f"{best['category']} peaks highest, at {best['value']:+.1f} points",
        subtitle="Peak effective robustness of the last layer, with 95 % intervals that allow for "
        "the choice of the peak",
        description="Peak effective robustness in points: "
        + "; ".join(
            f"{r.category} {r.value:+.1f} [{r.low:+.1f}, {r.high:+.1f}]" for r in table.itertuples()
        )
        + ".",
        x_title="peak effective robustness (points)",
        x_format="+.1f",
        zero=True,
    )


def table(study: Study | None) -> Table:
    """Show every condition: accuracies at the end, effective robustness at start, peak and end."""
    if study is None:
        return instead(NONE)
    return charts.show(
        summary(study, words),
        caption="The last layers of all networks at two rates: final accuracies in percent; "
        "effective robustness in points at the start, the peak (with 95 % interval) and the end, "
        "and the chance band at the peak",
    )
