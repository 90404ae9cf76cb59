"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "C30",
        "mlp rate minus share relabelled",
        held=(
            "Wrong labels of one class reappear on its test images about as often as in training: "
            "in a network that fits them all, {points} from that share."
        ),
        missed=(
            "Wrong labels of one class do not reappear on its test images as often as in training "
            "on every data set: where it is farthest from that, in a network that fits them all, "
            "by {points}."
        ),
        undecided=(
            "Whether wrong labels of one class reappear on its test images as often as in training "
            "is open: in a network that fits them all, {points} from that share."
        ),
    ),
    Finding(
        "C9",
        "student minus teacher accuracy",
        held=(
            "A student of a teacher that copies wrong labels is right more often than the teacher, "
            "by {points}."
        ),
        missed=(
            "A student of a teacher that copies wrong labels learns too little beyond it: {points}."
        ),
        undecided=(
            "Whether a student of a teacher that copies wrong labels gets well beyond it is open: "
            "by {points}."
        ),
    ),
    Finding(
        "C4",
        "control sgd stopped at the private training accuracy minus private worst-group gap",
        held=(
            "Private training fares alike on training and test images, and more so than plain "
            "training stopped as early, whose worst gap is {points} larger."
        ),
        missed=(
            "Private training fares alike on training and test images, but so does plain training "
            "stopped as early: their worst gaps differ by {points}."
        ),
        undecided=(
            "Whether private training fares more alike on training and test images than plain "
            "training stopped as early is open: their worst gaps differ by {points}."
        ),
    ),
)
