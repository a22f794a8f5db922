"""What greedyrank uses of Snakemake beside its documented language is still there; see plan/snakemake_internals.py."""

from __future__ import annotations

import inspect
import logging
from dataclasses import fields

import pytest
import snakemake.api  # first: the others import each other
from snakemake.cli import get_argument_parser
from snakemake.jobs import Job
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.settings.types import (
    ConfigSettings,
    DeploymentMethod,
    DeploymentSettings,
    MaxJobsPerTimespan,
    ResourceSettings,
    SchedulingSettings,
)
from snakemake.workflow import Workflow
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry

from greedyrank.plan import snakemake_internals

BROKEN = f"Snakemake {snakemake.__version__} has no longer {{}}: mend greedyrank/plan/snakemake_internals.py"


@pytest.mark.parametrize(
    "name", ["is_main_process", "local_exec", "dag", "scheduler", "executor_plugin", "current_basedir"]
)
def test_attributes_of_the_workflow(name):
    known = {*dir(Workflow), *Workflow.__annotations__}
    assert name in known, BROKEN.format(f"Workflow.{name}")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (ResourceSettings, "nodes"),
        (ConfigSettings, "configfiles"),
        (ConfigSettings, "config"),
        (SchedulingSettings, "max_jobs_per_timespan"),
    ],
)
def test_settings(settings, name):
    assert name in {field.name for field in fields(settings)}, BROKEN.format(f"{settings.__name__}.{name}")


def test_the_default_rate_limit_is_the_one_that_is_dropped():
    limit = MaxJobsPerTimespan.parse_choice(get_argument_parser().get_default("max_jobs_per_timespan"))
    assert (limit.max_jobs, limit.timespan) == (100, 1), BROKEN.format("a default of 100 jobs a second")


def test_a_reason_names_a_few_files_only(caplog):
    files = [f"results/figures/{number}.png" for number in range(200)]
    logger = logging.getLogger("a logger of this test")
    snakemake_internals.shorten_reasons(logger)
    long = f"Missing output files: {', '.join(files[:2])}; Input files updated by another job: {', '.join(files)}"
    shortened = f"{long[: long.index(files[3])]}and 197 more"
    for reason, shown in ((long, shortened), ("Forced execution", "Forced execution"), (None, None)):
        with caplog.at_level(logging.INFO, logger=logger.name):
            logger.info("job", extra={"reason": reason})
        assert caplog.records[-1].reason == shown
    source = inspect.getsource(Job.log_info)
    assert "reason=str(" in source, BROKEN.format("the reason of a job in its log")


def test_what_is_said_of_jobs():
    said = inspect.getsource(Job.log_info) + inspect.getsource(Job.get_log_error_info)
    for words in ("event=LogEvent.JOB_INFO", "event=LogEvent.JOB_ERROR", "jobid=", "rule_msg=", "rule_name=", "log="):
        assert words in said, BROKEN.format(words)
    assert "event=LogEvent.JOB_FINISHED, job_id=" in inspect.getsource(JobScheduler), BROKEN.format("JOB_FINISHED")


@pytest.mark.parametrize("name", ["job_rate_limiter", "_executor"])
def test_attributes_of_the_scheduler(name):
    assert f"self.{name}" in inspect.getsource(JobScheduler), BROKEN.format(f"JobScheduler.{name}")


@pytest.mark.parametrize("name", ["run_uuid", "report_job_error"])
def test_attributes_of_the_executor_of_slurm(name):
    from snakemake_executor_plugin_slurm import Executor

    assert f"self.{name}" in inspect.getsource(Executor), BROKEN.format(f"Executor.{name}")


def test_the_executor_of_slurm_is_called_so():
    assert ExecutorPluginRegistry().get_plugin("slurm").name == "slurm"


def test_conda_and_apptainer_are_ways_of_deployment():
    assert {DeploymentMethod.CONDA, DeploymentMethod.APPTAINER} <= DeploymentMethod.all()
    assert "deployment_method" in {field.name for field in fields(DeploymentSettings)}
