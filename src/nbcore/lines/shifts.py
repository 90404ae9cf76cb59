"""The testbeds that can be asked for by name: a table, two of its columns, whom the line fits.

A name is `source:shift`. What is compared with what is part of it: the x of a shifted set that
holds only some of ImageNet's classes is the accuracy on those classes. Where only the accuracy on
all 1,000 classes is published the name ends in `-all`, and so does its counterpart of another
source: the two kinds never share a line.
"""

from dataclasses import dataclass

IMAGENET, EVERY = "ImageNet", "ImageNet (all 1,000 classes)"
R, A, OBJECTS = (
    f"ImageNet (classes of {name})" for name in ("ImageNet-R", "ImageNet-A", "ObjectNet")
)


@dataclass(frozen=True)
class Shift:
    """One testbed: models of `dataset`, accuracies of `columns` (ID, OOD) of its stored table.

    axes: what the two are called; testbeds with the same axes may be drawn in one picture.
    through: the kind of training of the models that carry the line, or "" for all of them.
    line: whether a line describes it; on ImageNet-A the points bend.
    """

    dataset: str
    columns: tuple[str, str]
    axes: tuple[str, str]
    through: str = ""
    line: bool = True

    def about(self) -> str:
        """Say in a few words what the line is fitted to."""
        who = f"models of {self.through}" if self.through else "all its models"
        return f"line through {who}" if self.line else "no line: its points bend"


def _testbed(inside: str, outside: str, *axes: str, line: bool = True) -> Shift:
    x, y = axes
    return Shift("imagenet-testbed", (inside, outside), (x, y), "standard training", line)


def _clip(outside: str, x: str, y: str, line: bool = True) -> Shift:
    return Shift("open-clip", ("ImageNet 1k", outside), (x, y), line=line)


V2 = "imagenetv2-{}-format-val".format

TESTBEDS = {
    "cifar10.1": Shift(
        "testbed-cifar10.1", ("id_correct", "ood_correct"), ("CIFAR-10", "CIFAR-10.1")
    ),
    "imagenetv2": Shift(
        "testbed-imagenetv2", ("id_correct", "ood_correct"), (IMAGENET, "ImageNetV2")
    ),
    "imagenet-testbed:imagenetv2": _testbed("val", V2("matched-frequency"), IMAGENET, "ImageNetV2"),
    "imagenet-testbed:imagenetv2-threshold": _testbed(
        "val", V2("threshold-0.7"), IMAGENET, "ImageNetV2 (threshold .7)"
    ),
    "imagenet-testbed:imagenetv2-top": _testbed(
        "val", V2("top-images"), IMAGENET, "ImageNetV2 (top images)"
    ),
    "imagenet-testbed:imagenet-r": _testbed(
        "val-on-imagenet-r-classes", "imagenet-r", R, "ImageNet-R"
    ),
    "imagenet-testbed:imagenet-r-all": _testbed("val", "imagenet-r", EVERY, "ImageNet-R"),
    "imagenet-testbed:imagenet-sketch": _testbed(
        "val", "imagenet-sketch", IMAGENET, "ImageNet-Sketch"
    ),
    "imagenet-testbed:objectnet": _testbed(
        "val-on-objectnet-classes", "objectnet-1.0-beta", OBJECTS, "ObjectNet"
    ),
    "imagenet-testbed:objectnet-all": _testbed("val", "objectnet-1.0-beta", EVERY, "ObjectNet"),
    "imagenet-testbed:imagenet-a": _testbed(
        "val-on-imagenet-a-classes", "imagenet-a", A, "ImageNet-A", line=False
    ),
    "imagenet-testbed:imagenet-a-all": _testbed(
        "val", "imagenet-a", EVERY, "ImageNet-A", line=False
    ),
    "imagenet-testbed:stylized": _testbed(
        "val", "stylized_imagenet", IMAGENET, "Stylized ImageNet (made by a program)"
    ),
    "open-clip:imagenetv2": _clip("ImageNet v2", IMAGENET, "ImageNetV2"),
    "open-clip:imagenet-sketch": _clip("ImageNet Sketch", IMAGENET, "ImageNet-Sketch"),
    "open-clip:imagenet-r-all": _clip("ImageNet-R", EVERY, "ImageNet-R"),
    "open-clip:objectnet-all": _clip("ObjectNet", EVERY, "ObjectNet"),
    "open-clip:imagenet-a-all": _clip("ImageNet-A", EVERY, "ImageNet-A", line=False),
    "timm:imagenetv2": Shift("timm-results", ("imagenet", "imagenetv2"), (IMAGENET, "ImageNetV2")),
    "timm:imagenet-r": Shift("timm-shifts", ("imagenet_r_clean", "imagenet_r"), (R, "ImageNet-R")),
    "timm:sketch": Shift("timm-shifts", ("imagenet", "sketch"), (IMAGENET, "ImageNet-Sketch")),
    "timm:imagenet-a": Shift(
        "timm-results", ("imagenet_a_clean", "imagenet_a"), (A, "ImageNet-A"), line=False
    ),
    "timm:imagenet-r-all": Shift("timm-shifts", ("imagenet", "imagenet_r"), (EVERY, "ImageNet-R")),
    "timm:real": Shift(
        "timm-shifts",
        ("imagenet", "imagenet_real"),
        (IMAGENET, "ImageNet, labels reassessed (ReaL)"),
    ),
}

#: the testbeds that a line describes
WITH_LINE = tuple(name for name, shift in TESTBEDS.items() if shift.line)
