"""What jobs need and where they run: memory, minutes, devices, priorities, and groups on a cluster."""

from __future__ import annotations

from collections.abc import Callable

from greedyrank.config.loading import Project
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.sweeps import Slice
from greedyrank.config.yaml_input import ConfigError
from greedyrank.plan import host

# What training jobs are given, beside the arrays of those on images. Measured at laptop scale on a CPU: at most 464 MB,
# 14 minutes, and 70 seconds where the whole figure takes a minute. CUDA's own memory on the host was not measured.
# An underestimate is harmless: with `retries` a job gets more, and goes on from its checkpoint.
TRAIN_MB = {"cpu": 2000, "cuda": 4000}
TRAIN_MINUTES = {"smoke": 60, "laptop": 60, "paper": 1440}
SHORT_MINUTES = 5
EXTRACT_MINUTES = 30  # at laptop scale 2 were the most
# On a cluster, where starting a job takes seconds, figures of at most so many minutes are one job, if the sweeps have
# no more training jobs than this.
SHORT_FIGURE, SHORT_JOBS = 1, 20


def growing(amount: int) -> Callable[..., int]:
    """Return a resource: the amount, and as much again at every retry."""
    return lambda wildcards, attempt: amount * attempt


class Resources:
    """The resources of every job.

    Parameters
    ----------
    project : Project
        What can be built.
    jobs : dict
        The slice of each training job, by sweep and name of the job.
    here : bool
        Whether the jobs run on this machine, so that its memory and its GPU count.
    """

    def __init__(self, project: Project, jobs: dict[str, dict[str, Slice]], here: bool):
        self._project, self._jobs, self._here = project, jobs, here

    def priority(self, sweep: str) -> int:
        """Return a sweep's priority: below 0, so that what can follow training does; cheap figures first."""
        order = sorted((figure.block for figure in self._project.figures.values()), key=lambda block: block.minutes)
        return -next((i + 1 for i, block in enumerate(order) if sweep in block.sweeps), len(order) + 1)

    def device(self, sweep: str) -> str:
        """Return where a sweep trains: ``auto`` is a GPU where there is one."""
        wanted = self._project.config.device
        if self._project.sweeps[sweep].device == "cpu" or wanted == "cpu":
            return "cpu"
        return "cuda" if wanted == "cuda" or (self._here and host.gpu_is_here()) else "cpu"

    def gpus(self, sweep: str) -> int:
        """Return how many GPUs each job of a sweep needs."""
        return int(self.device(sweep) == "cuda")

    # -- groups: what one job of a cluster does ------------------------------------------------

    def is_short(self, sweep: str) -> bool:
        """Tell whether all figures that show a sweep take a minute, its training included."""
        shown = [f.block.minutes for f in self._project.figures.values() if sweep in f.block.sweeps]
        return max(shown, default=SHORT_FIGURE + 1) <= SHORT_FIGURE and len(self._jobs[sweep]) <= SHORT_JOBS

    def figure_group(self) -> str | None:
        """Return the group of measuring, drawing and judging, on a cluster: one job for figures that share sweeps."""
        return None if self._here else "figures"

    def train_group(self, sweep: str) -> str | None:
        """Return the group in which a sweep trains: that of its figures if they are short, else each job is its own.

        A job that holds a GPU does nothing else.
        """
        return self.figure_group() if self.is_short(sweep) and self.device(sweep) == "cpu" else None

    # -- memory and time -----------------------------------------------------------------------

    def job_bytes(self, sweep: str, job: str) -> int:
        """Return the bytes of the arrays of a job, 0 where they always fit."""
        return PROBLEMS[self._project.sweeps[sweep].whole.problem].job_bytes(self._jobs[sweep][job].runs)

    def train_memory(self, sweep: str, job: str) -> int:
        """Return the memory of a training job at its first attempt, in MB."""
        return TRAIN_MB[self.device(sweep)] + self.job_bytes(sweep, job) // 1_000_000

    def train_minutes(self, sweep: str) -> int:
        """Return the minutes that a training job may take at its first attempt."""
        return SHORT_MINUTES if self.is_short(sweep) else TRAIN_MINUTES[self._project.config.scale]

    def extract_minutes(self, sweep: str) -> int:
        """Return the minutes that measuring a sweep may take at the first attempt."""
        return SHORT_MINUTES if self.is_short(sweep) else EXTRACT_MINUTES

    def check_memory(self) -> None:
        """Refuse jobs whose arrays do not fit into this machine's memory; a GPU has its own.

        Raises
        ------
        ConfigError
            Naming the sweep, the job, and what they need.
        """
        errors, there = [], host.memory()
        for name, jobs in self._jobs.items():
            if self.device(name) == "cuda":
                continue
            for job, part in jobs.items():
                if (needed := self.job_bytes(name, job)) > there:
                    advice = PROBLEMS[part.problem].memory_advice(part.runs)
                    errors.append(
                        f"sweeps.{name}.job_per: the job {job} of {len(part.runs)} runs needs about"
                        f" {needed / 1e9:.1f} GB; this machine has {there / 1e9:.1f} GB: {advice}"
                    )
        if errors:
            raise ConfigError(errors)
