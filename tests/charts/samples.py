"""One small figure of every kind, with a name that tries to break out of the page."""

from functools import cache

import numpy as np
import pandas as pd

from nbcore import charts
from nbcore.charts.finetuning import trade_off
from nbcore.charts.renderer import render
from nbcore.measures import robustness as measure

EVIL = "net</script><img src=x onerror=\"window.broken=1\">, 'a'"
rng = np.random.default_rng(0)


def models(n: int = 30) -> pd.DataFrame:
    """A testbed around a logit line, of `n` models, the first of which has the evil name."""
    x = rng.normal(0.5, 1, n)
    table = pd.DataFrame({"model": [EVIL, *(f"net-{i}" for i in range(1, n))]})
    for name, z, total in (("id", x, 10_000), ("ood", 0.9 * x - 0.5, 2_000)):
        right = rng.binomial(total, 1 / (1 + np.exp(-z)))
        table[name] = right / total
        table[f"{name}_low"], table[f"{name}_high"] = measure.clopper_pearson(right, total)
    return table.assign(family=np.resize(["ours", "others", "web"], n))


@cache
def figures() -> dict:
    """Name → figure."""
    table = models()
    line = measure.fit_line(table["id"], table["ood"])
    er = table["ood"] - line.predict(table["id"])
    rest = table.assign(er=er, low=er - 0.01, high=er + 0.01)
    band = pd.DataFrame({"x": [0.1, 0.9], "low": -0.01, "high": 0.01})
    parts = pd.concat(table.assign(residual=er, scale=s) for s in ("linear", "probit", "logit"))
    steps = pd.DataFrame({"x": range(1, 9), "y": np.sqrt(range(8)), "series": EVIL})
    steps = pd.concat([steps, steps.assign(series="b", y=steps["y"] / 2)])
    rows = pd.DataFrame({"category": [EVIL, "b"], "value": [0.2, 0.4], "low": 0.1, "high": 0.5})
    ends = pd.DataFrame(
        {
            "kind": [EVIL, EVIL, "b"],
            "series": ["hard", "easy", "hard"],
            "x": [0.6, 0.7, 0.8],
            "y": [0.03, 0.01, 0.02],
        }
    )
    for c in ("x", "y"):
        ends[f"{c}_low"], ends[f"{c}_high"] = ends[c] - 0.01, ends[c] + 0.01
    pair = [
        charts.accuracy_scatter(table, line, scale=s, width=340, **say(s))
        for s in ("linear", "logit")
    ]
    return {
        "accuracy": charts.accuracy_scatter(table.assign(group=table["family"]), line, **say("a")),
        "pair": charts.side_by_side(*pair, **say("Both scales")),
        "robustness": charts.robustness_scatter(rest, band, **say("Few leave the band")),
        "residuals": charts.residual_plot(parts, **say("Logit leaves the least")),
        "heat": charts.heat_map(
            rng.random((30, 30)),
            list(table["model"]),
            accuracy=table["ood"].to_numpy(),
            **say("Sorted"),
        ),
        "solved": charts.solved_histogram([5, 0, 3, 9], **say("Most are solved")),
        "curve": charts.curve(
            steps.assign(low=steps["y"] - 0.1, high=steps["y"] + 0.1),
            x_title="step",
            y_title="value",
            band=(0, 0.5, "band"),
            level=(1, "level"),
            x_scale="log",
            **say("It rises"),
        ),
        "trade-off": trade_off(ends, **say("Hard examples cost accuracy")),
        "bars": charts.bars(
            rows,
            x_title="share",
            x_format="~%",
            reference=(0.3, "paper"),
            **say("Close to the paper"),
        ),
        "explorer": charts.family_explorer(rest, line, family="web", **say("Web data rise")),
    }


@cache
def bundle(name: str) -> dict:
    """The figure as the page, the PDF and plain text get it."""
    return render(figures()[name].to_dict())


def say(title: str) -> dict:
    return {"title": title, "description": f'What "{title}" shows, in words & numbers <5 %.'}
