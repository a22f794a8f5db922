rule check_claims:
    input:
        plan.figure_inputs,
    output:
        report(
            f"{RESULTS}/claims/{{figure}}.json",
            category="Claims",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RESULTS}/logs/check_claims/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/check_claims/{{figure}}.tsv"
    group:
        plan.resources.figure_group()
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(5),
        device="cpu",
    params:
        slice=lambda wildcards: plan.slices.claims(wildcards.figure),
        code=lambda wildcards: plan.slices.claims_code(wildcards.figure),
    message:
        "{wildcards.figure}: check the claims"
    shell:
        STAGE + " check_claims --figure {wildcards.figure} --slice -"
        " --spectra {input:q} --out {output:q} --log {log:q} <<< {params.slice:q}"


rule claims:
    input:
        plan.claims_files(),
    message:
        "all claims"


# The verdicts of all figures that take at most a minute.
rule cheap:
    input:
        plan.cheap_files(),
    message:
        "the claims of all figures that take at most a minute"
