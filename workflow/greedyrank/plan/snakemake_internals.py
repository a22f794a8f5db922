"""Everything that is used of Snakemake beside its documented language.

None of it is promised to stay. So it stands here alone, and tests/unit/test_snakemake_internals.py says which of it an
upgrade of Snakemake breaks.
"""

from __future__ import annotations

import logging
import re
import subprocess
from pathlib import Path
from typing import Any

from snakemake.logging import logger
from snakemake.settings.types import DeploymentMethod
from snakemake_interface_logger_plugins.common import LogEvent

from greedyrank import recorded_times
from greedyrank.config.yaml_input import typed
from greedyrank.plan import progress
from greedyrank.plan.build_state import BuildState
from greedyrank.plan.graph import Plan
from greedyrank.plan.prerequisites import Build


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


def build(workflow: Any, plan: Plan) -> Build:
    """Return what is about to be built, once it is known which jobs are to run."""
    jobs = list(workflow.dag.needrun_jobs())
    rules = [job.rule.name for job in jobs]
    to_fetch = [job.wildcards.dataset for job in jobs if job.rule.name == "fetch_images"]
    on_gpu = [job for job in jobs if job.resources.get("device") == "cuda"]
    slurm = workflow.executor_plugin.name == "slurm"
    return Build(
        results=Path(plan.results),
        data_dir=Path(plan.data_dir),
        scale=plan.config.scale,
        training_jobs=sum(rules.count(f"train_{sweep}") for sweep in plan.sweeps),
        gpu_jobs=len(on_gpu) if workflow.local_exec else 0,
        to_fetch=[*to_fetch, *(["movielens"] if "movielens" in rules else [])],
        submitted=[job.resources for job in jobs if not job.is_local] if slurm else None,
    )


def say_why_jobs_are_refused(workflow: Any) -> None:
    """Print once why sbatch refuses jobs.

    Snakemake prints "message: None" in place of what the executor reports, and nothing at all for a group of jobs
    (9.27, ``logging._format_job_error``).
    """
    executor = workflow.scheduler._executor
    report, said = executor.report_job_error, set()

    def report_and_say(job_info: Any, msg: str | None = None, **rest: Any) -> None:
        # The words of sbatch; the call, which follows them, is long.
        words = (msg or "").split("\n")[0]
        if words and words not in said:
            said.add(words)
            logger.error(words)
        report(job_info, msg=msg, **rest)

    executor.report_job_error = report_and_say


def jobs_have_their_python(workflow: Any, image: str | None) -> bool:
    """Tell whether jobs run in conda environments that Snakemake makes, or in containers of an image."""
    methods = workflow.deployment_settings.deployment_method
    return DeploymentMethod.CONDA in methods or (image is not None and DeploymentMethod.APPTAINER in methods)


def cancel_submitted(workflow: Any) -> None:
    """Cancel the jobs that this run has submitted to Slurm and that Snakemake overlooks when it is interrupted.

    Snakemake cancels the jobs that it waits for, but not those that it is just submitting or asking about.
    """
    if submits_jobs(workflow):
        subprocess.run(["scancel", "--name", workflow.scheduler._executor.run_uuid], check=False)


def shorten_reasons(logger: logging.Logger) -> None:
    """Let the reason of a job name a few files only: without, that of everything fills a hundred lines."""
    files = re.compile(r"((?:[^,;:]+, ){3})((?:[^,;:]+, )*)([^,;:]+)")

    def shorten(record: logging.LogRecord) -> bool:
        if isinstance(reason := vars(record).get("reason"), str):
            record.reason = files.sub(lambda found: f"{found[1]}and {found[2].count(', ') + 1} more", reason)
        return True

    logger.addFilter(shorten)


def _expected_seconds(job: Any, plan: Plan) -> float:
    """Return about how long a job takes: as it did last, or else by the minutes that its figures take."""
    if job.benchmark and (seconds := recorded_times.seconds(Path(job.benchmark))) is not None:
        return seconds
    if not job.rule.name.startswith("train_"):
        return progress.SHORT_SECONDS
    figures = {name: (figure.block.minutes, figure.block.sweeps) for name, figure in plan.figures.items()}
    counts = {name: len(jobs) for name, jobs in plan.jobs.items()}
    return progress.training_seconds(job.wildcards.sweep, figures, counts)


def show_progress(workflow: Any, plan: Plan, logger: logging.Logger) -> None:
    """Show how much of the work is done and how long the rest takes, in place of Snakemake's number of jobs."""
    expected = {job.jobid: _expected_seconds(job, plan) for job in workflow.dag.needrun_jobs()}
    at_a_time = workflow.resource_settings.nodes or workflow.resource_settings.cores or 1
    bar = progress.Progress(expected, at_a_time)

    def show(record: logging.LogRecord) -> bool:
        if (event := vars(record).get("event")) == LogEvent.JOB_FINISHED:
            bar.finish(vars(record)["job_id"])
        elif event == LogEvent.PROGRESS:
            record.msg = bar.line()
            del vars(record)["event"]
        return True

    logger.addFilter(show)


def report_jobs(logger: logging.Logger, state: BuildState) -> None:
    """Let Snakemake say of each job when it starts, ends and fails."""

    def report(record: logging.LogRecord) -> bool:
        said = vars(record)
        event = said.get("event")
        if event == LogEvent.JOB_INFO:
            state.started(said["jobid"], said["rule_msg"] or said["rule_name"], list(said["log"] or []))
        elif event == LogEvent.JOB_FINISHED:
            state.finished(said["job_id"])
        elif event == LogEvent.JOB_ERROR:
            state.failed(said["jobid"])
        return True

    logger.addFilter(report)


def drop_default_rate_limit(workflow: Any) -> None:
    """Drop the limit on the rate of jobs, unless one was asked for.

    The limiter wakes the scheduler once a second for every job that has ever finished while others wait (Snakemake
    pull request 3744): after two hundred jobs that takes a third of a core. The default, 100 jobs a second, limits
    nothing here.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
