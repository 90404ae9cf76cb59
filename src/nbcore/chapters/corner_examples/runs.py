"""Chapter 8's runs on wrong labels: networks that are watched learning them, and ensembles."""

from nbcore.chapters.corner_examples.config import CornerExamples, mislabelled, watched
from nbcore.chapters.corner_examples.label_noise import run_label_noise
from nbcore.depths.ensembles import run_ensemble
from nbcore.runs.store import Run


def load_watched(config: CornerExamples, fresh: bool = False) -> dict[str, Run]:
    """Load or compute the run of each ensemble of `watched`."""
    return {key: run_label_noise(e, fresh) for key, e in watched(config).items()}


def load_mislabelled(config: CornerExamples, fresh: bool = False) -> dict[str, Run]:
    """Load or compute the run of each ensemble of `mislabelled`."""
    return {name: run_ensemble(e, fresh) for name, e in mislabelled(config).items()}
