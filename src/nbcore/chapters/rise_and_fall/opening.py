"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("line",)
FINDINGS = (
    Finding(
        "A5",
        "smallest peak excess over the interval",
        held=(
            "Fine-tuned as a whole, a pretrained network rises above the line: its peak "
            "stands {points} beyond what chance allows."
        ),
        missed=(
            "Fine-tuned as a whole, a pretrained network does not rise above the line: its "
            "peak minus the upper end of what chance allows is {points}."
        ),
        undecided=(
            "Whether a pretrained network, fine-tuned as a whole, rises above the line is "
            "open: its peak minus the upper end of what chance allows is {points}."
        ),
    ),
    Finding(
        "A6",
        "largest excess over the interval",
        held=(
            "From random weights no checkpoint leaves the line: the highest, minus the upper end "
            "of what chance allows, is {points}."
        ),
        missed=(
            "From random weights the network leaves the line as well: its highest checkpoint "
            "stands {points} beyond what chance allows."
        ),
        undecided=(
            "Whether a network from random weights ever leaves the line is open: its highest "
            "checkpoint minus the upper end of what chance allows is {points}."
        ),
    ),
    Finding(
        "A11",
        "largest peak difference beyond the interval",
        held=(
            "The learning rate hardly matters: of two rates' peaks, the largest difference is "
            "within the interval (by {points})."
        ),
        missed=(
            "The learning rate matters: of two rates' peaks, the largest difference goes "
            "{points} beyond the interval."
        ),
        undecided=(
            "Whether the learning rate matters is open: of two rates' peaks, the largest "
            "difference is {points} from the end of the interval."
        ),
    ),
)
