"""Where a network runs, in which precision, and how its numbers lie in memory."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from nbcore.errors import ParameterError


def pick_device(device: str = "auto") -> torch.device:
    """Pick CUDA for `auto` where there is one; asking for a missing one raises ParameterError."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ParameterError(f"device is {device!r}, but torch finds no CUDA; use auto or cpu.")
    return torch.device(device)


def pick_precision(
    precision: str, device: torch.device, trained: nn.Module | None = None
) -> torch.dtype:
    """Pick bfloat16 for `auto` where the hardware multiplies it natively, float32 elsewhere.

    On a CPU, a model to be `trained` that has depthwise convolutions gets float32 too: measured,
    their backward pass is 2 to 4 times slower in bfloat16, while their forward pass is faster.
    """
    if precision == "auto":
        if device.type == "cuda":
            native = torch.cuda.is_bf16_supported()
        else:
            grouped = (getattr(m, "groups", 1) > 1 for m in (trained.modules() if trained else ()))
            native = _cpu_has_bf16() and not any(grouped)
        precision = "bfloat16" if native else "float32"
    if precision not in ("bfloat16", "float32"):
        raise ParameterError(f"precision must be auto, bfloat16 or float32, not {precision!r}.")
    return getattr(torch, precision)


def _cpu_has_bf16() -> bool:
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def memory_layout(model: nn.Module, device: torch.device) -> torch.memory_format:
    """Choose the order of an image's numbers in memory: channels last, which is faster, or first.

    Channels first on a CPU for a network with a 1x1 convolution of stride 2 or more and under 8
    input channels: seen in torch 2.15 (oneDNN) on processors without AVX-512, its weight gradient
    in channels_last with one thread writes past its memory, which aborts or damages silently.
    """
    convolutions = (m for m in model.modules() if isinstance(m, nn.Conv2d))
    unsafe = any(
        m.kernel_size == (1, 1) and max(m.stride) > 1 and m.weight.shape[1] < 8
        for m in convolutions
    )
    first = device.type == "cpu" and unsafe
    return torch.contiguous_format if first else torch.channels_last


def place_model(model: nn.Module, device: torch.device) -> torch.memory_format:
    """Move `model` to the device, its weights in the layout that `memory_layout` chooses for it."""
    layout = memory_layout(model, device)
    model.to(device)
    for p in model.parameters():
        p.data = laid_out(p.data, layout)
    return layout


def laid_out(x: Tensor, layout: torch.memory_format) -> Tensor:
    """Give a tensor of four dims the strides of this layout; others have none.

    `contiguous` is not enough: a 1x1 kernel or a single channel counts as contiguous in both.
    """
    if x.ndim != 4:
        return x
    empty = torch.empty(x.shape, dtype=x.dtype, device=x.device, memory_format=layout)
    return x if x.stride() == empty.stride() else empty.copy_(x)


def as_tensor(inputs: np.ndarray | Tensor) -> Tensor:
    """Turn uint8 images (n, h, w, c) into (n, c, h, w); feature vectors (n, d) stay as they are."""
    tensor = torch.as_tensor(inputs)
    if tensor.ndim == 4 and tensor.dtype == torch.uint8 and tensor.shape[-1] in (1, 3):
        return tensor.permute(0, 3, 1, 2)
    if tensor.ndim == 2 and tensor.is_floating_point():
        return tensor
    raise ParameterError(
        "Training takes uint8 images (n, height, width, 1 or 3) or float features (n, d), not "
        f"{tensor.dtype} of shape {tuple(tensor.shape)}."
    )
