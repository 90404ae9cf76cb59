"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("rise-and-fall", "zero-shot-class-maps")
FINDINGS = (
    Finding(
        "A31",
        "replay minus no replay pretraining-set accuracy",
        held=(
            "Replaying old images keeps the old skill: the old accuracy ends {points} above that "
            "without replay, over {count} seeds."
        ),
        missed=(
            "Replaying old images does not keep the old skill: the old accuracy ends {points} from "
            "that without replay, over {count} seeds."
        ),
        undecided=(
            "Whether replaying old images keeps the old skill is open: the old accuracy ends "
            "{points} from that without replay, over {count} seeds."
        ),
    ),
    Finding(
        "A32",
        "1 batch gain at equal accuracy beyond the interval",
        held=(
            "It does not keep the robustness: at equal accuracy the gain with a batch for each "
            "batch is {points} from the interval of chance."
        ),
        missed=(
            "It keeps robustness too: at equal accuracy the gain with a batch for each batch is "
            "{points} beyond the interval of chance."
        ),
        undecided=(
            "Whether it keeps robustness is open: at equal accuracy the gain with a batch for each "
            "batch is {points} from the interval of chance."
        ),
    ),
    Finding(
        "A33",
        "replay gain at equal accuracy beyond the interval",
        held=(
            "A last layer that serves both tasks gains nothing from replay either: at equal "
            "accuracy it is {points} from the interval of chance."
        ),
        missed=(
            "A last layer that serves both tasks gains from replay: at equal accuracy it is "
            "{points} beyond the interval of chance."
        ),
        undecided=(
            "Whether a last layer that serves both tasks gains from replay is open: at equal "
            "accuracy it is {points} from the interval of chance."
        ),
    ),
)
