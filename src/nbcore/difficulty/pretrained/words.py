"""What the command says where a pretrained network's features are judged."""

from typing import Any

from nbcore.difficulty.pretrained.advice import Advice
from nbcore.measures.relabelling import Estimate

#: held-out accuracy below which heads know too little of the classes to advise
KNOWN = 0.6


def said(s: dict[str, Any], advice: Advice, last_probe: int) -> list[str]:
    """Say what was done and what to expect; s: as `judging.summary`."""
    of = f" of {s['of']:,}" if s["of"] > s["images"] else ""
    counts = ", ".join(f"{action} {n:,}" for action, n in s["actions"].items())
    low, high = s["held_out_times"]
    times = f"{low}" if low == high else f"{low} to {high}"
    return [
        f"{s['images']:,}{of} images of {s['classes']} classes: {counts}.",
        f"Of the labels to relabel, {_expected(advice.expected['relabel'])} are expected to be "
        f"wrong (wanted: {advice.wanted:.0%}), of those to inspect "
        f"{_expected(advice.expected['inspect'])}, and of all {_share(advice.share)} (95 % "
        "intervals). This comes from labels that were changed on purpose in copies of yours; it is "
        "too high where images are hard and rightly labelled.",
        f"{s['network']}, pretrained, at {s['side']} × {s['side']} pixels; {s['members']} heads on "
        f"its features, each image held out by {times} of them. They give "
        f"{s['training_accuracy']:.1%} of their training labels and {s['held_out_accuracy']:.1%} "
        f"of held-out ones. Depths run from 0 (input) to {last_probe} (head).",
    ]


def warnings(s: dict[str, Any]) -> list[str]:
    """Say what makes the advice doubtful, and which images are copies or like no others."""
    out = []
    if s["held_out_accuracy"] < KNOWN:
        out.append(
            f"The heads give only {s['held_out_accuracy']:.1%} of the labels that were held out "
            "from them: either many labels are wrong, or the network's features say too little of "
            "these classes to advise. Give more images or another network, as in "
            "-p network=efficientnet_lite2, before you act on it."
        )
    if s["never_held_out"]:
        out.append(
            f"{s['never_held_out']:,} images were held out by no head and get no suggestion; give "
            "more heads, as in -p members=50."
        )
    if s["duplicates"]:
        out.append(
            f"{s['duplicates']:,} pairs of images are the same or nearly so"
            f"{_apart(s['duplicates_apart'])}; the column duplicate_of names them. Copies that are "
            "both in training and held out make labels look surer than they are."
        )
    if s["in_other_splits"]:
        out.append(
            f"{s['in_other_splits']:,} images are in another split too, byte for byte; the column "
            "also_in names where. What is tested on them has been learned by heart."
        )
    if s["unlike"]:
        out.append(f"{s['unlike']:,} images resemble no class: see the column unlike.")
    return out


def _apart(n: int) -> str:
    return f", {n:,} of them with different labels" if n else ""


def _expected(e: Estimate) -> str:
    if e.value != e.value:
        return "nothing (none is suggested)"
    return f"{e.value:.0%} ({e.low:.0%} to {e.high:.0%})"


def _share(e: Estimate) -> str:
    return f"{e.value:.1%} ({e.low:.1%} to {e.high:.1%})"
