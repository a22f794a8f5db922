# One training rule a sweep, so that the sweeps of the cheapest figures come first.
for sweep in plan.sweeps:

    rule:
        name:
            f"train_{sweep}"
        input:
            plan.train_inputs,
        output:
            f"{RESULTS}/runs/{{sweep,{sweep}}}/{{job}}.npz",
        log:
            f"{RESULTS}/logs/train/{{sweep}}/{{job}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/train/{{sweep}}/{{job}}.tsv"
        priority: plan.resources.priority(sweep)
        group:
            plan.resources.train_group(sweep)
        conda:
            "../../envs/train.yaml"
        threads: 1
        resources:
            mem_mb=lambda wildcards, attempt: attempt
            * plan.resources.train_memory(wildcards.sweep, wildcards.job),
            runtime=growing(plan.resources.train_minutes(sweep)),
            device=plan.resources.device(sweep),
            gpu=plan.resources.gpus(sweep),
        params:
            slice=plan.train_slice,
            code=plan.slices.training_code(sweep),
            checkpoints=f"{RESULTS}/.checkpoints",
        message:
            "{wildcards.sweep}: train {wildcards.job} on {resources.device}"
        shell:
            " ".join(
                [
                    STAGE,
                    "train --name {wildcards.sweep}/{wildcards.job} --slice - --code {params.code} --data {input:q}",
                    "--device {resources.device} --checkpoints {params.checkpoints:q} --out {output:q} --log {log:q}",
                    "<<< {params.slice:q}",
                ]
            )
