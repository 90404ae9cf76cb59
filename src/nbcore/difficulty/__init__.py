"""Which labels are wrong, and how difficult each image is: `nbcore difficulty`, and from Python.

from nbcore import difficulty
table = difficulty.judge(images_or_embeddings, labels)
"""

from nbcore.difficulty.pretrained.arrays import judge

__all__ = ["judge"]
