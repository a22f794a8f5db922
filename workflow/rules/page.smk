# A view of what there is: refreshed after every build too, whole or not.
rule page:
    log:
        f"{RESULTS}/logs/page.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        results=RESULTS,
        slice=lambda wildcards: plan.slices.page(),
    message:
        "{params.results}/index.html: show what there is"
    shell:
        STAGE
        + " page --results {params.results:q} --slice - --log {log:q} <<< {params.slice:q}"
