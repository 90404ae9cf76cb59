"""Chapter 8's figures of wrong labels: how they are learned, and where they lie."""

import pandas as pd

from nbcore import charts
from nbcore.chapters.corner_examples import noise
from nbcore.chapters.corner_examples.figures import one_colour, rows
from nbcore.chapters.corner_examples.observe import Chapter
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.charts.words import nothing


def along(watch: noise.Watch | None, where: str) -> Figure | Table:
    """Draw the accuracies of all groups along "training" or along "depth"."""
    if watch is None:
        return nothing("networks that learned planted labels")
    parts = []
    for group, words in noise.GROUPS.items():
        part = rows(watch.curve(group, where), series=words)
        if where == "training":
            part["x"] = watch.steps
        parts.append(part)
    table = pd.concat(parts)
    if where == "training":
        table = table[table["x"] > 0]  # a logarithmic axis has no zero
    top = float(watch.curve("original", where)[0].max())
    rise, fall = (seen.value for seen in watch.rise_and_fall(where))
    wrong, share = watch.name, watch.wrong.mean()
    last = watch.members.sizes["probe"] - 1
    axis = "updates (log scale)" if where == "training" else f"layer (0 input, {last} softmax)"
    starts = "at the start" if where == "training" else "at the input"
    return charts.curve(
        table,
        x_title=axis,
        y_title="accuracy",
        x_format="d",
        y_format="~%",
        x_scale="log" if where == "training" else "linear",
        y_domain=(0.0, 1.0),
        title=f"{wrong}: of the images with a changed label {top - rise:.0%} are given their "
        f"original class {starts}, {top:.0%} at the peak, {top - fall:.0%} at the end",
        subtitle=f"{share:.0%} of the training labels differ from the original; bands: 95 % over "
        f"{watch.networks} networks",
        description=f"Accuracy of training images along {where}. Changed labels, by the original "
        f"class: from {top - rise:.2f} up to {top:.2f} and down to {top - fall:.2f}.",
    )


def watched_table(chapter: Chapter) -> pd.DataFrame:
    """Tabulate the numbers of claims B21 to B23, one row per ensemble that was watched."""
    out = []
    for watch in chapter.watched.values():
        seen = {k: v for checks in noise.observed(watch).values() for k, v in checks.items()}
        values = [e.value for e in seen.values()]
        out.append(
            {
                "ensemble": watch.name,
                "networks": watch.networks,
                "wrong labels": float(watch.wrong.mean()),
                "training accuracy": watch.fitted(),
                "rise": values[0],
                "fall": values[1],
                "learned later by": values[2],
                "rise along depth": values[3],
                "fall along depth": values[4],
                "deeper by": values[5],
            }
        )
    return pd.DataFrame(out)


def errors_by_corner(chapter: Chapter) -> Figure | Table:
    """Draw how many times the overall share of wrong labels each corner has."""
    if not chapter.errors:
        return nothing("ensembles with known wrong labels")
    table = noise.error_table(chapter.errors)
    at = table[table["category"] == "looks like another class"].set_index("group")["value"]
    most = str(at.idxmax())
    words = "; ".join(f"{r.category}, {r.group}: {r.value:.1f}" for r in table.itertuples())
    return charts.bars(
        one_colour(table),
        title="“Looks like another class” has "
        + (f"{at.min():.1f} to " if len(at) > 1 else "")
        + f"{at.max():.1f} times the overall share of wrong labels",
        subtitle=f"Most: {most}. 95 % intervals; 1 is what examples drawn at random would have",
        description=f"Share of wrong labels in each corner over the overall share: {words}.",
        x_title="share of wrong labels, overall = 1",
        x_format="~r",
        zero=True,
        reference=(1.0, ""),
    )


def errors_table(chapter: Chapter) -> pd.DataFrame:
    """Tabulate wrong labels per ensemble and corner.

    The share of wrong labels among the examples of the corner, and the shares of all examples and
    of all wrong labels that are nearer to this corner than to another.
    """
    out = []
    for e in chapter.errors.values():
        near = e.nearest().to_numpy()[:, 1:].astype(float)
        for i, (corner, name) in enumerate(noise.NAMES.items()):
            at = e.view.corners[corner]
            few = e.view.find(e.view.small)[corner]
            out.append(
                {
                    "wrong labels are": e.words,
                    "corner": name,
                    "overall": e.overall,
                    f"of {len(at)}": float(e.wrong[at].mean()),
                    f"of {len(few)}": float(e.wrong[few].mean()),
                    "all nearest to it": near[i, 0],
                    "wrong nearest to it": near[i, 1],
                }
            )
    return pd.DataFrame(out)


def ranking(chapter: Chapter) -> pd.DataFrame:
    """Tabulate what the simplest rule finds, one row per ensemble.

    The rule distrusts the images nearest to "looks like another class", as many as there are wrong
    labels.
    """
    out = []
    for e in chapter.errors.values():
        n = int(e.wrong[e.view.placed].sum())
        at = e.view.find(n)["looks_like_another_class"]
        out.append(
            {
                "wrong labels are": e.words,
                "images": n,
                "wrong among them": float(e.wrong[at].mean()),
                "wrong overall": e.overall,
            }
        )
    return pd.DataFrame(out)
