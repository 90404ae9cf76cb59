"""Compute SmoothECE with the package of its authors, in an environment of its own.

    python -m venv relplot && relplot/bin/pip install relplot==1.0.3
    relplot/bin/python tests/measures/relplot_values.py > tests/measures/relplot_values.json

`test_calibration` compares our values with what this wrote. Its grid of 200 points is made finer.
Two things of the package are left out of the comparison: of what lies within 1/2,000 of 0 or 1 it
keeps half (its reflection does not double the outermost point), so predictions stay .02 away; and
its kernel ends at ±½, felt from widths of about .15 on: larger errors are compared at .1 only.
"""

import json
from importlib import metadata

import numpy as np

POINTS = 10_000
GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927
#: what happens, given what is predicted
CURVES = {
    "calibrated": lambda p: p,
    "overconfident": lambda p: 0.5 + 0.4 * (p - 0.5),
    "underconfident": lambda p: np.clip(0.5 + 2 * (p - 0.5), 0, 1),
    "shifted": lambda p: np.clip(p + 0.1, 0, 1),
    "waves": lambda p: np.clip(p + 0.2 * np.sin(12 * p), 0, 1),
    "opposite": lambda p: 1 - p,
}
SIZES, SHAPES = (200, 5000), {"even": 1.0, "low": 3.0}
EDGE, WIDEST = 0.02, 0.15


def sample(curve, n, power):
    """Draw predictions and outcomes from two sequences that fill the square evenly."""
    k = np.arange(1, n + 1)
    p = EDGE + (1 - 2 * EDGE) * (k * GOLDEN % 1) ** power
    return p, (k * PLASTIC % 1 < CURVES[curve](p)).astype(float)


def cases():
    for curve in CURVES:
        for n in SIZES:
            for shape, power in SHAPES.items():
                yield f"{curve}, {n}, {shape}", sample(curve, n, power)


def main():
    import relplot

    relplot.config.smECE_mesh_pts = POINTS
    found = {}
    for name, (p, y) in cases():
        found[name] = {
            "smooth": float(relplot.smECE(p, y)),
            "at .1": float(relplot.smECE_sigma(p, y, sigma=0.1)),
        }
    print(
        json.dumps(
            {"relplot": metadata.version("relplot"), "points": POINTS, "values": found}, indent=1
        )
    )


if __name__ == "__main__":
    main()
