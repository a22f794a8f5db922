"""The machine that plans: its GPU, its memory, the environment of its jobs, and its clock.

Only the standard library is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
from pathlib import Path

from greedyrank import provenance

# Where a container's limit of memory stands, in either version of Linux's control groups.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
WORKFLOW = Path(__file__).parents[2]


def gpu_is_here() -> bool:
    """Tell whether this machine has an NVIDIA GPU, without importing torch."""
    # The driver's device, or what it brings along in the Windows Subsystem for Linux.
    driver = any(Path(path).exists() for path in ("/dev/nvidiactl", "/usr/lib/wsl/lib/nvidia-smi"))
    return driver and os.environ.get("CUDA_VISIBLE_DEVICES") != ""


def memory() -> int:
    """Return the bytes of memory of this machine, or of the container that this process runs in."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, LIMITS):
        if path.exists() and (limit := path.read_text().strip()).isdecimal():
            found.append(int(limit))
    return min(found)


def export_environment(papers: list[Path], files: list[Path], overrides: dict) -> None:
    """Let the jobs find the library, keep their caches with Snakemake's own files, and name whole commands.

    The caches are not in the results, which hold data only and are safe to pass on and to read: numba's is pickles.

    Parameters
    ----------
    papers : list of Path
        The folders of the papers.
    files : list of Path
        Config files named on the command line.
    overrides : dict
        Settings given on the command line.
    """
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(WORKFLOW), *filter(None, [inherited])])
    os.environ["GREEDYRANK_PAPERS"] = json.dumps([str(folder) for folder in papers])
    cache = Path(".snakemake", "cache").absolute()
    os.environ["MPLCONFIGDIR"] = str(cache / "matplotlib")
    os.environ["NUMBA_CACHE_DIR"] = str(cache / "numba")
    pairs = [f"{key}={v if isinstance(v, str) else provenance.canonical(v)}" for key, v in overrides.items()]
    words = [*(["--configfile", *map(str, files)] if files else []), *(["--config", *pairs] if pairs else [])]
    os.environ["GREEDYRANK_CONFIG"] = shlex.join(words)


def correct_future_times(results: str) -> None:
    """Give results with a time in the future, which a clock that was set back leaves, the present time.

    Snakemake lets no job read them: its output would be older than its input.
    """
    now = time.time()
    for stage in ("data", "runs", "baselines", "spectra"):
        for path in Path(results, stage).rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # a job of a Snakemake that was killed may be renaming it
                if path.stat().st_mtime > now:
                    os.utime(path)
