"""Running and keeping: presets, provenance, the results store."""

from nbcore.runs.config import Config, from_cell, param, resolve
from nbcore.runs.store import Run, run_or_load

__all__ = ["Config", "Run", "from_cell", "param", "resolve", "run_or_load"]
