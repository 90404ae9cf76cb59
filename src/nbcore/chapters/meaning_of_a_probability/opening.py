"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "C11",
        "expected calibration error of a coin moved by a millionth",
        held=(
            "The usual calibration error jumps: move a calibrated prediction by a millionth, and "
            "it is {ours}. Smooth errors stay small."
        ),
        missed=(
            "The usual calibration error does not jump as it should: for a calibrated prediction "
            "moved by a millionth it is {ours}."
        ),
        undecided=(
            "Whether the usual calibration error jumps is open: for a calibrated prediction moved "
            "by a millionth it is {ours}."
        ),
    ),
    Finding(
        "C6",
        "training calibration error at the end largest over settings",
        held=(
            "Networks are calibrated on the pictures they were trained on: the calibration error "
            "there is {ours} at most."
        ),
        missed=(
            "Networks need not be calibrated on the pictures they were trained on: the calibration "
            "error there is up to {ours}."
        ),
        undecided=(
            "Whether networks are calibrated on the pictures they were trained on is open: the "
            "calibration error there is up to {ours}."
        ),
    ),
    Finding(
        "C23",
        "naive bayes gain by multicalibration smallest over tables",
        held=(
            "Multicalibration is for those who need it: naive Bayes gains {ours} or more in its "
            "worst group."
        ),
        missed=(
            "Multicalibration need not help even those who need it: on one table naive Bayes gains "
            "{ours} in its worst group."
        ),
        undecided=(
            "Whether multicalibration helps those who need it is open: on one table naive Bayes "
            "gains {ours} in its worst group."
        ),
    ),
)
