"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("line", "more-data-can-hurt")
FINDINGS = (
    Finding(
        "C38",
        "scores false discoveries after most queries",
        held=(
            "Who learns the score of every query discovers what is not there in {percent} of "
            "the studies; who is only told yes or no almost never does."
        ),
        missed=(
            "Who learns the score of every query discovers what is not there in only {percent} "
            "of the studies."
        ),
        undecided=(
            "Whether scores lead nearly every study to a false discovery is open: they do in "
            "{percent}."
        ),
    ),
    Finding(
        "C39",
        "core first smallest share recovered exactly at c = 4",
        held=(
            "From questions answered with noise, asked about a core first, all members of two "
            "clusters are found: in {percent} of the graphs, in the worst setting."
        ),
        missed=(
            "Asking about a core first does not find all members of two clusters: it does in "
            "{percent} of the graphs, in the worst setting."
        ),
        undecided=(
            "Whether asking about a core first finds all members of two clusters is open: it "
            "does in {percent} of the graphs, in the worst setting."
        ),
    ),
    Finding(
        "C37",
        "linear adversarial error",
        held=(
            "A linear classifier that is right on almost everything errs on {percent} once an "
            "opponent may move its inputs; one that rounds first does not."
        ),
        missed=(
            "A linear classifier resists an opponent who moves its inputs: it errs on {percent}."
        ),
        undecided=(
            "Whether a linear classifier resists an opponent who moves its inputs is open: it "
            "errs on {percent}."
        ),
    ),
)
