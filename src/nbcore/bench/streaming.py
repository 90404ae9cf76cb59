"""Features of photographs, streamed from disk: images a second, memory, and 50,000 in pieces.

    nbcore bench features                  # a part is measured, the minutes of all are projected
    nbcore bench features -p whole=true    # all of them, piece by piece; what was done is kept

Photographs are the images of a data set, enlarged and written as JPEG, since no set of large
photographs comes along; each piece is made just before it is measured, and that is not timed.
"""

import hashlib
import io
import json
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image

from nbcore import data as nbdata
from nbcore import files
from nbcore.bench.clock import alternate, threads, watched
from nbcore.bench.record import Comparison, Found, Quantity
from nbcore.difficulty.pretrained import features
from nbcore.measures import blocks
from nbcore.measures.neighbours import nearest
from nbcore.paths import cache_dir
from nbcore.runs.config import Config, param
from nbcore.runs.engines import changed_environment
from nbcore.training import loop

#: gigabytes of memory, and minutes besides decoding, within which all photographs have to be done
LIMIT, MINUTES = 4.0, 60.0
#: neighbours that vote at a probe; twice as many are searched
VOTERS = 30


@dataclass(frozen=True)
class Features(Config):
    """Photographs and the network. About two minutes of one core; an hour or more with `whole`."""

    slug: ClassVar[str] = "features"

    dataset: str = param("cifar10", "images that are enlarged, by name")
    images: int = param(50_000, "photographs in all; those of the set in turn", low=10)
    part: int = param(1_000, "of these that are measured at a time", low=10)
    side: int = param(224, "of the photographs, pixels", low=32)
    network: str = param("efficientnet_lite0", "pretrained network")
    beside: int = param(128, "images that a bare forward pass answers too", low=2)
    rounds: int = param(3, "times that both do", low=1)
    threads: int = param(1, "threads", low=1)
    whole: bool = param(False, "measure every part, and go on where it was stopped")

    @classmethod
    def smoke(cls) -> "Features":
        """Digits of 64 pixels: seconds."""
        return cls(dataset="digits", images=1_000, part=128, side=64, beside=64, rounds=2)


def run(config: Features) -> Found:
    """Compare with the bare forward pass; then measure a part, or all."""
    with threads(config.threads):
        comparison = _beside_forward(config)
        pieces = _all_pieces(config) if config.whole else [_piece(config, 0)]
    n = sum(piece["images"] for piece in pieces)
    seconds = sum(piece["seconds"] for piece in pieces)
    decoding = sum(piece["decoding"] for piece in pieces)
    peak = max(piece["peak"] for piece in pieces)
    part = n < config.images
    rest = (seconds - decoding) * config.images / n / 60
    first = pieces[0]
    search = first["searching"] * config.images / first["images"] / 60
    return Found(
        (comparison,),
        (
            Quantity("photographs measured", n, ""),
            Quantity("decoded, features kept", round(n / seconds, 2), "images/s", None, "more"),
            Quantity("decoding alone", round(n / decoding, 1), "images/s", None, "more"),
            Quantity(
                f"{config.images:,} photographs, decoding too",
                round(seconds * config.images / n / 60, 2),
                "min",
                projected=part,
            ),
            Quantity("neighbours at every probe", round(search, 2), "min", projected=True),
            Quantity(
                f"{config.images:,} photographs besides decoding, neighbours too",
                round(rest + search, 2),
                "min",
                MINUTES,
                projected=True,
            ),
            Quantity("most memory of the process", round(peak, 3), "GB", LIMIT, "less"),
        ),
    )


def photographs(config: Features, number: int, folder: Path) -> list[Path]:
    """Write the photographs of one part as JPEG files."""
    train = nbdata.load(config.dataset, "train").images
    last = min((number + 1) * config.part, config.images)
    out = []
    for i in range(number * config.part, last):
        pixels = train[i % len(train)]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
        # the same image another time is brighter, so that its features are computed again
        image = image.point([min(v + i // len(train), 255) for v in range(256)] * 3)
        out.append(folder / f"{i:06d}.jpg")
        image.resize((config.side, config.side), Image.Resampling.BICUBIC).save(out[-1], quality=90)
    return out


def _piece(config: Features, number: int) -> dict[str, Any]:
    """Measure one part: images, seconds, of these decoding, seconds of its search, memory in GB."""
    with tempfile.TemporaryDirectory(prefix="nbcore-bench-") as place:
        folder = Path(place)
        paths = photographs(config, number, folder)
        start = time.perf_counter()
        for path in paths:
            _decoded(path)
        decoding = time.perf_counter() - start
        with changed_environment({"NBCORE_CACHE": str(folder / "cache")}), watched() as memory:
            start = time.perf_counter()
            found = features.extract(paths, config.network, config.side, device="cpu")
            seconds = time.perf_counter() - start
            rows = len(found.at(features.PENULTIMATE))
            searching = 0.0 if number else _searching(config, found)
            memory.look()
    piece = {"images": rows, "seconds": seconds, "decoding": decoding, "searching": searching}
    return piece | {"peak": memory.most / 1e9}


def _searching(config: Features, found: features.Features) -> float:
    """Time the search of a part's neighbours among as many as all photographs, at every probe.

    The others are its own features, moved a little, so that no two are equally far.
    """
    rng, start, lost = np.random.default_rng(0), time.perf_counter(), 0.0
    for probe in found.probes:
        prepare = time.perf_counter()
        own = found.at(probe)
        bank = np.resize(own, (config.images, own.shape[1]))
        step = 0.3 * float(own.astype(np.float32).std())
        for block in np.split(bank, range(len(own), len(bank), len(own)))[1:]:
            block += rng.normal(0.0, step, block.shape).astype(np.float16)
        lost += time.perf_counter() - prepare
        nearest(bank, own, min(2 * VOTERS, len(bank)))
    return time.perf_counter() - start - lost


def _decoded(path: Path) -> np.ndarray:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        return np.asarray(image.convert("RGB"))


def _all_pieces(config: Features) -> list[dict[str, Any]]:
    """Measure every part that no earlier call measured; forget them when all are there."""
    what = hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode()).hexdigest()[:12]
    folder = cache_dir() / "bench" / f"features-{what}"
    pieces = []
    for number in range(-(-config.images // config.part)):
        file = folder / f"part-{number:04d}.json"
        if not file.is_file():
            files.write_atomically(file, json.dumps(_piece(config, number)).encode())
        pieces.append(json.loads(file.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    return pieces


def _beside_forward(config: Features) -> Comparison:
    """Compare extraction, kept on disk, with the forward pass alone, on the same pixels."""
    train = nbdata.load(config.dataset, "train").images[: config.beside]
    pixels = np.broadcast_to(train, (*train.shape[:3], 3)).copy()
    model = features.load_network(config.network)
    model.size = config.side
    model.eval().to("cpu")

    def bare() -> np.ndarray:
        with torch.inference_mode():
            parts = [model.features(x) for x in loop.as_tensor(pixels).split(blocks.PICTURES)]
        return torch.cat(parts).float().numpy()

    def ours() -> np.ndarray:
        with (
            tempfile.TemporaryDirectory(prefix="nbcore-bench-") as cache,
            changed_environment({"NBCORE_CACHE": cache}),
        ):
            found = features.extract(pixels, config.network, config.side, device="cpu")
            return found.at(features.PENULTIMATE).astype(np.float32)

    bare()
    done = alternate({"ours": ours, "bare": bare}, config.rounds)
    mine, theirs = done["ours"].result, done["bare"].result
    apart = float(np.abs(mine - theirs).max() / np.abs(theirs).max())
    return Comparison(
        f"{len(pixels)} images at {config.side} px",
        "nbcore, features of every block kept",
        f"{config.network}, forward pass alone",
        done["ours"].rounds,
        done["bare"].rounds,
        round(done["ours"].memory, 1),
        round(done["bare"].memory, 1),
        "features that the head receives, by their largest",
        round(apart, 7),
        2e-3,  # they are kept in half precision
    )
