"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("prediction-depth",)
FINDINGS = (
    Finding(
        "B8",
        "share below the line",
        held=(
            "What is decided early is decided alike by other networks: a line fitted on some "
            "networks leaves {percent} of the images of others below it."
        ),
        missed=(
            "Depth does not bound how much networks agree: a line fitted on some networks "
            "leaves {percent} of the images of others below it."
        ),
        undecided=(
            "Whether depth bounds how much networks agree is open: a line fitted on some "
            "networks leaves {percent} of the images of others below it."
        ),
    ),
    Finding(
        "B7",
        "mean consistency score at high depth",
        held=(
            "What is decided late and outvoted is rarely right: on average {percent} of the "
            "networks give the label."
        ),
        missed=(
            "What is decided late and outvoted is right often enough: on average {percent} of "
            "the networks give the label."
        ),
        undecided=(
            "Whether what is decided late and outvoted is rarely right is open: on average "
            "{percent} of the networks give the label."
        ),
    ),
    Finding(
        "B10",
        "spearman over depths of accuracy",
        held=(
            "Predictions made early are more often right: over depths, accuracy falls with a "
            "rank correlation of {ours}."
        ),
        missed=(
            "Accuracy does not fall with depth as steadily as the paper shows: the rank "
            "correlation is {ours} (wanted: {wanted})."
        ),
        undecided=(
            "Whether accuracy falls with depth as steadily as in the paper is open: the rank "
            "correlation is {ours} (wanted: {wanted})."
        ),
    ),
)
