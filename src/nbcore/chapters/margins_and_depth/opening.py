"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("prediction-depth", "depth-learning-margins")
FINDINGS = (
    Finding(
        "B26",
        "orders of magnitude from ce-sgd to 0-hinge-gd margin",
        held=(
            "A loss that wants no margin and small steps on all images at once leave none: the "
            "output margin is {ours} orders of magnitude below that of ordinary training."
        ),
        missed=(
            "A loss that wants no margin and small steps on all images at once still leave one: "
            "it is {ours} orders of magnitude below that of ordinary training (wanted: {wanted})."
        ),
        undecided=(
            "Whether a loss that wants no margin and small steps on all images at once leave none "
            "is open: the output margin is {ours} orders of magnitude below that of ordinary "
            "training."
        ),
    ),
    Finding(
        "B28",
        "0-hinge-gd minus latest other half-gain layer",
        held=(
            "Without a margin the classes separate later than in any other network: the vote has "
            "made half of its gain {ours} layers after the latest of the others."
        ),
        missed=(
            "Without a margin the classes do not separate later: the vote has made half of its "
            "gain {ours} layers after the latest of the others."
        ),
        undecided=(
            "Whether without a margin the classes separate later is open: the vote has made half "
            "of its gain {ours} layers after the latest of the others."
        ),
    ),
    Finding(
        "B24",
        "0-hinge-sgd minus 0-hinge-gd accuracy",
        held=(
            "It costs accuracy too: with no margin in the loss, SGD is right more often than "
            "full-batch descent, by {points}."
        ),
        missed=(
            "It does not cost accuracy: with no margin in the loss, SGD minus full-batch descent "
            "is {points}."
        ),
        undecided=(
            "Whether it costs accuracy is open: with no margin in the loss, SGD minus full-batch "
            "descent is {points}."
        ),
    ),
)
