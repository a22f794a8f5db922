"""What a build needs and this machine does not have: one line each, before the first job.

Only the standard library is used, and nothing is changed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from greedyrank import clean_room
from greedyrank.plan import host

# Read by numba from the working folder, over which jobs have no say.
NUMBA_CONFIG = ".numba_config.yaml"
# Room for one training job and what follows from it, in MB: measured at laptop scale, 1.1 GB for 88 jobs. At paper
# scale it is more; at smoke scale nothing to speak of.
TRAINING_MB = {"smoke": 0, "laptop": 12, "paper": 12}
SECONDS = 60  # for Slurm's answer
SMALLEST_IMAGES = 1_000_000  # bytes: the test images of MNIST, packed, are more
DEBIAN_DATA = Path("/usr/share/datasets")
# What sbatch is told of a job's resources, by their names in Snakemake.
SBATCH = {
    "slurm_account": "--account",
    "slurm_partition": "--partition",
    "qos": "--qos",
    "constraint": "--constraint",
    "runtime": "--time",
    "mem_mb": "--mem",
    "gpu": "--gpus",
}


@dataclass(frozen=True)
class Build:
    """What is about to be built.

    Attributes
    ----------
    results, data_dir : Path
        The folders of the results, and of images and ratings.
    scale : str
        Such as ``laptop``.
    training_jobs : int
        How many jobs will train.
    gpu_jobs : int
        How many of them on a GPU of this machine.
    to_fetch : list of str
        Images and ratings to be fetched where they are not in ``data_dir``.
    submitted : list of mapping, optional
        The resources of each job that Slurm gets; None where jobs run here.
    """

    results: Path
    data_dir: Path
    scale: str
    training_jobs: int = 0
    gpu_jobs: int = 0
    to_fetch: list[str] = field(default_factory=list)
    submitted: list[Mapping[str, object]] | None = None


def existing(path: Path) -> Path:
    """Return a path, or the nearest one above it that is there; a link to nothing is there."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if os.path.lexists(place))


def bad_environment(environment: Mapping[str, str]) -> str:
    """Tell what a job's environment would have that it must not have; "" if nothing."""
    if Path(NUMBA_CONFIG).exists():
        return f"{NUMBA_CONFIG} in this folder would change what numba compiles: remove it, or build in another folder"
    try:
        clean_room.environment(environment)
    except clean_room.BadProcessor as error:
        return str(error)
    return ""


def missing_programs() -> str:
    """Tell which programs of every Linux, but of few containers, are missing; "" if none is."""
    # Jobs get their settings as bash's here-strings; Snakemake's executor for Slurm asks `which` for its programs.
    missing = [name for name in ("bash", "which") if shutil.which(name) is None]
    return f"{' and '.join(missing)} must be installed" if missing else ""


def _unwritable(folder: Path, use: str, instead: str) -> str:
    """Tell why nothing can be written to a folder, or where it would be made; "" if it can."""
    place = existing(folder)
    if not place.is_dir():
        return f"{place} is no folder, and {use}: remove it, or {instead}"
    try:
        with tempfile.TemporaryFile(dir=place):
            return ""
    except OSError as error:
        return f"{place} cannot be written to ({error.strerror}), and {use}: {instead}"


def unwritable(results: Path) -> str:
    """Tell why no results can be written to their folder; "" if they can."""
    return _unwritable(results, "the results are to be there", "set `results_dir`")


def unwritable_here() -> str:
    """Tell why Snakemake, which then ends in a traceback, cannot run in this folder; "" if it can."""
    use = "Snakemake keeps files of its own there"
    return _unwritable(Path(".snakemake"), use, "build in a folder of yours, with `snakemake --directory FOLDER`")


def too_full(folder: Path, scale: str, training_jobs: int) -> str:
    """Tell that the disk of a folder has no room for what so many training jobs lead to; "" if it has."""
    needed = TRAINING_MB[scale] * training_jobs
    place = existing(folder)
    free = shutil.disk_usage(place).free // 1_000_000 if place.is_dir() else needed
    if free >= needed:
        return ""
    return f"{folder} needs about {needed} MB for {training_jobs} training jobs, and its disk has {free} MB left"


def has_network() -> bool:
    """Tell whether this machine has a way to others; nothing is sent."""
    for family, other in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):  # for documentation
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.connect((other, 9))  # of a datagram socket: it looks up the route
                return True
        except OSError:
            continue
    return False


def unfetchable(data_dir: Path, names: list[str]) -> str:
    """Tell that there is no network for data that are not there; "" if there is, or if files may be the data."""
    places = [folder for folder in (data_dir, DEBIAN_DATA) if folder.is_dir()]
    files = (path for folder in places for path in folder.rglob("*") if path.is_file())
    if not names or has_network() or any(path.stat().st_size >= SMALLEST_IMAGES for path in files):
        return ""
    return f"{', '.join(names)}: not in {data_dir}, and this machine has no network to fetch it: put its files there"


def no_gpu(jobs: int) -> str:
    """Tell why so many jobs cannot train on a GPU of this machine; "" if they can."""
    reason = host.why_no_gpu() if jobs else ""
    return reason and f"device is cuda, but {reason}, and {jobs} jobs are to train on one: set `device: cpu` or `auto`"


def no_slurm() -> str:
    """Tell that jobs cannot be submitted to Slurm from this machine; "" if they can."""
    if shutil.which("sbatch"):
        return ""
    return (
        "jobs are to be submitted to Slurm, but this machine has no sbatch: start on a login node of a cluster, or"
        " without `--workflow-profile slurm`"
    )


def sbatch_options(resources: Mapping[str, object]) -> tuple[str, ...]:
    """Return what sbatch is told of a job with some resources."""
    return tuple(f"{option}={resources.get(name)}" for name, option in SBATCH.items() if resources.get(name))


def refused(submitted: list[Mapping[str, object]]) -> str:
    """Tell in sbatch's own words why it would refuse the jobs; "" if it would not. Nothing is submitted."""
    for options in dict.fromkeys(map(sbatch_options, submitted)):
        words = ["sbatch", "--test-only", *options, "--wrap=true"]
        try:
            done = subprocess.run(
                words, capture_output=True, encoding="utf-8", errors="replace", timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"Slurm has not answered for {SECONDS} seconds: {' '.join(words)}"
        if done.returncode:
            return f"{' '.join(done.stderr.split())} (asked with: {' '.join(words)})"
    return ""


def lacking(build: Build, environment: Mapping[str, str]) -> list[str]:
    """Return all that a build would need and does not have, one line each.

    Parameters
    ----------
    build : Build
        What is about to be built.
    environment : mapping
        The environment of this process.
    """
    found = [
        bad_environment(environment),
        missing_programs(),
        unwritable(build.results),
        too_full(build.results, build.scale, build.training_jobs),
        unfetchable(build.data_dir, build.to_fetch),
        no_gpu(build.gpu_jobs),
    ]
    if build.submitted is not None:
        found.append(no_slurm() or refused(build.submitted))
    return [line for line in found if line]
