import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from greedyrank.config.sweep_loader import merge
from greedyrank.config.yaml_input import ConfigError, read_yaml
from greedyrank.plan import host, snakemake_internals
from greedyrank.plan.graph import Plan
from greedyrank.plan.resources import growing

IS_MAIN = snakemake_internals.is_main_process(workflow)

try:
    # For what is lost on the way to `config`: keys that stand twice.
    for path in snakemake_internals.config_files(workflow):
        read_yaml(path)
    CONFIG_FILES, GIVEN = snakemake_internals.command_line_config(workflow)
    plan = Plan(
        merge(config, GIVEN),
        here=IS_MAIN and not snakemake_internals.submits_jobs(workflow),
    )
except ConfigError as error:
    raise WorkflowError("The config is not valid:", *error.messages)

if plan.skipped and IS_MAIN:
    logger.warning(plan.skip_message())
if plan.project.broken and IS_MAIN:
    logger.error(plan.broken_message())

host.export_environment(
    [paper.folder for paper in plan.project.papers], CONFIG_FILES, GIVEN
)
RESULTS = plan.results
DATA_DIR = plan.data_dir
REFRESH_PAGE = f"python scripts/page.py --results {shlex.quote(RESULTS)} --slice - <<< {shlex.quote(plan.slices.page())}"


onstart:
    # On a cluster the machine that submits needs no GPU.
    on_gpu = snakemake_internals.jobs_on_gpu(workflow)
    if (
        on_gpu
        and snakemake_internals.runs_here(workflow)
        and not host.gpu_is_here()
    ):
        raise WorkflowError(
            f"device is cuda, but this machine has no GPU, and {on_gpu} jobs are to train on one:"
            " set `device: cpu` or `auto`. Nothing was started."
        )
    host.correct_future_times(RESULTS)
    plan.write_config()
    snakemake_internals.drop_default_rate_limit(workflow)


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
