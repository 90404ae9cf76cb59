"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("line", "rise-and-fall")
FINDINGS = (
    Finding(
        "A16",
        "share of models with positive effective robustness",
        held=(
            "Read through a class map, without any training, {percent} of {count} ImageNet "
            "networks stand above the line."
        ),
        missed=(
            "Read through a class map, without any training, no more than {percent} of "
            "{count} ImageNet networks stand above the line."
        ),
        undecided=(
            "Whether most ImageNet networks, read through a class map, stand above the line "
            "is open: {percent} of {count} do."
        ),
    ),
    Finding(
        "A26",
        "robust model minus the most dominant comparable network",
        held=(
            "They are right where more accurate models are wrong: their dominance probability "
            "is {points} above that of the most dominant network of like accuracy."
        ),
        missed=(
            "They are not right where more accurate models are wrong, or no more than others: "
            "their dominance probability is {points} from that of the most dominant network "
            "of like accuracy."
        ),
        undecided=(
            "Whether they are right where more accurate models are wrong is open: their "
            "dominance probability is {points} from that of the most dominant network of like "
            "accuracy."
        ),
    ),
    Finding(
        "A27",
        "converged model minus the most dominant comparable network",
        held=(
            "Trained to the end, they fall back among the others: their dominance is {points} "
            "from that of the most dominant network of like accuracy."
        ),
        missed=(
            "Trained to the end, they do not fall back among the others: their dominance is "
            "still {points} above that of the most dominant network of like accuracy."
        ),
        undecided=(
            "Whether they fall back among the others when trained to the end is open: their "
            "dominance is {points} from that of the most dominant network of like accuracy."
        ),
    ),
)
