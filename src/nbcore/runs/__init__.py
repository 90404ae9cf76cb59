"""Running and keeping: presets, provenance, the results store."""

from nbcore.runs.presets import Config, param, resolve
from nbcore.runs.store import Run, run_or_load

__all__ = ["Config", "Run", "param", "resolve", "run_or_load"]
