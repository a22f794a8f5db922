import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# Where this file is, not where Snakemake runs, nor the Snakefile that may use this workflow as a module.
sys.path.insert(0, str(Path(workflow.current_basedir).parent))

from greedyrank.config.sweep_loader import merge
from greedyrank.config.yaml_input import ConfigError, read_yaml
from greedyrank.plan import host, prerequisites, snakemake_internals
from greedyrank.plan.build_state import BuildState
from greedyrank.plan.graph import Plan
from greedyrank.plan.resources import growing

IS_MAIN = snakemake_internals.is_main_process(workflow)
if IS_MAIN and (line := prerequisites.unwritable_here()):
    raise WorkflowError(line)

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

# What starts a job in a clean room; its name follows: "train", for example. Not as `{STAGE}`, which Snakemake does not
# find where another workflow uses this one as a module.
STAGE = host.stage_command(
    snakemake_internals.jobs_have_their_python(workflow, plan.config.container)
)
STAGE = STAGE.replace("{", "{{").replace("}", "}}")
snakemake_internals.shorten_reasons(logger)

if plan.missing and IS_MAIN:
    logger.warning(plan.skip_message())
if IS_MAIN and (left_out := plan.left_out_message()):
    logger.warning(left_out)
if plan.project.broken and IS_MAIN:
    logger.error(plan.broken_message())

host.export_environment(
    [paper.folder for paper in plan.project.papers], CONFIG_FILES, GIVEN
)
RESULTS = plan.results
STATE = BuildState(
    Path(RESULTS, "logs", "build.json"),
    lambda: host.refresh_page(RESULTS, plan.slices.page()),
)
DATA_DIR = plan.data_dir


onstart:
    if lines := prerequisites.lacking(
        snakemake_internals.build(workflow, plan), os.environ
    ):
        raise WorkflowError("Nothing was started:", *lines)
    host.correct_future_times(RESULTS)
    plan.write_config()
    snakemake_internals.drop_default_rate_limit(workflow)
    snakemake_internals.say_why_jobs_are_refused(workflow)
    STATE.begin()
    snakemake_internals.report_jobs(logger, STATE)
    snakemake_internals.show_progress(workflow, plan, logger)


# Seconds each, and images and ratings are fetched where there is a network: never a cluster job.
localrules:
    fetch_images,
    movielens,
    released,
    generate,
    page,


wildcard_constraints:
    sweep="|".join(plan.sweeps),
    figure="|".join(plan.figures),
    dataset="mnist|fashion_mnist",
    job="[^/]+",
    instance="[^/]+",
