# One training rule a sweep, so that the sweeps of the cheapest figures come first.
for sweep in plan.sweeps:

    rule:
        name:
            f"train_{sweep}"
        input:
            plan.train_inputs,
        output:
            f"{RESULTS}/runs/{{sweep,{sweep}}}/{{batch}}.npz",
        log:
            f"{RESULTS}/logs/train/{{sweep}}/{{batch}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/train/{{sweep}}/{{batch}}.tsv"
        priority: plan.priority(sweep)
        group:
            plan.train_group(sweep)
        conda:
            "../../envs/train.yaml"
        threads: 1
        resources:
            mem_mb=plan.train_memory,
            runtime=growing(plan.train_minutes(sweep)),
            device=plan.device(sweep),
            gpu=plan.gpus(sweep),
        params:
            slice=plan.train_slice,
            code=plan.train_code(sweep),
            checkpoints=f"{RESULTS}/.checkpoints",
        message:
            "{wildcards.sweep}: train {wildcards.batch} on {resources.device}"
        shell:
            "python scripts/train.py --name {wildcards.sweep}/{wildcards.batch} --slice -"
            " --code {params.code} --data {input:q} --device {resources.device}"
            " --checkpoints {params.checkpoints:q} --out {output:q} --log {log:q} <<< {params.slice:q}"
