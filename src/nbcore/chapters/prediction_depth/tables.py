"""Chapter 3's tables."""

from itertools import product

import numpy as np
import pandas as pd

from nbcore import claims
from nbcore.chapters.prediction_depth import sensitivity
from nbcore.chapters.prediction_depth.agreement import Pair
from nbcore.chapters.prediction_depth.observe import LEDGER, Study, full_depths, test_accuracy
from nbcore.depths.roster import network_title, nice_name, set_title
from nbcore.depths.view import ROLES, EnsembleView
from nbcore.measures.estimate import Estimate

UNTOUCHED = ("validation points among validation points", "train")
CHOICES = {"the query left out": "the query left out of its neighbours"}


def summary(study: Study) -> pd.DataFrame:
    """Tabulate per ensemble accuracies, mean depths, shares decided at the input and undefined."""
    rows = []
    for key, run in study.runs.items():
        view = EnsembleView.of(key, run)
        members = view.members
        row: dict[str, object] = {"ensemble": nice_name(key), "networks": members.sizes["member"]}
        last = members.isel(checkpoint=-1)
        for role in ("train", "val", "test"):
            row[role] = float(last[f"accuracy_{role}"].mean())
        row["probes"] = members.sizes["probe"]
        for role, words in ROLES.items():
            depth = view.depths(role)
            row |= {f"mean depth, {words}": float(np.nanmean(depth))} if len(depth) else {}
        row["at the input"] = float(
            (view.depths("val") == 0).sum() / members["held_out"].values.sum()
        )
        row["no depth"] = f"{(members['depth'].values < 0).mean():.4%}"
        rows.append(row)
    return pd.DataFrame(rows)


def accuracies(study: Study) -> pd.DataFrame:
    """Tabulate per ensemble its networks and probes, and accuracy by split."""
    return summary(study)[["ensemble", "networks", "probes", "train", "val", "test"]]


def depths(study: Study) -> pd.DataFrame:
    """Tabulate per ensemble mean depths, and shares decided at the input and undefined."""
    table = summary(study)
    means = [c for c in table if str(c).startswith("mean depth")]
    return table[["ensemble", *means, "at the input", "no depth"]]


def full_size(study: Study) -> pd.DataFrame:
    """Tabulate the same for networks of the paper's size, with the paper's accuracy.

    Columns with "small" are of this page's own networks.
    """
    asked = {c.name: c.expect for c in claims.get("B40").checks}
    rows = []
    for key, run in study.full_size.items():
        dataset, _, network = key.rpartition(":")
        members, small = run.table("members"), study.runs.get(key)
        tables = {"": run} | ({", small": small} if small else {})
        row: dict[str, object] = {"network": nice_name(key), "networks": members.sizes["member"]}
        row["images"] = int(run.manifest["config"]["examples"])
        for role in ("train", "val"):
            row[role] = float(members[f"accuracy_{role}"].isel(checkpoint=-1).mean())
        row["test"] = float(test_accuracy(run, 1)[0][0])
        row["test, paper"] = asked[f"{LEDGER[dataset]} {network} accuracy"]
        for name, table in tables.items():
            depth = full_depths(table)
            row[f"mean depth{name}"] = float(np.nanmean(depth))
            row[f"at the input{name}"] = float((depth == 0).sum() / (~np.isnan(depth)).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def choices(study: Study) -> pd.DataFrame:
    """Tabulate the share of depths that each choice changes.

    The interval is over the examples of one network. Columns key, category, group (training or
    validation), value, low, high. Left out are the definition itself and what a choice cannot
    change.
    """
    rows = []
    for key, run in study.sensitivity.items():
        table, members = run.table("choices")["depth_change"].mean("member"), study.runs[key]
        held = int(members.table("members")["held_out"].values.sum(1).max())
        sizes = {"train": members.table("examples").sizes["example"] - held, "val": held}
        for choice, (role, n) in product(table["choice"].values, sizes.items()):
            if choice == sensitivity.BASE or (choice, role) == UNTOUCHED:
                continue
            share = float(table.sel(choice=choice, role=role))
            seen = Estimate.share(round(share * n), n, 1)
            ends = {"low": min(seen.low, share), "high": max(seen.high, share)}
            words = {"category": CHOICES.get(choice, choice), "group": ROLES[role]}
            rows.append({"key": key, **words, "value": share, **ends})
    return pd.DataFrame(rows)


def sensitivity_table(study: Study) -> pd.DataFrame:
    """Tabulate per choice the shares of depths changed, one column per ensemble and split."""
    table = choices(study)
    if table.empty:
        return table
    names = [f"{nice_name(k)}, {g}" for k, g in zip(table["key"], table["group"], strict=True)]
    wide = table.assign(column=names).pivot(index="category", columns="column", values="value")
    wide = wide[list(dict.fromkeys(names))].sort_values(names[0], ascending=False)
    return wide.rename_axis("choice").reset_index().rename_axis(None, axis=1)


def pair_name(pair: Pair) -> str:
    """Name the networks that a correlation is between."""
    if pair.same:
        return f"{network_title(pair.first)}, other seeds"
    return f"{network_title(pair.first)} and {network_title(pair.second)}"


def correlations(study: Study) -> pd.DataFrame:
    """Tabulate the study's agreement, one row a pair."""
    rows = [
        {
            "data set": set_title(p.dataset),
            "split": p.split,
            "networks": pair_name(p),
            "in each mean": p.networks,
            "ρ": f"{p.seen.value:.2f} [{p.seen.low:.2f}, {p.seen.high:.2f}]",
            "ρ, single networks": p.single,
            "ρ, shuffled": p.shuffled,
        }
        for p in study.agreement
    ]
    return pd.DataFrame(rows)
