"""Which labels are wrong, and how difficult each image is: `nbcore difficulty`, and from Python.

from nbcore import difficulty
table = difficulty.judge(images_or_embeddings, labels)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbcore.difficulty.pretrained.arrays import judge

__all__ = ["judge"]


def __getattr__(name: str) -> Any:
    """Find `judge` when it is asked for: it brings PyTorch, which decisions do not need."""
    if name != "judge":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nbcore.difficulty.pretrained.arrays import judge

    return judge
