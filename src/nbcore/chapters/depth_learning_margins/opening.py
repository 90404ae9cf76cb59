"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("prediction-depth",)
FINDINGS = (
    Finding(
        "B14",
        "smallest spearman over depths of iteration learned",
        held=(
            "What is decided early in the network is learned early in training: over depths, "
            "the rank correlation is at least {ours}."
        ),
        missed=(
            "What is decided early in the network is not learned early in training: over "
            "depths, the rank correlation is as small as {ours}."
        ),
        undecided=(
            "Whether what is decided early in the network is learned early in training is "
            "open: over depths, the rank correlation is as small as {ours}."
        ),
    ),
    Finding(
        "B20",
        "largest output margin correlation",
        held=(
            "It has wide margins, for every network and data set that was run: the weakest "
            "correlation of depth with the output margin is {ours}."
        ),
        missed=(
            "It does not have wide margins everywhere: for one network the correlation of "
            "depth with the output margin is {ours}."
        ),
        undecided=(
            "Whether it has wide margins everywhere is open: for one network the correlation "
            "of depth with the output margin is {ours}."
        ),
    ),
    Finding(
        "B18",
        "largest mean depth",
        held="No image needs all the layers on average: the deepest comes to {ours}.",
        missed=(
            "Some images need nearly all the layers: the deepest comes to {ours} on average "
            "(wanted: {wanted})."
        ),
        undecided=(
            "Whether some images need all the layers on average is open: the deepest comes to "
            "{ours} (wanted: {wanted})."
        ),
    ),
)
