"""What there is on this machine and what is missing, one line each, for a user who is about to build."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from greedyrank.clean_room import WORKFLOW
from greedyrank.config import loading
from greedyrank.config.grammar import Config
from greedyrank.config.yaml_input import ConfigError
from greedyrank.errors import UserError
from greedyrank.plan import host, prerequisites

LOCK = WORKFLOW.parent / "envs" / "requirements.lock"


class Finding(NamedTuple):
    """One line: what was looked at, what was found, and whether all builds need it and lack it."""

    subject: str
    found: str
    fails: bool = False


def differing(lock: str) -> list[str]:
    """Return the packages of a lock file that are missing or have another version here, without torch's suffixes."""
    wrong = []
    for name, wanted in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE):
        try:
            version = metadata.version(name).split("+")[0]
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} {wanted} is missing")
        else:
            if version != wanted:
                wrong.append(f"{name} is {version}, not {wanted}")
    return wrong


def _packages() -> Finding:
    wrong = differing(LOCK.read_text(encoding="utf-8"))
    found = "; ".join(wrong[:5]) + f"; {len(wrong)} in all: make environment" if wrong else f"as in {LOCK.name}"
    return Finding("packages", found, bool(wrong))


def _images(data_dir: Path, dataset: str) -> Finding:
    from greedyrank.data import images

    try:
        images.load(data_dir, dataset)
    except (UserError, OSError):
        return Finding(dataset, f"not in {data_dir}: fetched when a figure needs it, over the network")
    return Finding(dataset, f"in {data_dir}")


def _ratings(data_dir: Path) -> Finding:
    from greedyrank.config import ratings_file
    from greedyrank.data import ratings

    if not ratings_file.find(data_dir).exists():
        return Finding("movielens", "missing, so dmf_movielens is skipped; to get it: snakemake --cores 1 movielens")
    try:
        ratings.load(data_dir)
    except UserError as error:
        return Finding("movielens", str(error))
    return Finding("movielens", f"in {data_dir}")


def findings(raw: Mapping[str, object], environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what there is and what is missing.

    Parameters
    ----------
    raw : mapping
        What config.yaml holds.
    environment : mapping
        The environment that builds would be started with.
    """
    yield Finding("Python", f"{platform.python_version()} in {sys.prefix}")
    yield _packages()
    try:
        project = loading.load(dict(raw))
    except ConfigError as error:
        config = Config()
        yield Finding("config", "; ".join(error.messages), True)
    else:
        config = project.config
        broken = f"; cannot be built: {', '.join(project.broken)}" if project.broken else ""
        yield Finding("config", f"valid, {len(project.figures)} figures at {config.scale} scale{broken}", bool(broken))
    for wrong in filter(None, (prerequisites.bad_environment(environment), prerequisites.missing_programs())):
        yield Finding("environment", wrong, True)
    memory = host.memory() / 1e9
    yield Finding("machine", f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB of memory")
    results = Path(config.folder)
    wrong = prerequisites.unwritable(results)
    free = "" if wrong else f"{shutil.disk_usage(prerequisites.existing(results)).free / 1e9:.0f} GB free"
    yield Finding("results", wrong or f"{results}, {free}", bool(wrong))
    reason = host.why_no_gpu()
    yield Finding("GPU", f"{reason}: `device: auto` trains on the CPU" if reason else "torch can use it")
    slurm = "sbatch is here" if shutil.which("sbatch") else "no sbatch, so `--workflow-profile slurm` cannot be used"
    yield Finding("Slurm", slurm)
    yield Finding("network", "there is one" if prerequisites.has_network() else "none: missing data cannot be fetched")
    for dataset in ("mnist", "fashion_mnist"):
        yield _images(Path(config.data), dataset)
    yield _ratings(Path(config.data))
