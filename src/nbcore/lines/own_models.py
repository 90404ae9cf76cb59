"""Somebody's own models against the line: from a CSV of accuracies to effective robustness."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from nbcore.errors import DataError, ParameterError, did_you_mean
from nbcore.lines.public import WITH_LINE, add_intervals, load_testbed, read_models
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
        """The line in one sentence."""
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
        """One row a model, effective robustness in points; blank outside the testbed's range."""
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
        """For scripts: the line, and per model fractions, `er` null outside the line's range."""
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


def measure_models(
    csv: Path, testbed: str | None = None, images: int | None = None, scale: str = "logit"
) -> Measured:
    """Fit a line to a CSV of models, or measure them against a published testbed's line.

    images: number of OOD images, which turns the distance from the line into a significance.
    """
    frame = read_models(csv)
    if scale not in robustness.SCALES:
        raise ParameterError(f"No scale {scale!r}; {did_you_mean(scale, robustness.SCALES)}")
    if testbed is not None and testbed not in WITH_LINE:
        raise ParameterError(
            f"There is no line of a testbed {testbed!r}; {did_you_mean(testbed, WITH_LINE)}"
        )
    others = None
    try:
        if testbed is None:
            fit = robustness.fit_line(frame["id"], frame["ood"], scale)
            source = f"a line through these {len(frame)} models"
        else:
            bed = load_testbed(testbed)
            fit = robustness.fit_line(bed.models["id"], bed.models["ood"], scale)
            images = images or bed.ood_total
            source = f"the line of {testbed} ({fit.n} public models)"
            others = bed.models.assign(group="testbed")
    except robustness.NoLine as error:
        raise DataError(f"{csv}: {error}") from None
    if images:
        frame = add_intervals(frame, fit, images, images, 0.95)
    else:
        frame["er"] = robustness.effective_robustness(frame["id"], frame["ood"], fit)
        for column in ("id_low", "id_high", "ood_low", "ood_high"):
            frame[column] = np.nan
    return Measured(frame, fit, source, images, others)
