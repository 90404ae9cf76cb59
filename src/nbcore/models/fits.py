"""Whether a network can read images of a side at all: found out before any work begins."""

from collections.abc import Iterable

import torch
from torch import Tensor

from nbcore.errors import ParameterError
from nbcore.models import offline, pretrained
from nbcore.models.pretrained import Classifier

#: what networks raise for images of a side that they were not made for
REFUSALS = (RuntimeError, AssertionError, ValueError, IndexError, TypeError, AttributeError)


def own_side(model: Classifier) -> int:
    """Return the side in pixels of the images that the network was pretrained on."""
    known = offline.NETWORKS.get(model.name)
    config = getattr(model.net, "pretrained_cfg", None) or {}
    return known.side if known else config.get("input_size", (3, 224, 224))[-1]


def try_out(name: str, sides: Iterable[int]) -> None:
    """Let a network of this name see an image of each side, by shapes alone (torch's meta device).

    A network whose pass needs numbers cannot be tried so and is let through. ParameterError: see
    `cannot_read`, and an unknown name.
    """
    for side in sorted(set(sides)):
        try:
            with torch.device("meta"):
                model = pretrained.create(name, pretrained=False, size=side).eval()
                model(torch.empty(1, 3, side, side))
        except NotImplementedError:  # an operation that needs numbers; torch makes it RuntimeError
            return
        except REFUSALS as error:
            if "meta" in str(error):
                return
            raise cannot_read(name, side, error) from None


def see(model: Classifier, images: Tensor) -> None:
    """Make one pass. ParameterError where the network cannot read images as large as `model.size`.

    A device without memory is another error and stays one.
    """
    try:
        with torch.no_grad():
            model.eval()(images)
    except torch.OutOfMemoryError:
        raise
    except REFUSALS as error:
        raise cannot_read(model.name, model.size or images.shape[-1], error) from error


def cannot_read(name: str, side: int, error: Exception) -> ParameterError:
    """Say that a network does not take images of this side, and what to do."""
    why = " ".join(str(error).split()) or type(error).__name__
    return ParameterError(
        f"The model {name!r} cannot read images of {side} × {side} pixels ({why[:160]}); give the "
        "side that it was made for, often 224, or another model."
    )
