# A view of what there is: refreshed after every build too, whole or not.
rule page:
    log:
        f"{RESULTS}/logs/page.log",
    conda:
        "../../envs/analysis.yaml"
    params:
        refresh=lambda wildcards: REFRESH_PAGE,  # not the text itself, whose braces would be wildcards
    message:
        "{RESULTS}/index.html: show what there is"
    shell:
        "{params.refresh} --log {log:q}"
