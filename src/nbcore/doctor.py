"""What to put in a bug report, and what to know about the machine before a long run."""

import shutil
from typing import Any

from nbcore import data
from nbcore.paths import cache_dir, project_root
from nbcore.runs import provenance


def examine() -> list[dict[str, Any]]:
    """List versions, hardware, GPU, folders, free disk and data sets as rows (item, found)."""
    rows = [{"item": name, "found": version} for name, version in provenance.versions().items()]
    rows += [{"item": "hardware", "found": provenance.hardware()}]
    rows += [{"item": "GPU", "found": _gpu()}, {"item": "CPU back end", "found": _cpu_back_end()}]
    cache = cache_dir()
    existing = next(p for p in (cache, *cache.parents) if p.exists())
    rows += [{"item": "book", "found": str(project_root())}, {"item": "cache", "found": str(cache)}]
    free = shutil.disk_usage(existing).free / 2**30
    rows += [{"item": "free disk", "found": f"{free:.0f} GiB"}]
    for entry in data.status():
        rows.append({"item": f"data: {entry.name}", "found": str(entry.found or "not found")})
    return rows


def _cpu_back_end() -> str:
    import torch

    return f"torch, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none; chapters run on the CPU"
    return f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}"
