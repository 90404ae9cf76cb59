"""The explorer of lines: every public testbed in one page, as data and as markup.

`book/_static/lines.js` draws it: the reader chooses shift, scale and families, the line is fitted
in the browser. The page carries counts of right answers, so that nothing is fetched.
"""

from typing import Any

import pandas as pd

from nbcore.charts.theme import DARK, LIGHT
from nbcore.errors import ParameterError
from nbcore.lines.public import Testbed, load_accuracies
from nbcore.lines.shifts import TESTBEDS
from nbcore.measures import robustness
from nbcore.text import drawable, escape, script_json

FACETS = {
    "kind": "kind of training",
    "pretraining": "pretraining",
    "tuning": "zero-shot or fine-tuned",
    "source": "source",
}
SOURCES = {
    "testbed-cifar10.1": "CIFAR-10.1's authors",
    "testbed-imagenetv2": "ImageNetV2's authors",
}
LIMIT = 600_000  # bytes
Beds = dict[str, Testbed]


def load_all() -> Beds:
    """Load every testbed by name, without intervals."""
    return {name: load_accuracies(name) for name in TESTBEDS}


def explorer_data(beds: Beds) -> dict[str, Any]:
    """Collect the testbeds for the browser.

    facets: title and values of each way to group; models: name and, per facet, the number of its
    value; shifts: what is compared, whether a line describes it, and parts (one a testbed: name,
    images on both sides, the family that carries the line, and columns model, x, y of counts).
    """
    tables = {name: _families(bed) for name, bed in beds.items()}
    every = pd.concat(tables.values()).drop_duplicates(["source", "model"]).reset_index(drop=True)
    number = {key: i for i, key in enumerate(zip(every["source"], every["model"], strict=True))}
    facets, columns = [], []
    for facet, title in FACETS.items():
        codes, values = pd.factorize(every[facet])
        facets.append({"title": title, "values": list(values)})
        columns.append([int(c) for c in codes])
    shifts: dict[tuple[str, str], dict[str, Any]] = {}
    for name, bed in beds.items():
        shift = TESTBEDS[name]
        new = {"id": bed.axes[0], "ood": bed.axes[1], "line": shift.line, "parts": []}
        frame = tables[name]
        keys = zip(frame["source"], frame["model"], strict=True)
        counts = {
            axis: [round(v) for v in bed.models[column] * total]
            for axis, column, total in (("x", "id", bed.id_total), ("y", "ood", bed.ood_total))
        }
        part = {"name": name, "ids": bed.id_total, "oods": bed.ood_total, "through": shift.through}
        part |= {"model": [number[key] for key in keys], **counts}
        shifts.setdefault(bed.axes, new)["parts"].append(part)
    return {
        "facets": facets,
        "names": list(every["model"]),
        "groups": columns,
        "shifts": list(shifts.values()),
    }


def _families(bed: Testbed) -> pd.DataFrame:
    """Return the testbed's models with four families, "not stated" where none is published."""
    frame = bed.models.copy()
    dataset = TESTBEDS[bed.name].dataset
    if "kind" not in frame:
        frame = frame.assign(source=SOURCES[dataset], kind=SOURCES[dataset])
        frame = frame.assign(pretraining="not stated", tuning="not stated")
    return frame[["model", *FACETS]]


def explorer_markup(data: dict[str, Any]) -> str:
    """Make the explorer's HTML: its data, and what stands there without JavaScript.

    ParameterError: data of more than 600 kB.
    """
    text = script_json(drawable(data))
    if len(text.encode()) > LIMIT:
        raise ParameterError(
            f"The explorer's data take {len(text.encode()) / 1000:.0f} kB of {LIMIT // 1000}; "
            "leave a testbed out."
        )
    return (
        f'<style>{colours()}</style><div class="nblines"><p class="lnx-off">The explorer needs '
        "JavaScript; the table below has every line without it.</p>"
        f'<script type="application/json" class="lnx-data">{text}</script></div>'
    )


def colours(root: str = ".nblines") -> str:
    """Write the book's palette as CSS variables of one element, light and dark."""
    out = []
    for place, palette in ((root, LIGHT), (f"html[data-theme=dark] {root}", DARK)):
        codes = palette.split()
        names = [f"--c{i}" for i in range(6)] + ["--ink", "--soft", "--mute", "--grid", "--page"]
        pairs = ";".join(f"{n}:#{c}" for n, c in zip(names, codes, strict=True))
        out.append(f"{place}{{{pairs}}}")
    return "".join(out)


def lines_table(beds: Beds) -> str:
    """Make an HTML table of every testbed's line: what is compared, models, line, R², spread."""
    rows = []
    for name, bed in beds.items():
        shift, fit = TESTBEDS[name], bed.line
        rest = robustness.effective_robustness(bed.fitted["id"], bed.fitted["ood"], fit)
        line = [f"{fit.slope:.3f}", f"{fit.intercept:+.3f}".replace("-", "−"), f"{fit.r2:.3f}"]
        line.append(f"{100 * float((rest**2).mean()) ** 0.5:.1f}")
        who = f"{fit.n:,}" + (f" ({shift.through})" if shift.through else "")
        cells = [name, f"{bed.axes[0]} → {bed.axes[1]}", f"{bed.ood_total:,}", who]
        cells += line if shift.line else ["bends", "", "", ""]
        rows.append("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    heads = ["testbed", "compared", "images", "models in the line", "slope", "intercept", "R²"]
    head = "".join(f'<th scope="col">{h}</th>' for h in [*heads, "spread, points"])
    return (
        '<div class="nbtable-wrap" role="region" aria-label="The lines" tabindex="0">'
        '<table class="nbtable"><caption><span>The line of each testbed, in logits</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


def explorer_page() -> str:
    """Make the explorer's page (MyST): picture, how to read it, every line, one's own models."""
    beds = load_all()
    return PAGE.format(explorer=explorer_markup(explorer_data(beds)), table=lines_table(beds))


PAGE = """# Explore the lines

Some 1,800 published models, thirteen pairs of test sets. Choose a shift; every dot is a model,
placed by its accuracy on the original images and on the shifted ones. The line is fitted here, in
your browser, to the models you choose; the panel below it shows **effective robustness**, the
height above that line. Point at a dot, search for a model, or drop a table of your own models on
the picture: it stays on this machine.

```{{raw}} html
{explorer}
```

## How to read it

- **Which line?** At first it goes through networks trained in the standard way on ImageNet alone.
  A line through another family asks another question; under ten models none is drawn.
- **The band** is what chance alone does to a model that stands exactly on the line: 95% of draws
  of so many images. It knows nothing of how far the line's own models scatter. Where they scatter
  widely (ImageNet-R, Sketch) nearly every model is "beyond chance" in one direction or the other,
  so compare with the spread that is printed beside the line.
- **Outside the range** of accuracies that the line was fitted on, models are grey and no effective
  robustness is given. On ImageNet-A the points bend, so there is no line at all.
- **Which classes?** ImageNet-R, ObjectNet and ImageNet-A show some of ImageNet's classes only. The
  fair comparison is with accuracy on the same classes. For CLIP's models only the accuracy on all
  1,000 classes is published: those are shifts of their own in the menu, and no line mixes the two.
- **Families** are read from published lists and from names. "Zero-shot" are CLIP's models, asked in
  words, and BiT-M's, whose 21,000 classes contain ImageNet's; the others were trained or
  fine-tuned on ImageNet.
- ReaL is no shift: the same images with labels that people reassessed {{cite}}`beyer2020`.
- Corruptions, videos and attacks of the ImageNet testbed are left out.

## Every line

```{{raw}} html
{table}
```

*Spread* is the root mean square distance of the line's own models from it.

## Your own models

A CSV with the columns `id` and `ood` (fractions between 0 and 1) and, for names, `model`, dropped
on the picture or chosen below it, is read by this page alone and sent nowhere. The same in a
terminal:

```bash
nbcore line --list
nbcore line my_models.csv --testbed imagenet-testbed:imagenet-r
nbcore line my_models.csv --testbed imagenet-testbed:imagenetv2 --family "ImageNet-21k"
```

## Where the numbers are from

The ImageNet testbed {{cite}}`taori2020`, CLIP models evaluated by OpenCLIP {{cite}}`cherti2023`,
timm's result tables {{cite}}`wightman2019`, and the predictions published with CIFAR-10.1
{{cite}}`recht2018` and ImageNetV2 {{cite}}`recht2019`. Shifted sets: ImageNet-R
{{cite}}`hendrycks2020`, ImageNet-A {{cite}}`hendrycks2021`, Sketch {{cite}}`wang2019`, ObjectNet
{{cite}}`barbu2019`, stylized images {{cite}}`geirhos2019`. What the line is and what stands on it
is the subject of [the first chapter](chapters/01_line).
"""
