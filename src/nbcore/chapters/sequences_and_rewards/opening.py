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
        "smooth calibration error of meanings after rewards",
        held=(
            "A transformer that is rewarded for right answers loses the calibration of their "
            "meanings: its error is {ours}."
        ),
        missed=(
            "A transformer that is rewarded for right answers keeps the calibration of their "
            "meanings: its error is {ours}."
        ),
        undecided=(
            "Whether a transformer that is rewarded for right answers keeps the calibration of "
            "their meanings is open: its error is {ours}."
        ),
    ),
    Finding(
        "C16",
        "control smooth calibration error of meanings after shuffled rewards",
        held="Shuffled rewards leave that calibration as it is: the error is {ours}.",
        missed=(
            "Shuffled rewards break that calibration too, to an error of {ours}, so that it may be "
            "the noise of tuning and not what is rewarded."
        ),
        undecided=(
            "Whether shuffled rewards leave that calibration as it is is open: the error is {ours}."
        ),
    ),
)
