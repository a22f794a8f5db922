# In a group every job must say on which device it runs, if one does; so extraction, drawing and judging say it too.
rule extract:
    input:
        runs=plan.spectra_inputs,
        data=plan.spectra_data,
        baselines=plan.spectra_baselines,
    output:
        f"{RESULTS}/spectra/{{sweep}}.nc",
    log:
        f"{RESULTS}/logs/extract/{{sweep}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/extract/{{sweep}}.tsv"
    group:
        plan.resources.figure_group()
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=lambda wildcards, attempt: attempt
        * plan.resources.extract_minutes(wildcards.sweep),
        device="cpu",
    params:
        measures=lambda wildcards: plan.slices.measures(wildcards.sweep),
        code=lambda wildcards: plan.slices.spectra_code(wildcards.sweep),
    message:
        "{wildcards.sweep}: measure {params.measures}"
    shell:
        STAGE + " extract --runs {input.runs:q} --data {input.data:q}"
        " --baselines {input.baselines:q} --measures {params.measures} --out {output:q} --log {log:q}"
