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
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")


# That of the working folder, or else the one beside this file.
SETTINGS = "config.yaml"
if not Path(SETTINGS).exists():
    SETTINGS = str(Path(workflow.current_basedir, SETTINGS))


configfile: SETTINGS


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/spectra.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/page.smk"


rule all:
    default_target: True
    input:
        plan.all_files(),
    message:
        "all figures and claims"


onsuccess:
    host.refresh_page(STAGE_WORDS, RESULTS, plan.slices.page())


onerror:
    snakemake_internals.cancel_submitted(workflow)
    host.refresh_page(STAGE_WORDS, RESULTS, plan.slices.page())
