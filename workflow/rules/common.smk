import shlex
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from greedyrank.config.yaml_input import ConfigError, read_yaml
from greedyrank.plan import host
from greedyrank.plan.graph import Plan
from greedyrank.plan.resources import growing

# --jobs says how many jobs are submitted at a time; on one machine it is another name of --cores.
submits = workflow.resource_settings.nodes is not None

try:
    # For what is lost on the way to `config`: keys that stand twice.
    for path in map(Path, workflow.configfiles):
        read_yaml(path)
    plan = Plan(config, here=workflow.is_main_process and not submits)
except ConfigError as error:
    raise WorkflowError("The config is not valid:", *error.messages)

if plan.skipped:
    logger.warning(plan.skip_message())
if plan.project.broken:
    logger.error(plan.broken_message())

host.export_environment(
    [paper.folder for paper in plan.project.papers],
    workflow.config_settings.configfiles,
    workflow.config_settings.config,
)
RESULTS = plan.results
DATA_DIR = plan.data_dir
REFRESH_PAGE = f"python scripts/page.py --results {shlex.quote(RESULTS)} --slice - <<< {shlex.quote(plan.slices.page())}"


def cancel_submitted():
    """Cancel what this run has submitted to Slurm and Snakemake, when it was interrupted, overlooked."""
    # It cancels the jobs that it waits for, but not those that it is just submitting or asking about.
    run = getattr(workflow.scheduler._executor, "run_uuid", None)
    if run:
        subprocess.run(["scancel", "--name", run], check=False)


onstart:
    # On a cluster the machine that submits needs no GPU.
    on_gpu = [
        job
        for job in workflow.dag.needrun_jobs()
        if job.resources.get("device") == "cuda"
    ]
    if on_gpu and workflow.local_exec and not host.gpu_is_here():
        raise WorkflowError(
            f"device is cuda, but this machine has no GPU, and {len(on_gpu)} jobs are to train on one:"
            " set `device: cpu` or `auto`. Nothing was started."
        )
    host.correct_future_times(RESULTS)
    # Snakemake's rate limiter wakes the scheduler once a second for every job that has ever finished while others wait
    # (snakemake pull request 3744): after two hundred jobs that is a third of a core. Its default, 100 jobs a second,
    # limits nothing here; a limit that was asked for stays.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


# Seconds each, and images and ratings are fetched where there is a network: never a cluster job.
localrules:
    fetch_images,
    movielens,
    generate,
    page,


wildcard_constraints:
    sweep="|".join(plan.sweeps),
    figure="|".join(plan.figures),
    dataset="mnist|fashion_mnist",
    job="[^/]+",
    instance="[^/]+",
