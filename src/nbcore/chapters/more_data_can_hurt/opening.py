"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "C33",
        "risk at n = .95 d minus n = .5 d",
        held=(
            "Least squares gets worse with more examples: just below as many examples as "
            "dimensions, the risk is {ours} above that at half as many."
        ),
        missed=(
            "Least squares does not get worse with more examples: just below as many examples "
            "as dimensions, the risk differs by {ours} from that at half as many."
        ),
        undecided=(
            "Whether least squares gets worse with more examples is open: just below as many "
            "examples as dimensions, the risk differs by {ours} from that at half as many."
        ),
    ),
    Finding(
        "C32",
        "along n optimal ridge largest step",
        held=(
            "With the best ridge every further example helps: the smallest gain along the way "
            "is a step of {ours}."
        ),
        missed=(
            "With the best ridge some further examples hurt: the largest step of the risk is "
            "{ours}."
        ),
        undecided=(
            "Whether with the best ridge every further example helps is open: the largest "
            "step of the risk is {ours}."
        ),
    ),
    Finding(
        "C31",
        "test loss small rate over annealed",
        held=(
            "A large rate first helps even on a convex problem in two dimensions: a small "
            "rate alone ends at {ours} times the test loss."
        ),
        missed=(
            "A large rate first does not help on a convex problem in two dimensions: a small "
            "rate alone ends at {ours} times the test loss."
        ),
        undecided=(
            "Whether a large rate first helps on a convex problem in two dimensions is open: "
            "a small rate alone ends at {ours} times the test loss."
        ),
    ),
)
