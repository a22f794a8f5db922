rule train:
    input:
        plan.train_inputs,
    output:
        f"{RESULTS}/runs/{{sweep}}/{{batch}}.npz",
    log:
        f"{RESULTS}/logs/train/{{sweep}}/{{batch}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{sweep}}/{{batch}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
        device=plan.device,
        gpu=plan.gpus,
    params:
        slice=plan.train_slice,
        code=plan.train_code,
        checkpoints=f"{RESULTS}/.checkpoints",
    message:
        "{wildcards.sweep}: train {wildcards.batch} on {resources.device}"
    shell:
        "python scripts/train.py --name {wildcards.sweep}/{wildcards.batch} --slice {params.slice:q}"
        " --code {params.code} --data {input:q} --device {resources.device}"
        " --checkpoints {params.checkpoints:q} --out {output:q} --log {log:q}"
