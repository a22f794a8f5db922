"""Everything that is used of Snakemake beside its documented language.

None of it is promised to stay. So it stands here alone, and tests/unit/test_snakemake_internals.py says which of it an
upgrade of Snakemake breaks.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from greedyrank.config.yaml_input import typed


def submits_jobs(workflow: Any) -> bool:
    """Tell whether jobs are submitted to a cluster.

    ``--jobs`` says how many at a time; on one machine it is another name of ``--cores``.
    """
    return workflow.resource_settings.nodes is not None


def is_main_process(workflow: Any) -> bool:
    """Tell whether this is the process that was started by hand, not one of its jobs."""
    return workflow.is_main_process


def config_files(workflow: Any) -> list[Path]:
    """Return all config files that were read."""
    return [Path(path) for path in workflow.configfiles]


def command_line_config(workflow: Any) -> tuple[list[Path], dict]:
    """Return the config files and the settings that were given on the command line."""
    settings = workflow.config_settings
    # Snakemake itself finds numbers at the top.
    given = {
        name: typed(value) if isinstance(value, (dict, list)) else value for name, value in settings.config.items()
    }
    return [Path(path) for path in settings.configfiles], given


def jobs_on_gpu(workflow: Any) -> int:
    """Return how many of the jobs that are to run ask for a GPU."""
    return sum(job.resources.get("device") == "cuda" for job in workflow.dag.needrun_jobs())


def runs_here(workflow: Any) -> bool:
    """Tell whether jobs run on this machine."""
    return workflow.local_exec


def cancel_submitted(workflow: Any) -> None:
    """Cancel the jobs that this run has submitted to Slurm and that Snakemake overlooks when it is interrupted.

    Snakemake cancels the jobs that it waits for, but not those that it is just submitting or asking about.
    """
    if submits_jobs(workflow):
        subprocess.run(["scancel", "--name", workflow.scheduler._executor.run_uuid], check=False)


def drop_default_rate_limit(workflow: Any) -> None:
    """Drop the limit on the rate of jobs, unless one was asked for.

    The limiter wakes the scheduler once a second for every job that has ever finished while others wait (Snakemake
    pull request 3744): after two hundred jobs that takes a third of a core. The default, 100 jobs a second, limits
    nothing here.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
