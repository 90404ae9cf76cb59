"""What `nbcore difficulty` says it did and found, and what makes that doubtful."""

from nbcore.depths.ensembles import Ensemble
from nbcore.difficulty.judging import Judged, summary
from nbcore.difficulty.pretrained import words

#: below this the networks have not learned their labels, and depths in training say little
LEARNED = 0.97
#: below this they know too little of the classes, or most labels are wrong
KNOWN = 0.6


def said(judged: Judged) -> list[str]:
    """Say what was done and found, in a few sentences."""
    s = summary(judged)
    if judged.advice:
        return words.said(s, judged.advice, judged.table.attrs["last_probe"])
    of = f" of {s['of']:,}" if s["of"] > s["images"] else ""
    counts = ", ".join(f"{action} {n:,}" for action, n in s["actions"].items())
    low, high = s["held_out_times"]
    times = f"{low}" if low == high else f"{low} to {high}"
    depth = judged.table.attrs["last_probe"]
    return [
        f"{s['images']:,}{of} images of {s['classes']} classes: {counts}.",
        f"{s['members']} networks ({s['network']}, {s['side']} × {s['side']} pixels, "
        f"{judged.table.attrs['steps']:,} updates), each image held out by "
        f"{times} of them. Of their training labels they give "
        f"{s['training_accuracy']:.1%}, of held-out ones {s['held_out_accuracy']:.1%}. Depths run "
        f"from 0 (input) to {depth} (softmax).",
    ]


def warnings(judged: Judged) -> list[str]:
    """Say what makes these numbers themselves doubtful, and what to do about it."""
    s, out = summary(judged), [f"{note}." for note in judged.sample.notes]
    if not isinstance(judged.ensemble, Ensemble):
        return out + words.warnings(s)
    if s["training_accuracy"] < LEARNED:
        out.append(
            f"The networks have learned only {s['training_accuracy']:.1%} of their training "
            f"labels, so depths in training say little; give more updates, as in "
            f"-p steps={2 * judged.ensemble.steps}."
        )
    if s["held_out_accuracy"] < KNOWN:
        out.append(
            f"The networks give only {s['held_out_accuracy']:.1%} of the labels that were held out "
            "from them: either many labels are wrong, or they know too little to judge labels. "
            "Give more images, more pixels (-p image_size=64) or another network before you trust "
            "them."
        )
    if s["never_held_out"]:
        out.append(
            f"{s['never_held_out']:,} images were held out by no network and get no suggestion; "
            f"give more networks, as in -p members={round(1 / judged.ensemble.held_out)}."
        )
    elif s["held_out_times"][0] < 2:
        out.append(
            "Each image was held out by one network, so nothing is known of agreement; give more "
            f"networks, as in -p members={2 * round(1 / judged.ensemble.held_out)}."
        )
    return out
