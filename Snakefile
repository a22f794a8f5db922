# greedyrank: data -> training -> spectra -> figures and claims.
#
#   results/data/<sweep>/<instance>.npz     what is to be recovered, one file a data seed
#   results/runs/<sweep>/<job>.npz          recorded training runs, one file a job
#   results/baselines/<sweep>.npz           what the runs are compared with, where a sweep asks for it
#   results/spectra/<sweep>.nc              what is measured on them
#   results/figures/<figure>.{png,pdf,svg}  pictures, and <figure>.csv: exactly what they show
#   results/claims/<figure>.json            verdicts on the published statements
#   results/config.yaml                     the config that was built: the papers' settings with all overrides
#   results/logs, results/benchmarks        per job
#
# Scales other than laptop write to results/<scale>/. All logic is in workflow/greedyrank/plan.
import os
from pathlib import Path

from snakemake.sourcecache import HostingProviderFile
from snakemake.utils import min_version

min_version("9.0")

# Where this workflow lies. Jobs run its scripts, so one that Snakemake reads from a hosting provider, as `snakedeploy`
# writes it, is cloned into the working folder first; its files are then those of one commit.
PLACE = workflow.current_basedir
if isinstance(PLACE, HostingProviderFile):
    REPOSITORY = PLACE.hosted_repo.repo
    COMMIT = REPOSITORY.commit(PLACE.ref).hexsha
    HOME = Path(".snakemake", "greedyrank", COMMIT).absolute()
    if not HOME.exists():
        PARTIAL = HOME.with_name(f"{COMMIT}.{os.getpid()}")
        REPOSITORY.clone(str(PARTIAL), no_checkout=True).git.checkout(COMMIT)
        os.rename(PARTIAL, HOME)
elif Path(PLACE, "workflow", "greedyrank").is_dir():
    HOME = Path(PLACE)
else:  # a link to this file has nothing beside it
    HOME = Path(workflow.main_snakefile).resolve().parent
# That of the working folder, or else the one beside this file.
SETTINGS = "config.yaml" if Path("config.yaml").exists() else str(HOME / "config.yaml")


configfile: SETTINGS


include: str(HOME / "workflow/rules/common.smk")


# With `--sdm apptainer` all jobs run in this image.
if plan.config.container:

    container: plan.config.container


include: str(HOME / "workflow/rules/data.smk")
include: str(HOME / "workflow/rules/train.smk")
include: str(HOME / "workflow/rules/baselines.smk")
include: str(HOME / "workflow/rules/spectra.smk")
include: str(HOME / "workflow/rules/figures.smk")
include: str(HOME / "workflow/rules/claims.smk")
include: str(HOME / "workflow/rules/page.smk")


rule all:
    default_target: True
    input:
        plan.all_files(),
    message:
        "all figures and claims"


onsuccess:
    STATE.end()
    host.refresh_page(RESULTS, plan.slices.page())


onerror:
    snakemake_internals.cancel_submitted(workflow)
    STATE.end()
    host.refresh_page(RESULTS, plan.slices.page())
