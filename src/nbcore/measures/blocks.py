"""How much is done at a time: sizes that decide memory and speed, and enter no number.

The one place where they are declared. A run's fingerprint leaves this module out, and leaves out
the parameters named in `SETTINGS`; `tests/runs/test_blocks.py` holds that results do not depend on
any of them, beyond the rounding of a product in another order.
"""

#: images in one forward pass that is not a training step: predictions, features, probes
FORWARD = 250
#: the same for large pretrained networks on large images
PICTURES = 32
#: images, and copies of each for so many classes, in one pass for input margins
MARGINS, CLASSES_AT_ONCE = 100, 20
#: images whose random patches are convolved at once
PATCHES = 500
#: bytes of distances held at a time on a CPU, unless these are fewer than ROWS queries' distances:
#: below, a matrix product spends its time on arranging the bank
DISTANCE_BYTES, ROWS = 32 * 2**20, 512
#: bytes of the bank's embeddings that are centred at a time; of the queries, a quarter
COPY_BYTES = 120 * 2**20
#: so many times as many queries at a time on a GPU
ON_GPU = 16
#: bytes of embeddings that are read in one pass over the images
PROBE_BYTES = 2**31

#: parameters that say how fast and how visibly, never what: their values enter no fingerprint
SETTINGS = frozenset({"progress", "workers", "save_every", "checkpoint_file", "batch_size"})
