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
def home():
    place = workflow.current_basedir
    if not isinstance(place, HostingProviderFile):
        # A link to this file has nothing beside it.
        is_here = Path(place, "workflow", "greedyrank").is_dir()
        return Path(
            place if is_here else Path(workflow.main_snakefile).resolve().parent
        )
    repository = place.hosted_repo.repo
    commit = repository.commit(place.ref).hexsha
    folder = Path(".snakemake", "greedyrank", commit).absolute()
    if not folder.exists():
        partial = folder.with_name(f"{commit}.{os.getpid()}")
        repository.clone(str(partial), no_checkout=True).git.checkout(commit)
        os.rename(partial, folder)
    return folder


HOME = home()
# That of the working folder, or else the one beside this file.
SETTINGS = "config.yaml" if Path("config.yaml").exists() else str(HOME / "config.yaml")


configfile: SETTINGS


include: str(HOME / "workflow/rules/common.smk")
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
    host.refresh_page(STAGE_WORDS, RESULTS, plan.slices.page())


onerror:
    snakemake_internals.cancel_submitted(workflow)
    STATE.end()
    host.refresh_page(STAGE_WORDS, RESULTS, plan.slices.page())
