"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("line", "rise-and-fall")
FINDINGS = (
    Finding(
        "A22",
        "pretrained hard minus random peak",
        held=(
            "Hard training examples lift a pretrained network higher above the line than "
            "random ones, by {points}; the value alone is judged, so mind the interval."
        ),
        missed=(
            "Hard training examples do not lift a pretrained network higher above the line "
            "than random ones: the peaks differ by {points}."
        ),
        undecided=(
            "Whether hard training examples lift a pretrained network higher above the line "
            "than random ones is open: the peaks differ by {points}."
        ),
    ),
    Finding(
        "A23",
        "pretrained random minus hard final accuracy",
        held=(
            "They cost accuracy: trained on as many random examples, the network ends "
            "{points} higher."
        ),
        missed=(
            "They cost no accuracy: trained on as many random examples, the network ends "
            "{points} away."
        ),
        undecided=(
            "Whether they cost accuracy is open: trained on as many random examples, the "
            "network ends {points} away."
        ),
    ),
    Finding(
        "A25",
        "change of effective robustness",
        held=(
            "Going on with hard examples after training on all raises effective robustness by "
            "{points}."
        ),
        missed=(
            "Going on with hard examples after training on all does not raise effective "
            "robustness: it changes by {points}."
        ),
        undecided=(
            "Whether going on with hard examples after training on all raises effective "
            "robustness is open: it changes by {points}."
        ),
    ),
)
