"""Features of images at every probe point of a pretrained network: computed once, kept by content.

Images are decoded in threads while the block before them is in the network. Each block of images is
a file in the cache, named by its pixels and the network: so a command that was killed goes on where
it stopped, the same images under other names or from another source are not computed again, and
memory holds two blocks of images, however many there are.
"""

import hashlib
import io
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, adaptive_avg_pool2d
from tqdm import tqdm

from nbcore import files
from nbcore.data import pixels, scaling
from nbcore.data.readers import Raw
from nbcore.errors import DataError, ParameterError
from nbcore.measures import blocks
from nbcore.models import fits, offline, pretrained, probes
from nbcore.models.pretrained import Classifier
from nbcore.paths import cache_dir
from nbcore.training import loop

#: numbers that are kept of an image at a probe, and the most that one may ask for
NUMBERS, MOST = 1024, 4096
#: images of a block: what is lost when a command is killed
BLOCK = 256
#: images of up to this side are enlarged by this factor; larger ones get the network's own side
SMALL, ENLARGED = 64, 4
#: names of the first probe and of the last one before the head
INPUT, PENULTIMATE = "input", "penultimate"


@dataclass(frozen=True)
class Features:
    """Where the features of some images are kept, in the order of the images.

    files: one a block; probes: names, the input first and what the head receives last; network,
    side: what computed them, from images of this side in pixels; numbers: at most so many a probe.
    """

    files: tuple[Path, ...]
    probes: tuple[str, ...]
    network: str
    side: int
    numbers: int

    def at(self, probe: str) -> np.ndarray:
        """Read one probe of all images: float16 (image, number)."""
        return np.concatenate([_read(file, probe) for file in self.files])


def load_network(name: str) -> Classifier:
    """Load a pretrained network by name; ParameterError says which ones need no network.

    Names are those of `models.pretrained`, any timm name among them.
    """
    try:
        return pretrained.create(name)
    except (ParameterError, DataError) as error:
        there = ", ".join(offline.NETWORKS)
        raise ParameterError(
            f"The network {name!r} cannot be had: {str(error).rstrip('.')}. Those whose weights "
            f"need no connection are {there}."
        ) from None


def side_for(model: Classifier, side: int | None) -> int:
    """Choose the side in pixels that images of this side (None: of several) are brought to."""
    own = fits.own_side(model)
    return min(ENLARGED * side, own) if side and side <= SMALL else own


def extract(
    raw: Raw,
    network: str = pretrained.OFFLINE,
    side: int | None = None,
    *,
    numbers: int = NUMBERS,
    device: str = "auto",
    name: str = "",
) -> Features:
    """Compute or find the features of n images at the network's blocks; see `Features`.

    raw: pixels (n, h, w, c) or images still to be decoded; side: None for `side_for`; name: of the
    set, for messages. Convolutions' outputs are averaged over a grid of as many cells as keep the
    probe within `numbers`, tokens over as many stretches. DataError for an unreadable image;
    ParameterError for an unknown network or one whose features are not finite.
    """
    if not 1 <= numbers <= MOST:
        raise ParameterError(f"A probe keeps 1 to {MOST} numbers an image, not {numbers}.")
    model = load_network(network)
    small = raw.shape[1] if isinstance(raw, np.ndarray) else None
    model.size = side or side_for(model, small)
    model.eval().to(loop.pick_device(device))
    points = _distinct(model, probes.block_points(model), raw, numbers)
    folder = cache_dir() / "features" / _key(model, points, numbers)
    kept = []
    with tqdm(total=len(raw), desc=f"features {name}", leave=False, delay=2, unit="image") as bar:
        for images in _decoded(raw, model.size, name):
            digest = hashlib.sha256(str(images.shape).encode() + images.tobytes()).hexdigest()
            file = folder / f"{digest[:24]}.npz"
            if not _whole(file):
                seen: dict[str, Any] = _pass(model, points, images, numbers)
                np.savez(buffer := io.BytesIO(), **seen)
                files.write_checked(file, buffer.getbuffer())
            kept.append(file)
            bar.update(len(images))
    names = (INPUT, *points, PENULTIMATE)
    return Features(tuple(kept), names, network, model.size, numbers)


def _distinct(model: Classifier, points: dict[str, str], raw: Raw, numbers: int) -> dict[str, str]:
    """Leave out the points whose averages are what the head receives, as before a global pool."""
    try:
        seen = _pass(model, points, next(_decoded(raw[:2], model.size or 224, "")), numbers)
    except DataError:
        return points  # it is named when its turn comes
    last = seen[PENULTIMATE].astype(np.float32)
    same = [
        name
        for name in points
        if seen[name].shape == last.shape
        and np.allclose(seen[name], last, rtol=0.01, atol=1e-3 * np.abs(last).max())
    ]
    return {name: path for name, path in points.items() if name not in same}


def _key(model: Classifier, points: dict[str, str], numbers: int) -> str:
    """Name what computes: weights, side, probes, pooling; two networks never share a folder."""
    seen = hashlib.sha256(f"1 {model.name} {model.size} {list(points)} {numbers}".encode())
    for tensor in model.net.state_dict().values():
        seen.update(tensor.cpu().contiguous().numpy().tobytes())
    return f"{model.name.replace('/', '-')}-{model.size}-{seen.hexdigest()[:12]}"


def _decoded(raw: Raw, side: int, name: str) -> Iterator[np.ndarray]:
    """Yield blocks of images uint8 (n, h, w, c); the next is decoded while one is in use."""
    starts = range(0, len(raw), BLOCK)
    if isinstance(raw, np.ndarray):  # the network enlarges them, so that less is hashed and held
        yield from (np.ascontiguousarray(raw[i : i + BLOCK]) for i in starts)
        return

    def one(at: int) -> np.ndarray:
        try:
            image = pixels.decode(raw[at], side)
        except pixels.Unreadable as error:
            where = pixels.name_of(raw[at], f"{name}[{at}]")
            raise DataError(f"{where} is no readable image ({error}); mend or remove it.") from None
        shown = scaling.to_bytes(image, scaling.ranges([image]))
        return np.broadcast_to(shown, (side, side, 3))

    with ThreadPoolExecutor() as pool:
        waiting: list[Any] = []
        for i in starts:
            waiting.append([pool.submit(one, at) for at in range(i, min(i + BLOCK, len(raw)))])
            if len(waiting) == 2:
                yield np.stack([job.result() for job in waiting.pop(0)])
        yield from (np.stack([job.result() for job in jobs]) for jobs in waiting)


def _pass(
    model: Classifier, points: dict[str, str], images: np.ndarray, numbers: int
) -> dict[str, np.ndarray]:
    """Compute the pooled features of a block of images: probe -> float16 (n, number)."""
    parts: dict[str, list[np.ndarray]] = {}
    handles: list[Any] = []

    def keep(name: str, values: Tensor) -> None:
        parts.setdefault(name, []).append(pooled(values, numbers).half().cpu().numpy())

    def after(name: str):
        return lambda module, args, output: keep(name, output)

    for name, path in points.items():
        handles.append(model.get_submodule(path).register_forward_hook(after(name)))
    handles.append(model.head.register_forward_pre_hook(lambda m, args: keep(PENULTIMATE, args[0])))
    try:
        with torch.inference_mode():
            for x in loop.as_tensor(images).split(blocks.PICTURES):
                prepared = model.prepare(x.to(next(model.parameters()).device))
                keep(INPUT, prepared)
                model.net(prepared)
    finally:
        for handle in handles:
            handle.remove()
    out = {name: np.concatenate(found) for name, found in parts.items()}
    bad = [name for name, found in out.items() if not np.isfinite(found).all()]
    if bad:
        raise ParameterError(
            f"The network {model.name!r} gives numbers that are not finite (in half precision) at "
            f"{bad[0]}; use another network."
        )
    return out


def pooled(values: Tensor, numbers: int) -> Tensor:
    """Average (n, c, h, w), (n, token, c) or (n, d) to at most `numbers` an image: (n, number).

    Channels are all kept where there is one cell for each; else they are averaged in stretches.
    """
    if values.ndim == 4:
        channels, height, width = values.shape[1:]
        cells = max(int(math.sqrt(numbers / channels)), 1)
        if cells < max(height, width):
            values = adaptive_avg_pool2d(values, (min(cells, height), min(cells, width)))
    elif values.ndim == 3:
        cells = max(numbers // values.shape[2], 1)
        values = adaptive_avg_pool1d(values.mT, min(cells, values.shape[1]))
    flat = values.flatten(1)
    if flat.shape[1] > max(numbers, MOST):
        flat = adaptive_avg_pool1d(flat[:, None], numbers)[:, 0]
    return flat


def _whole(file: Path) -> bool:
    try:
        files.check(file)
    except (OSError, files.Damaged):
        return False  # never written, or not as it was: computed again
    return True


def _read(file: Path, probe: str) -> np.ndarray:
    with open(file, "rb") as stream:
        stream.seek(files.HEADER)
        with np.load(stream, allow_pickle=False) as found:
            return found[probe]
