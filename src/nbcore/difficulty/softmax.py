"""What the networks of an ensemble say of the examples they were not trained on, as probabilities.

An ensemble's run keeps votes and answers, not softmax outputs. Its members depend on nothing but
their number, so the same networks are trained again here, without being probed.
"""

import sys
from dataclasses import replace
from functools import partial

import numpy as np
import xarray as xr

from nbcore.depths.ensembles import Ensemble, load_pool, member_seed, network, run_plan
from nbcore.errors import ParameterError
from nbcore.models import papers, probes
from nbcore.runs.store import Run, Tables, run_or_load
from nbcore.training import loop
from nbcore.training.ensemble import held_out_mask

SLUG = "held-out-softmax"


def run_softmax(config: Ensemble, fresh: bool = False) -> Run:
    """Load or compute a run with the ensemble's members that are on splits.

    Its table `probabilities` has `probability` (example, class), the mean softmax output over the
    members that held an example out, NaN where none did; `count` (example); `label`.
    """
    names = [name for name in config.names() if not name.startswith("full")]
    if not names:
        raise ParameterError("An ensemble without members on splits holds no example out.")
    plan = replace(run_plan(config), experiment=SLUG, members=names, join=None, check=None)
    return run_or_load(replace(plan, compute=partial(member, config), reduce=_reduce), fresh)


def softmax_of(config: Ensemble, fresh: bool = False) -> np.ndarray:
    """Return (example, class) mean held-out softmax outputs, as `compare.compare` takes them."""
    return run_softmax(config, fresh).table("probabilities")["probability"].values


def member(config: Ensemble, name: str) -> xr.Dataset:
    """Train one member; return `probability` (held, class) of the examples it holds out.

    Also `index` (held), their place in the pool.
    """
    index, pool = int(name.rpartition("-")[2]), load_pool(config)
    held = held_out_mask(len(pool.labels), index, config.held_out, config.splits, config.seed)
    seed, (_, side, _, channels) = member_seed(config, index), pool.images.shape
    kind = network(config)
    model = papers.build(
        kind.architecture, kind.width, len(pool.classes), channels, side, kind.depth, seed
    )
    loop.train(
        model,
        (pool.images[~held], pool.labels[~held]),
        {},
        config.recipe(),
        seed=seed,
        device=config.device,
        precision=config.precision,
        progress=name if config.workers == 1 and sys.stderr.isatty() else None,
    )
    p = probes.logits(model, loop.as_tensor(pool.images[held])).softmax(1).cpu().numpy()
    return xr.Dataset(
        {
            "index": ("held", np.flatnonzero(held)),
            "probability": (("held", "class"), p),
            "label": ("example", pool.labels.astype(np.int16)),
        }
    )


def _reduce(run: Run) -> Tables:
    first = run.member(run.member_names[0])
    label = first["label"].values
    total, count = np.zeros((len(label), first.sizes["class"])), np.zeros(len(label), np.int16)
    for _, m in run.members():
        total[m["index"].values] += m["probability"].values  # each index once a member
        count[m["index"].values] += 1
    mean = np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan)
    return {
        "probabilities": xr.Dataset(
            {
                "probability": (("example", "class"), mean.astype(np.float32)),
                "count": ("example", count),
                "label": ("example", label),
            }
        )
    }
