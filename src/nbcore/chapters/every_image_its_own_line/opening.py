"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ("line",)
FINDINGS = (
    Finding(
        "C25",
        "imagenetv2 chosen images held-out correlation",
        held=(
            "Chosen on half of the model families, a set of images turns the line around for "
            "the other half: the correlation of its accuracy with global accuracy is {ours}."
        ),
        missed=(
            "Chosen on half of the model families, the images on which better models do worse "
            "do not turn the line around for the other half: the correlation is {ours}."
        ),
        undecided=(
            "Whether images chosen on half of the model families turn the line around for the "
            "other half is open: the correlation of their accuracy with global accuracy is "
            "{ours}."
        ),
    ),
    Finding(
        "C25",
        "control equally hard images held-out correlation",
        held="Images that are as hard, chosen at random, follow the line: {ours}.",
        missed=(
            "Images that are as hard, chosen at random, do not follow the line either: {ours}."
        ),
        undecided=(
            "Whether images that are as hard, chosen at random, follow the line is open: {ours}."
        ),
    ),
    Finding(
        "C25",
        "cifar-10-neg correlation over networks from 20 to 90 % accuracy",
        held=(
            "On the published negative set, accuracy falls as networks improve: the "
            "correlation is {ours}."
        ),
        missed=(
            "On the published negative set, accuracy does not fall as networks improve: the "
            "correlation is {ours}."
        ),
        undecided=(
            "Whether accuracy on the published negative set falls as networks improve is "
            "open: the correlation is {ours}."
        ),
    ),
)
