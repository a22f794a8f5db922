# One job a sweep solves the baselines of all its problems: each takes a second or so.
rule baseline:
    input:
        plan.spectra_data,
    output:
        f"{RESULTS}/baselines/{{sweep}}.npz",
    log:
        f"{RESULTS}/logs/baseline/{{sweep}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/baseline/{{sweep}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        slice=lambda wildcards: plan.slices.baseline(wildcards.sweep),
        code=lambda wildcards: plan.slices.baseline_code(wildcards.sweep),
    message:
        "{wildcards.sweep}: solve the baselines"
    shell:
        STAGE
        + " baseline --slice - --data {input:q} --out {output:q} --log {log:q} <<< {params.slice:q}"
