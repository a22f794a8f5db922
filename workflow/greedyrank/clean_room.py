"""The environment of every job: a short list of names that it inherits, and what is set here; nothing else.

Python, BLAS, OpenMP, numba, torch, HDF5 and matplotlib read hundreds of variables, many of which change numbers or
pictures. So a job is started with an environment made from nothing::

    python -IS workflow/greedyrank/clean_room.py train --name ...

starts ``scripts/train.py`` in it. ``-IS`` keeps out of this process what it keeps out of the job. A script that is
started without it, a notebook or a test calls `enter`.

Only the standard library is used, and nothing else of greedyrank.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

WORKFLOW = Path(__file__).parents[1]

# What a job inherits.
PASSED = (
    # Where programs, the user's files and scratch space are. Some systems' Python needs LD_LIBRARY_PATH to start.
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH"),
    # Which GPUs are ours.
    *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_MPS_PIPE_DIRECTORY"),
    # How images and ratings are fetched.
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "npm_config_registry", "NPM_CONFIG_REGISTRY"),
    # The build that this is a job of: see `greedyrank.plan.host`.
    *("GREEDYRANK_PAPERS", "GREEDYRANK_CONFIG"),
)

# The one way to choose what the processor is used for, to compare roundings: names and values as in a shell, such as
# GREEDYRANK_PROCESSOR='ATEN_CPU_CAPABILITY=default NUMBA_CPU_NAME=x86-64'. Libraries take what fits the processor
# where it is not set.
PROCESSOR = "GREEDYRANK_PROCESSOR"
PROCESSOR_NAMES = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NUMBA_CPU_FEATURES",
    "NUMBA_CPU_NAME",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)


# The environment that `enter` has left, for folders of the config such as $SCRATCH/data.
OUTSIDE: dict[str, str] = {}


class BadProcessor(ValueError):
    """A ``GREEDYRANK_PROCESSOR`` that names something else than how the processor is used."""


def _processor(text: str) -> dict[str, str]:
    """Return the variables that `PROCESSOR` holds."""
    found = {}
    for word in shlex.split(text):
        name, is_pair, value = word.partition("=")
        if name not in PROCESSOR_NAMES or not is_pair:
            raise BadProcessor(f"{PROCESSOR}: {word!r}; allowed: NAME=VALUE of {', '.join(PROCESSOR_NAMES)}")
        found[name] = value
    return found


def _set() -> dict[str, str]:
    """Return what is the same for every job of a working folder."""
    # With Snakemake's own files, not in the results, which are data only: numba's cache is pickles.
    cache = Path(".snakemake", "cache").absolute()
    # Results are the same bytes only for the same number of threads. Parallel work is Snakemake's: one job a core.
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {
        **dict.fromkeys(threads, "1"),
        "PYTHONPATH": str(WORKFLOW),
        # No module comes from the working folder, the scripts' folder or the user's own packages.
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "MPLBACKEND": "agg",
        # Files are written aside and renamed, so that none needs a lock, which some file systems do not have.
        "HDF5_USE_FILE_LOCKING": "FALSE",
    }


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a job in the current working folder.

    Parameters
    ----------
    inherited : mapping
        The environment of the process that starts it.

    Raises
    ------
    BadProcessor
        If `PROCESSOR` is set to something that is not allowed.
    """
    passed = {name: inherited[name] for name in (*PASSED, PROCESSOR) if name in inherited}
    return {**passed, **_set(), **_processor(inherited.get(PROCESSOR, ""))}


def as_in_jobs(path: object) -> str:
    """Return a path as text that means the same file to a job, whose locale is UTF-8, whatever that of the caller."""
    return os.fsencode(str(path)).decode("utf-8", "surrogateescape")


def enter() -> None:
    """Give this process the environment of a job; to be called before numpy, numba, torch or matplotlib is imported.

    What the interpreter has read already stays as it is, for the processes that this one starts.
    """
    python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    room = environment(os.environ)
    OUTSIDE.update(os.environ)
    os.environ.clear()
    os.environ.update(room | python)


def _start(script: str, arguments: list[str]) -> None:
    """Replace this process by a script of the repository in a clean room."""
    path = WORKFLOW.parent / "scripts" / f"{script}.py"
    os.execve(sys.executable, [sys.executable, str(path), *arguments], environment(os.environ))


if __name__ == "__main__":
    try:
        _start(sys.argv[1], sys.argv[2:])
    except BadProcessor as error:
        sys.exit(f"error: {error}")
