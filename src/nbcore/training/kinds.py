"""The models of a testbed by name, KIND-N: a kind, trained on N images drawn evenly over classes.

`ROSTER` is for CIFAR-10: 32 models, about 40 CPU minutes.
"""

from nbcore.errors import ParameterError, did_you_mean

#: convolutional networks: kind -> (width, residual)
CNNS = {"cnn16": (16, False), "cnn32": (32, False), "res16": (16, True), "res32": (32, True)}
SKLEARN = ("mean", "logistic", "knn", "forest", "patches")
KINDS = (*SKLEARN, "mlp", *CNNS)

ROSTER = (
    "mean-50000",
    "knn-300",
    "knn-3000",
    "knn-50000",
    "logistic-300",
    "logistic-3000",
    "logistic-50000",
    "forest-1000",
    "forest-10000",
    "patches-1000",
    "patches-5000",
    "patches-20000",
    "mlp-1000",
    "mlp-5000",
    "mlp-20000",
    "mlp-50000",
    "cnn16-300",
    "cnn16-1000",
    "cnn16-3000",
    "cnn16-10000",
    "cnn16-25000",
    "cnn16-50000",
    "cnn32-3000",
    "cnn32-10000",
    "cnn32-50000",
    "res16-5000",
    "res16-10000",
    "res16-25000",
    "res16-50000",
    "res32-10000",
    "res32-25000",
    "res32-50000",
)


def split_name(model: str) -> tuple[str, int]:
    """`cnn16-3000` -> ("cnn16", 3000); ParameterError for anything else."""
    kind, _, n = model.rpartition("-")
    if kind not in KINDS or not n.isdigit():
        raise ParameterError(
            f"A testbed model is written KIND-N, such as cnn16-3000, not {model!r}; "
            f"{did_you_mean(kind or model, KINDS)}"
        )
    return kind, int(n)
