"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "C35",
        "share explained by the linear classifier early",
        held=(
            "What a network learns first is what a linear classifier knows: {percent} of it, until "
            "the network knows as much."
        ),
        missed=(
            "What a network learns first is not mainly what a linear classifier knows: {percent} "
            "of it, until the network knows as much."
        ),
        undecided=(
            "Whether what a network learns first is what a linear classifier knows is open: "
            "{percent} of it, until the network knows as much."
        ),
    ),
    Finding(
        "C29",
        "cnn soft error real minus ideal at the end",
        held=(
            "Few pictures many times are nearly as good as fresh ones: a convolutional network's "
            "soft error differs by {ours}."
        ),
        missed=(
            "Few pictures many times are not as good as fresh ones: a convolutional network's soft "
            "error differs by {ours}."
        ),
        undecided=(
            "Whether few pictures many times are nearly as good as fresh ones is open: a "
            "convolutional network's soft error differs by {ours}."
        ),
    ),
    Finding(
        "C13",
        "exponent of the network minus kernel at the start",
        held=(
            "A network gains more from each doubling of its pictures than its tangent kernel at "
            "the start does: their exponents differ by {ours}."
        ),
        missed=(
            "A network gains no more from each doubling of its pictures than its tangent kernel at "
            "the start does: their exponents differ by {ours}."
        ),
        undecided=(
            "Whether a network gains more from each doubling of its pictures than its tangent "
            "kernel at the start does is open: their exponents differ by {ours}."
        ),
    ),
)
