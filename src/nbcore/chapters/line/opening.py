"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "A1",
        "imagenetv2 r2 logit",
        held=(
            "The accuracies of {count} public models on ImageNet and on ImageNetV2 lie on one "
            "line in logits, with R² {ours}."
        ),
        missed=(
            "The accuracies of {count} public models on ImageNet and on ImageNetV2 do not lie "
            "on the paper's line in logits: R² is {ours} (wanted: {wanted})."
        ),
        undecided=(
            "How well the accuracies of {count} public models on ImageNet and ImageNetV2 lie "
            "on one line is open: R² is {ours} (wanted: {wanted})."
        ),
    ),
    Finding(
        "A3",
        "timm:imagenetv2 share above 1 point and its interval",
        held=(
            "Hardly any model leaves the line upwards: of {count} models, {percent} stand "
            "more than one point and their interval above it."
        ),
        missed=(
            "Not so few models leave the line upwards: of {count} models, {percent} stand "
            "more than one point and their interval above it."
        ),
        undecided=(
            "How many models leave the line upwards is open: of {count} models, {percent} "
            "stand more than one point and their interval above it."
        ),
    ),
    Finding(
        "A28",
        "unsolved share",
        held=(
            "What is hard is hard for all: {percent} of ImageNet's validation images are "
            "wrong for every one of {count} models, as in the paper."
        ),
        missed=(
            "The images that no model solves are not as many as in the paper: {percent} of "
            "ImageNet's validation images are wrong for every one of {count} models."
        ),
        undecided=(
            "{percent} of ImageNet's validation images are wrong for every one of {count} "
            "models; whether that is the paper's share is open."
        ),
    ),
)
