"""Somebody's own models against the line: from a CSV of accuracies to effective robustness."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from nbcore.data.tables import read_table
from nbcore.errors import DataError, ParameterError, did_you_mean
from nbcore.lines.public import add_intervals, load_accuracies, load_testbed
from nbcore.lines.shifts import TESTBEDS, WITH_LINE
from nbcore.measures import robustness

#: with fewer models a line's slope is hardly known
ENOUGH = 10


@dataclass
class Measured:
    """Models (columns of `Testbed.models`) measured against `line`, which `source` names."""

    models: pd.DataFrame
    line: robustness.Line
    source: str
    images: int | None
    testbed: pd.DataFrame | None = None

    def headline(self) -> str:
        """Say the line in one sentence."""
        fit = self.line
        t = stats.t.ppf(0.975, fit.n - 2)
        return (
            f"{fit.scale}(ood) = {fit.slope:.4f} (± {t * fit.slope_se:.4f}) · {fit.scale}(id) "
            f"{fit.intercept:+.4f} (± {t * fit.intercept_se:.4f}), R² = {fit.r2:.4f}: "
            f"{self.source}; ± is a 95 % interval"
        )

    def warnings(self) -> list[str]:
        """Say where the line itself is hardly known."""
        fit = self.line
        if fit.n >= ENOUGH:
            return []
        return [
            f"The line rests on only {fit.n} models: its slope {fit.slope:.2f} has a standard error"
            f" of {fit.slope_se:.2f}; give {ENOUGH} models or more, or measure yours against a "
            "published line with --testbed."
        ]

    def rows(self) -> list[dict[str, Any]]:
        """List one row per model, effective robustness in points; outside the range it says so."""
        rows = []
        for m in self.models.to_dict("records"):
            inside = bool(self.line.covers(m["id"]))
            er = f"{100 * m['er']:+.2f}" if inside else "outside the line's range"
            row = {"model": m["model"], "id": f"{m['id']:.4f}", "ood": f"{m['ood']:.4f}"}
            row["effective robustness, points"] = er
            if self.images:
                band = f"{100 * m['band_low']:+.2f} to {100 * m['band_high']:+.2f}"
                decided = ("yes" if m["significant"] else "no") if inside else "–"
                row |= {"by chance alone": band, "significant": decided}
            rows.append(row)
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return the line and the models for scripts: fractions, `er` null outside the range."""
        frame = self.models.copy()
        for column in {"er", "significant"} & set(frame):
            frame[column] = frame[column].astype(object).where(self.line.covers(frame["id"]))
        records = frame.astype(object).where(frame.notna(), None).to_dict("records")
        told = {"line": asdict(self.line), "source": self.source, "warnings": self.warnings()}
        return told | {"models": records}

    def draw(self, path: Path) -> None:
        """Save the scatter with the line as .html (self-contained), .svg or .png."""
        from nbcore import charts

        both = [self.models.assign(group="yours")]
        both = [self.testbed, *both] if self.testbed is not None else both
        chart = charts.accuracy_scatter(
            pd.concat(both) if len(both) > 1 else self.models,
            self.line,
            scale="linear",
            title=f"{len(self.models)} models and {self.source}",
            description=self.headline(),
            x_title="ID accuracy",
            y_title="OOD accuracy",
        )
        charts.save(chart, path)


def read_models(path: str | Path) -> pd.DataFrame:
    """Read a table of somebody's models: columns `id` and `ood` (fractions), optionally `model`.

    Models without a name are numbered; without a column of names, row names are taken. DataError,
    one sentence that names the line, for what `data.tables.read_table` refuses and for numbers
    outside [0, 1].
    """
    table = read_table(path, ["id", "ood"], ["model"])
    numbers = {name: table.numbers(name) for name in ("id", "ood")}
    for name, values in numbers.items():
        outside = (values < 0) | (values > 1)
        if outside.any():
            row = int(np.argmax(outside))
            raise table.error(
                row,
                f"{name} must be a fraction between 0 and 1, but it is {table.texts(name)[row]}; "
                "divide percentages by 100",
            )
    names = table.texts("model") if "model" in table.columns else table.row_names
    order = [str(i) for i in range(len(table) + 1)]
    if names in (None, order[1:], order[:-1]):  # rows that are only counted
        names = [""] * len(table)
    numbered = [name or f"model {i}" for i, name in enumerate(names or (), 1)]
    return pd.DataFrame(numbers | {"model": numbered})


def testbeds() -> list[dict[str, Any]]:
    """List the testbeds: name, models, what id and ood are, images, what the line goes through."""
    rows = []
    for name, shift in TESTBEDS.items():
        bed = load_accuracies(name)
        row = {"testbed": name, "models": len(bed.models), "id": bed.axes[0], "ood": bed.axes[1]}
        rows.append(row | {"images": bed.ood_total, "line": shift.about()})
    return rows


def measure_models(
    csv: Path,
    testbed: str | None = None,
    images: int | None = None,
    scale: str = "logit",
    family: str | None = None,
) -> Measured:
    """Fit a line to a CSV of models, or measure them against a published testbed's line.

    images: number of OOD images, which turns the distance from the line into a significance.
    family: the testbed's line goes through its models of this family only.
    """
    frame = read_models(csv)
    if scale not in robustness.SCALES:
        raise ParameterError(f"No scale {scale!r}; {did_you_mean(scale, robustness.SCALES)}")
    if testbed in TESTBEDS and testbed not in WITH_LINE:
        raise ParameterError(
            f"The points of {testbed} bend, so no line is drawn through them; choose another of "
            "`nbcore line --list`."
        )
    if testbed is not None and testbed not in WITH_LINE:
        raise ParameterError(
            f"There is no line of a testbed {testbed!r}; {did_you_mean(testbed, WITH_LINE)}"
        )
    if family is not None and testbed is None:
        raise ParameterError("A family is one of a testbed's: give testbed too.")
    others = None
    try:
        if testbed is None:
            fit = robustness.fit_line(frame["id"], frame["ood"], scale)
            source = f"a line through these {len(frame)} models"
        else:
            bed = load_testbed(testbed, family=family)
            fit = robustness.fit_line(bed.fitted["id"], bed.fitted["ood"], scale)
            images = images or bed.ood_total
            who = family or TESTBEDS[testbed].through or "public"
            source = f"the line of {testbed} ({fit.n} models: {who}), id on {bed.axes[0]}"
            groups = np.where(bed.models["in_line"], "in the line", "other models")
            others = bed.models.assign(group=groups)
    except robustness.NoLine as error:
        raise DataError(f"{csv}: {error}") from None
    if images:
        frame = add_intervals(frame, fit, images, images, 0.95)
    else:
        frame["er"] = robustness.effective_robustness(frame["id"], frame["ood"], fit)
        for column in ("id_low", "id_high", "ood_low", "ood_high"):
            frame[column] = np.nan
    return Measured(frame, fit, source, images, others)
