rule baseline:
    input:
        plan.baseline_inputs,
    output:
        f"{RESULTS}/baselines/{{sweep}}/{{instance}}.npz",
    log:
        f"{RESULTS}/logs/baseline/{{sweep}}/{{instance}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/baseline/{{sweep}}/{{instance}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        slice=plan.baseline_slice,
        code=plan.baseline_code,
    message:
        "{wildcards.sweep}: solve the baseline of {wildcards.instance}"
    shell:
        "python scripts/baseline.py --slice {params.slice:q} --data {input:q} --out {output:q} --log {log:q}"
