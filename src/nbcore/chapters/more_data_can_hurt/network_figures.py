"""Chapter 14's figures of networks, or a sentence where a study was not computed."""

from nbcore.chapters.more_data_can_hurt import networks
from nbcore.chapters.more_data_can_hurt.curves import double, errors
from nbcore.chapters.more_data_can_hurt.study import Study
from nbcore.charts.base import Figure
from nbcore.charts.tables import Table
from nbcore.charts.words import nothing


def missing(part: str) -> Table:
    """Say, in the place of a figure, that a study of networks was not computed."""
    return nothing(
        f"the study `{part}` of networks was not computed; run the chapter with "
        f"-p 'networks=[\"{part}\"]'"
    )


def network_widths(study: Study) -> Figure | Table:
    """Draw the error of networks along width."""
    if "widths" not in study.runs:
        return missing("widths")
    x = study.runs["widths"].table("errors")["width"].values
    plain, images = study.network_widths(False), study.runs["widths"].manifest["config"]["images"]
    return errors(
        study,
        x,
        {"no weight decay": plain, "best weight decay": study.network_widths(True)},
        x_title="hidden units",
        title=double(study, plain, x, "Networks, test error"),
        subtitle=f"{images:,} pictures, a fifth of their labels wrong; {len(plain)} seeds, 95 % "
        "intervals",
        description="Test error at the end of training against the number of hidden units.",
    )


def epochs(study: Study) -> Figure | Table:
    """Draw test error along training, with wrong and with right labels."""
    if "epochs" not in study.runs:
        return missing("epochs")
    table = study.runs["epochs"].table("errors")
    x = table["epoch"].values
    x = x[0] if x.ndim > 1 else x
    wrong, right = (study.epochs(kind)[:, 1:] for kind in networks.KINDS)
    return errors(
        study,
        x[1:].round(3),
        {networks.WRONG: wrong, networks.RIGHT: right},
        x_title="epochs",
        title=double(study, wrong, x[1:].round(1), "Along training, test error"),
        subtitle=f"{study.config.images:,} pictures; a fifth of the labels wrong, or none; "
        f"{len(wrong)} seeds, 95 % intervals",
        description="Test error against epochs.",
    )


def network_costs(study: Study) -> Figure | Table:
    """Draw what wrong labels cost networks, by the number of pictures."""
    if "sizes" not in study.runs:
        return missing("sizes")
    n = study.runs["sizes"].table("errors")["n"].values
    curves = {stop: study.noise_cost(stop) for stop in networks.STOPS}
    at = {k: study.over_seeds(v)[0][-1] for k, v in curves.items()}
    first, second = networks.STOPS
    return errors(
        study,
        n,
        curves,
        x_title="training pictures",
        title=f"At {n[-1]:,} pictures wrong labels cost {100 * at[first]:.1f} points when fitted, "
        f"{100 * at[second]:.1f} when training stops early",
        subtitle="Test error with a fifth of the labels wrong minus that with right labels",
        description="The cost of wrong labels against training pictures.",
    )
