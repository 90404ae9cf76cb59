"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("prediction-depth", "depth-bounds")
FINDINGS = (
    Finding(
        "B21",
        "rise to the peak",
        held=(
            "Networks see through wrong labels before they memorise them: in training, the "
            "share of wrongly labelled images that get their true class rises by {points} to "
            "its peak."
        ),
        missed=(
            "Networks do not see through wrong labels in training: the share of wrongly "
            "labelled images that get their true class changes by {points} up to its peak."
        ),
        undecided=(
            "Whether networks see through wrong labels before they memorise them is open: the "
            "share of wrongly labelled images that get their true class changes by {points} "
            "up to its peak."
        ),
    ),
    Finding(
        "B34",
        "smallest clear minus ambiguous consensus-consistency",
        held=(
            "The corners are what they are called: networks agree more in the two clear "
            "corners than in the two ambiguous ones, by at least {points}."
        ),
        missed=(
            "The corners are not what they are called: networks agree no more in the clear "
            "corners than in the ambiguous ones ({points})."
        ),
        undecided=(
            "Whether the corners are what they are called is open: between clear and "
            "ambiguous corners agreement differs by as little as {points}."
        ),
    ),
    Finding(
        "B29",
        "ratio of mean absolute depth differences",
        held=(
            "Held out or trained on, an image is equally deep unless the majority is wrong "
            "about it: then the two depths differ {ours} times as much."
        ),
        missed=(
            "Held out or trained on, images that the majority gets right are not much more "
            "alike in depth than those it gets wrong: the ratio of the differences is {ours} "
            "(wanted: {wanted})."
        ),
        undecided=(
            "Whether an image is equally deep held out and trained on, unless the majority is "
            "wrong about it, is open: the ratio of the differences is {ours} (wanted: "
            "{wanted})."
        ),
    ),
)
