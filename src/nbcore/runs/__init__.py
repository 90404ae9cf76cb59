"""Run experiments and keep their results: presets, provenance, the results store."""

from nbcore.runs.config import Config, from_cell, param, resolve

__all__ = ["Config", "from_cell", "param", "resolve"]
