"""What the layers of a network hold: embeddings at named points, read through hooks.

A probe is a name and an array (example, feature). The first is the input as the network sees it,
the last the softmax; between them lie the modules that `papers.probe_points` or `block_points`
name.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from nbcore.errors import ParameterError
from nbcore.measures import blocks
from nbcore.models import fits
from nbcore.models.pretrained import Classifier

INPUT, SOFTMAX = "input", "softmax"


def block_points(model: Classifier, at_most: int = 12) -> dict[str, str]:
    """Map probe names to module paths for any network: its outermost repeated blocks, thinned.

    They are thinned evenly to `at_most`. Descends while a module has a single child that does the
    work, then takes the blocks of its stages, as timm's networks are built. One pass tells which
    blocks give one array with a row per image, and in which order they run; others, such as those
    that hand on several resolutions, are left out. ParameterError when nothing lies before the
    head, or the network cannot read images of its `size`.
    """
    found: list[str] = []
    head = model.head
    for name, module in model.net.named_children():
        if module is head or not any(True for _ in module.parameters()):
            continue
        found += _blocks(f"net.{name}", module)
    found = _readable(model, found)
    if not found:
        raise ParameterError(
            f"The model {model.name!r} has no layers before its head to probe; name the modules."
        )
    step = max(len(found) / at_most, 1.0)
    kept = [found[round((i + 1) * step) - 1] for i in range(min(len(found), at_most))]
    return {path.removeprefix("net."): path for path in kept}


def _readable(model: Classifier, paths: list[str]) -> list[str]:
    """Select the modules that give one array with a row per image, as they run in one pass."""
    side, handles = model.size or fits.own_side(model), []
    good: dict[str, None] = {}  # in the order in which they first run

    def look(path: str):
        def hook(module, args, output):
            if isinstance(output, Tensor) and output.ndim > 1 and len(output) == 3:
                good.setdefault(path)

        return hook

    for path in paths:
        handles.append(model.get_submodule(path).register_forward_hook(look(path)))
    try:
        device = next(model.parameters()).device
        fits.see(model, torch.full((3, 3, side, side), 128.0, device=device))
    finally:
        for handle in handles:
            handle.remove()
    return list(good)


def _blocks(path: str, module: nn.Module) -> list[str]:
    """List the members of (nested) sequences under a module; the module itself if it is none."""
    if not isinstance(module, nn.Sequential | nn.ModuleList):
        return [path] if any(True for _ in module.parameters()) else []
    children = dict(module.named_children())
    return [p for name, child in children.items() for p in _blocks(f"{path}.{name}", child)]


def read(
    model: Classifier,
    images: Tensor,
    points: Mapping[str, str],
    batch: int | None = None,
    max_bytes: int | None = None,
) -> Iterator[tuple[str, Tensor]]:
    """Yield (probe, float32 (n, d) on the model's device) for the input, every point, the softmax.

    images: raw (n, c, h, w), `batch` at a time. As many points are read in one pass as fit into
    `max_bytes` (both from `blocks` unless given); what a caller has finished with is freed before
    the next group. Nothing is rounded below float32.
    ParameterError for a point that the model does not have or that never runs.
    """
    sizes = {SOFTMAX: 0} | {
        name: part[0].numel() for name, part in _pass(model, images[:1], points).items()
    }
    for group in _groups(sizes, len(images), max_bytes or blocks.PROBE_BYTES):
        parts: dict[str, list[Tensor]] = {name: [] for name in group}
        chosen = {name: points[name] for name in group if name in points}
        for x in images.split(batch or blocks.FORWARD):
            caught = _pass(model, x, chosen)
            for name in group:
                parts[name].append(caught[name])
        for name in group:
            yield name, torch.cat(parts.pop(name))


def logits(model: Classifier, images: Tensor, batch: int | None = None) -> Tensor:
    """Compute float32 logits (n, classes) of raw images on the model's device."""
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad(), _full_precision():
        return torch.cat(
            [model(x.to(device)).float() for x in images.split(batch or blocks.FORWARD)]
        )


def _groups(sizes: Mapping[str, int], n: int, max_bytes: int) -> Iterator[list[str]]:
    group: list[str] = []
    held = 0
    for name in [INPUT, *(k for k in sizes if k not in (INPUT, SOFTMAX)), SOFTMAX]:
        need = 4 * n * sizes[name]
        if group and held + need > max_bytes:
            yield group
            group, held = [], 0
        group.append(name)
        held += need
    yield group


def _pass(model: Classifier, images: Tensor, points: Mapping[str, str]) -> dict[str, Tensor]:
    device, caught, handles = next(model.parameters()).device, {}, []
    model.eval()

    def keep(name: str):
        def hook(module, args, output):
            # a copy: a ReLU that follows in place would overwrite what is read here
            caught[name] = output.detach().float().flatten(1).clone()

        return hook

    for name, path in points.items():
        try:
            module = model.get_submodule(path)
        except AttributeError:
            raise ParameterError(
                f"The model {model.name!r} has no module {path!r} to probe; see named_modules()."
            ) from None
        handles.append(module.register_forward_hook(keep(name)))
    try:
        with torch.no_grad(), _full_precision():
            x = images.to(device)
            out = {INPUT: model.prepare(x).flatten(1), SOFTMAX: model(x).float().softmax(1)}
    finally:
        for handle in handles:
            handle.remove()
    silent = [name for name in points if name not in caught]
    if silent:
        raise ParameterError(
            f"The probe points {', '.join(silent)} never ran in {model.name!r}; name modules that "
            "its forward pass calls."
        )
    return {INPUT: out[INPUT]} | caught | {SOFTMAX: out[SOFTMAX]}


@contextmanager
def _full_precision():
    """Turn off TF32 in convolutions: neighbours are found by small differences of distances."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
