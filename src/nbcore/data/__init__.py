"""What is measured on: data sets, testbeds and result tables, asked for by name or by path.

    from nbcore import data
    images = data.load("digits", split="test")  # uint8 (n, h, w, c) with int64 labels (n,)
    mine = data.load("./my-images", size=32)    # a folder per class, or image parquet
    both = data.train_test("./my-images", 32)   # without splits, a part of each class is held out
    testbed = data.load_testbed("testbed-imagenetv2")

A name is looked up in the folder NBCORE_DATA, in the cache and in the package or distribution that
ships it, and is fetched from its public home (checksummed) when it is in none of them. A folder may
say how it is to be read: "./my-images::split/class" (see `layout`).
"""

from nbcore.data.catalog import CATALOG, declared, entry
from nbcore.data.fetch import get
from nbcore.data.images import ImageSet, load
from nbcore.data.layout import LAYOUTS
from nbcore.data.sources import Row, checksum, status, where, with_layout
from nbcore.data.splits import TrainTest, describe, has_test, tell, train_test
from nbcore.data.testbeds import Testbed, load_testbed, load_timm_results, pretraining_family

__all__ = [
    "CATALOG",
    "LAYOUTS",
    "ImageSet",
    "Row",
    "Testbed",
    "TrainTest",
    "checksum",
    "declared",
    "describe",
    "entry",
    "get",
    "has_test",
    "load",
    "load_testbed",
    "load_timm_results",
    "pretraining_family",
    "status",
    "tell",
    "train_test",
    "where",
    "with_layout",
]
