"""CLIP through the optional package open_clip: image features, and a head made of class names.

Names: `clip:ARCHITECTURE` or `clip:ARCHITECTURE/WEIGHTS`, such as the paper's `clip:ViT-B-32`
(ER appendix B.3), whose weights are `openai` when none are named.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from nbcore.errors import ParameterError, did_you_mean

#: the wording with which a class name becomes a text
PROMPT = "a photo of a {}."


class Clip(nn.Module):
    """The image side of CLIP on raw images.

    features(images): uint8 (n, 1 or 3, h, w) -> unit vectors (n, dim). `weight` (class, dim) and
    `bias` (class,) are its zero-shot head: logits = features @ weight.T + bias.
    """

    def __init__(self, model: Any, preprocess: dict[str, Any], weight: Tensor, bias: Tensor):
        super().__init__()
        self.model = model
        size = preprocess["size"]
        self.size = size if isinstance(size, int) else size[0]
        for name in ("mean", "std"):
            value = 255 * torch.tensor(preprocess[name]).view(-1, 1, 1)
            self.register_buffer(name, value, persistent=False)
        self.weight, self.bias = weight, bias

    def features(self, images: Tensor) -> Tensor:
        x = (images.float() - self.mean) / self.std  # type: ignore[operator]
        x = interpolate(x, size=(self.size, self.size), mode="bicubic", antialias=False)
        return normalize(self.model.encode_image(x), dim=1)


def create(name: str, classes: Sequence[str], weights: str | None = None) -> Clip:
    """Load CLIP by name with a zero-shot head for these class names.

    weights: a checkpoint file instead of the published one. ParameterError without the package, for
    an unknown architecture or weights, and where the weights cannot be fetched.
    """
    try:
        import open_clip
    except ImportError:
        raise ParameterError(
            f"{name} needs the package open_clip, which is not installed; install it with "
            "`pip install open-clip-torch`, or name a timm model."
        ) from None
    architecture, _, tag = name.removeprefix("clip:").partition("/")
    known = open_clip.list_models()
    if architecture not in known:
        raise ParameterError(f"There is no {name!r}; {did_you_mean(architecture, known)}")
    try:
        model, _, _ = open_clip.create_model_and_transforms(
            architecture, pretrained=weights or tag or "openai"
        )
    except Exception as error:  # hub, URL and file errors, and unknown tags, are of many kinds
        raise ParameterError(
            f"The weights of {name} could not be loaded ({type(error).__name__}); connect to the "
            "network, give weights=FILE, or name others as clip:ARCHITECTURE/WEIGHTS."
        ) from None
    model.eval()
    tokens = open_clip.get_tokenizer(architecture)([PROMPT.format(c) for c in classes])
    with torch.no_grad():
        text = normalize(model.encode_text(tokens), dim=1)
        weight = model.logit_scale.exp() * text
    offset = getattr(model, "logit_bias", None)
    bias = torch.zeros(len(weight)) if offset is None else offset.detach().expand(len(weight))
    return Clip(model, open_clip.get_model_preprocess_cfg(model), weight.float(), bias.float())
