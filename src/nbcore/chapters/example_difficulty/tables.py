"""Chapter 7's tables: what is trained, what differs, what going on changes."""

from collections.abc import Sequence

import pandas as pd

from nbcore.chapters.example_difficulty.conditions import CHOICES
from nbcore.chapters.example_difficulty.config import PUBLISHED_SCORES, ExampleDifficulty
from nbcore.chapters.example_difficulty.observe import (
    STARTS,
    WORDS,
    both_covered,
    changes,
    difficulty,
    pretraining_sizes,
    words,
)
from nbcore.chapters.example_difficulty.runs import DifficultyStudy
from nbcore.claims import readable
from nbcore.lines import compare
from nbcore.lines.curves import Study
from nbcore.lines.tables import control
from nbcore.measures.estimate import Estimate


def gains(study: Study, choices: Sequence[str] = ()) -> pd.DataFrame:
    """Tabulate each choice's peak ER minus that of random examples, same start, in points.

    Columns category (the choice), group (the start), value, low, high; paired over images.
    """
    rows = []
    hard = ["hard", "c-scores-hard", "depth-hard", "shuffled-hard"]
    for choice in choices or [*hard, "easy", "c-scores-easy", "depth-easy"]:
        for start, who in STARTS.items():
            one, base = study.curves.get(f"{start}-{choice}"), study.curves.get(f"{start}-random")
            if one and base and both_covered(one, base):
                seen = compare.peak_difference(one, base)
                rows.append(
                    {
                        "category": WORDS.get(choice, choice),
                        "group": who,
                        "value": 100 * seen.value,
                        "low": 100 * seen.low,
                        "high": 100 * seen.high,
                    }
                )
    return pd.DataFrame(rows, columns=["category", "group", "value", "low", "high"])


def ends_and_peaks(study: Study) -> pd.DataFrame:
    """Tabulate final ID accuracy (x) and peak ER (y) per start and choice.

    Fractions, with intervals.
    """
    rows = []
    for start, who in STARTS.items():
        for choice in CHOICES:
            c = study.curves.get(f"{start}-{choice}")
            if c and c.covered.any():
                x, y = compare.number(c.id[:, -1], c), compare.peak(c)
                rows.append(
                    {
                        "kind": who,
                        "series": choice,
                        "x": x.value,
                        "x_low": x.low,
                        "x_high": x.high,
                        "y": y.value,
                        "y_low": y.low,
                        "y_high": y.high,
                    }
                )
    return pd.DataFrame(rows)


def differences(study: Study) -> pd.DataFrame:
    """Compare hard with random and random with easy, per start: peaks of ER and final accuracies.

    In points with 95 % interval; ✓ where the interval settles the sign.
    """
    rows = []
    for start, who in STARTS.items():
        for a, b in (("hard", "random"), ("random", "easy")):
            one, other = study.curves.get(f"{start}-{a}"), study.curves.get(f"{start}-{b}")
            if one and other:
                row = {"network": who, "difference": f"{a} minus {b}"}
                if both_covered(one, other):
                    row["peak of ER"] = _settled(compare.peak_difference(one, other))
                final = compare.number(one.id[:, -1] - other.id[:, -1], one, other)
                rows.append(row | {"final ID accuracy": _settled(final)})
    columns = ["network", "difference", "peak of ER", "final ID accuracy"]
    return pd.DataFrame(rows, columns=columns)


def _settled(seen: Estimate) -> str:
    return points(seen) + (" ✓" if seen.low > 0 or seen.high < 0 else "")


def experiment_table(config: ExampleDifficulty) -> pd.DataFrame:
    """Tabulate what is trained on what, by the parameters of this page."""
    c, name = config, config.id.rstrip("/").rsplit("/", 1)[-1]
    subset = f"{c.subset:,} examples, hard, random or easy"
    shifted = ", ".join(o.rsplit("/", 1)[-1] for o in c.ood)
    ends = ", ".join(f"{n:,}" for n in c.ends)
    other = "by depth and our C-scores" if c.difficulty == PUBLISHED_SCORES else "by depth"
    rows = [
        ("difficulty", difficulty(c)),
        ("data", readable(f"{name}; shifted: {shifted}")),
        (
            "pretrained",
            f"{readable(c.model)}, all weights, {c.size} pixels: {subset}; {c.steps:,} steps, "
            f"{seeds(c.seeds)}",
        ),
        (
            "random start",
            f"the same network from random weights; {c.random_steps:,} steps, "
            f"{seeds(c.scratch_seeds)}",
        ),
        (
            "last layer",
            f"a linear layer on frozen features of {c.feature_size}-pixel images; "
            f"{c.head_steps:,} steps, {seeds(c.head_seeds)}",
        ),
        (
            "controls",
            f"hard, shuffled{f' and {other}' if c.extended else ''}: "
            f"{seeds(c.control_seeds)} of the whole network; these and {other}: "
            f"{seeds(c.head_seeds)} of the last layer",
        ),
        (
            "schedules",
            f"all examples at first, down to {ends} in {c.phases} phases; "
            f"{c.schedule_steps:,} steps"
            + (f", from random weights {c.random_schedule_steps:,}" if c.extended else "")
            + f"; {seeds(c.control_seeds)}",
        ),
        (
            "going on",
            f"{c.schedule_steps:,} steps on all examples, {c.further_steps:,} on a "
            f"subset; {seeds(c.control_seeds)}",
        ),
    ]
    return pd.DataFrame(rows, columns=["part", "here"])


def seeds(n: int) -> str:
    """Write a number of seeds in words."""
    return "one seed" if n == 1 else f"{n} seeds"


def steps_up(study: Study) -> pd.DataFrame:
    """Compare each number of pretraining images with the next smaller: peaks of ER, in points.

    Where the peak levels off, as claim A17 says, the last differences are small.
    """
    found, rows = list(pretraining_sizes(study.curves).items()), []
    for (less, small), (more, large) in zip(found, found[1:], strict=False):
        seen = compare.peak_difference(large, small)
        row = {"images": f"{more:,} instead of {less:,}", "peak of ER": _settled(seen)}
        rows.append(row | {"seeds": min(large.seeds, small.seeds)})
    return pd.DataFrame(rows, columns=["images", "peak of ER", "seeds"])


def going_on_table(study: DifficultyStudy) -> pd.DataFrame:
    """Tabulate how going on with a subset changes accuracies and ER, in points (95 % interval)."""
    rows = []
    for name in ("full-then-hard", "full-then-random"):
        if found := changes(study, name):
            curve = study.curves[name]
            texts = {k: points(compare.number(v, curve)) for k, v in found.items()}
            rows.append(
                {
                    "training": words(name),
                    "ID accuracy": texts["id"],
                    "shifted accuracy": texts["ood"],
                    "effective robustness": texts.get("er", "outside the line"),
                }
            )
    return pd.DataFrame(rows)


def points(seen: Estimate) -> str:
    """Write a difference in points with its 95 % interval."""
    return f"{100 * seen.value:+.1f} [{100 * seen.low:+.1f}, {100 * seen.high:+.1f}]"


def shuffled_control(study: Study, most: int = 6) -> pd.DataFrame:
    """Tabulate the conditions of largest ER with the shifted images' labels shuffled, in points."""
    return control(study, words).nlargest(most, "largest ER")
