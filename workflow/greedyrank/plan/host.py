"""The machine that plans: its GPU, its memory, the environment of its jobs, and its clock.

Only the standard library is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from greedyrank import clean_room, provenance

# A driver's device, or what it brings along in the Windows Subsystem for Linux.
DRIVERS = ("/dev/nvidiactl", "/usr/lib/wsl/lib/nvidia-smi")
USE_GPU = "import torch; assert (torch.ones(2, device='cuda') + 1).sum().item() == 4"
# Where a container's limit of memory stands, in either version of Linux's control groups.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@cache
def why_no_gpu() -> str:
    """Tell why torch cannot train on a GPU of this machine; "" if it can.

    Where there is a driver, torch is asked, in a process of its own, since planning imports no torch. What there is
    of devices, drivers and variables says little: torch may be built for CPUs, or for a newer driver.
    """
    if not any(Path(path).exists() for path in DRIVERS):
        return "this machine has no GPU"
    words = [sys.executable, "-c", USE_GPU]
    try:
        done = subprocess.run(
            words,
            env=clean_room.environment(os.environ),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "torch has not reached a GPU in two minutes"
    if done.returncode == 0:
        return ""
    return f"torch cannot use a GPU here ({(done.stderr.strip().splitlines() or ['it says nothing'])[-1]})"


def gpu_is_here() -> bool:
    """Tell whether torch can train on a GPU of this machine."""
    return not why_no_gpu()


def memory() -> int:
    """Return the bytes of memory of this machine, or of the container that this process runs in."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, LIMITS):
        if path.exists() and (limit := path.read_text(encoding="utf-8").strip()).isdecimal():
            found.append(int(limit))
    return min(found)


def export_environment(papers: list[Path], files: list[Path], overrides: dict) -> None:
    """Let the jobs find the papers, and name whole commands; what else they inherit stands in `clean_room`.

    Parameters
    ----------
    papers : list of Path
        The folders of the papers.
    files : list of Path
        Config files named on the command line.
    overrides : dict
        Settings given on the command line.
    """
    os.environ["GREEDYRANK_PAPERS"] = json.dumps(list(map(clean_room.as_in_jobs, papers)))
    pairs = [f"{key}={v if isinstance(v, str) else provenance.canonical(v)}" for key, v in overrides.items()]
    words = [*(["--configfile", *map(str, files)] if files else []), *(["--config", *pairs] if pairs else [])]
    os.environ["GREEDYRANK_CONFIG"] = shlex.join(words)


def stage_command(own_python: bool) -> str:
    """Return the words that start a stage of the pipeline in a clean room, quoted for a shell; its name follows.

    Parameters
    ----------
    own_python : bool
        Whether Snakemake starts each job in a conda environment or a container, whose Python is the one to use then.
    """
    python = "python" if own_python else shlex.quote(sys.executable)
    return f"{python} -IS {shlex.quote(str(Path(clean_room.__file__).resolve()))}"


def refresh_page(results: str, page: str) -> None:
    """Write the page of what there is at the end of a build; if that fails, it says why itself.

    Parameters
    ----------
    results : str
        The results folder.
    page : str
        What the page shows of the config, as JSON.
    """
    words = [*shlex.split(stage_command(own_python=False)), "page", "--results", results, "--slice", "-"]
    subprocess.run(words, input=page, encoding="utf-8", check=False)


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
