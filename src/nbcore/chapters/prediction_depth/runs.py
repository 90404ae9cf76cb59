"""Chapter 3's further runs: companions of its ensembles, and networks of the paper's size."""

from nbcore.chapters.prediction_depth.config import PredictionDepth, companions
from nbcore.depths.ensembles import run_ensemble
from nbcore.depths.probed import ProbedEnsemble
from nbcore.depths.roster import DepthConfig, ensembles
from nbcore.runs.store import Run, find_run


def load_companions(config: PredictionDepth, fresh: bool = False) -> dict[str, Run]:
    """Load or compute the run of every companion."""
    return {name: run_ensemble(e, fresh) for name, e in companions(config).items()}


def at_full_size(config: DepthConfig) -> dict[str, Run]:
    """Find the stored runs in the paper's own setting, by DATASET:NETWORK; none is computed.

    A run counts whatever its number of networks: one of them is hours on two cores and a minute on
    a GPU. Of a network without such a run, the one of which a part of the pool is probed. Empty at
    other scales than "small".
    """
    if config.scale != "small":
        return {}
    part = ProbedEnsemble.book()
    sought = [*ensembles(PredictionDepth.paper()).items(), (f"{part.dataset}:vgg16", part)]
    found: dict[str, Run] = {}
    for key, e in sought:
        run = None if key in found else find_run(e.slug, e, e.roles())
        found |= {key: run} if run else {}
    return found
