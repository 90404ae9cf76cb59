"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "B3",
        "smallest spearman between seeds",
        held=(
            "What is deep for some networks is deep for others: two halves of an ensemble "
            "order the images with a rank correlation of at least {ours}."
        ),
        missed=(
            "What is deep for some networks is not deep for others: two halves of an ensemble "
            "order the images with a rank correlation as small as {ours}."
        ),
        undecided=(
            "Whether what is deep for some networks is deep for others is open: two halves of "
            "an ensemble order the images with a rank correlation as small as {ours}."
        ),
    ),
    Finding(
        "B3",
        "smallest spearman between architectures",
        held="Between architectures the agreement is at least {ours}.",
        missed=(
            "Between architectures there is no such agreement: the rank correlation is as "
            "small as {ours}."
        ),
        undecided="Whether architectures agree is open: the correlation is as small as {ours}.",
    ),
    Finding(
        "B2",
        "auroc of depth for wrong labels",
        held=(
            "Wrong labels are decided late: depth tells them from right ones with an area "
            "under the curve of {ours}."
        ),
        missed=(
            "Depth does not tell wrong labels well from right ones: the area under the curve "
            "is {ours} (wanted: {wanted})."
        ),
        undecided=(
            "Whether depth tells wrong labels from right ones is open: the area under the "
            "curve is {ours} (wanted: {wanted})."
        ),
    ),
)
