"""What the chapter opens with."""

from nbcore.claims import Finding

BEFORE: tuple[str, ...] = ()
FINDINGS = (
    Finding(
        "C2",
        "ddpm minus ddim variance",
        held=(
            "Guidance makes two samplers differ that agree without it: the variance of DDPM is "
            "{ours} above that of DDIM."
        ),
        missed="Guidance does not make DDPM wider than DDIM: their variances differ by {ours}.",
        undecided=(
            "Whether guidance makes DDPM wider than DDIM is open: their variances differ by {ours}."
        ),
    ),
    Finding(
        "C19",
        "six objects share of samples",
        held=(
            "Scores of conditions that show one object each add up to six at once: {percent} of "
            "the samples have all of them."
        ),
        missed=(
            "Scores of conditions that show one object each do not add up to six at once: "
            "{percent} of the samples have all of them."
        ),
        undecided=(
            "Whether scores of conditions that show one object each add up to six at once is "
            "open: {percent} of the samples have all of them."
        ),
    ),
    Finding(
        "C18",
        "cooled weighted divergence",
        held=(
            "Weighted particles reach a low temperature, which scaled scores do not: they are "
            "{ours} nats from it."
        ),
        missed="Weighted particles do not reach a low temperature: they are {ours} nats from it.",
        undecided=(
            "Whether weighted particles reach a low temperature is open: they are {ours} nats "
            "from it."
        ),
    ),
)
