"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "C1",
        "parity hinted minus plain at one and a half times the length",
        held=(
            "Hints teach parity of sequences that are longer than all of training: {points} more "
            "answers are right, half as long again, than without them."
        ),
        missed=(
            "Hints do not teach parity of sequences that are longer than all of training: the gain "
            "is {points}, half as long again."
        ),
        undecided=(
            "Whether hints teach parity of sequences that are longer than all of training is open: "
            "the gain is {points}, half as long again."
        ),
    ),
    Finding(
        "C3",
        "gradient norm where a reward is rare over where it is frequent",
        held="Where a reward is rare its gradient vanishes: it is {ours} of that where it is not.",
        missed=(
            "Where a reward is rare its gradient does not vanish: it is {ours} of that where it is "
            "not."
        ),
        undecided=(
            "Whether a gradient vanishes where its reward is rare is open: it is {ours} of that "
            "where it is not."
        ),
    ),
    Finding(
        "C16",
        "control smooth calibration error of meanings after shuffled rewards",
        held=(
            "Tuning by rewards leaves meanings calibrated where rewards are shuffled among "
            "questions: the error is {ours}."
        ),
        missed=(
            "Tuning by rewards breaks the calibration of meanings even where rewards are shuffled "
            "among questions: the error is {ours}."
        ),
        undecided=(
            "Whether tuning by rewards leaves meanings calibrated where rewards are shuffled among "
            "questions is open: the error is {ours}."
        ),
    ),
)
