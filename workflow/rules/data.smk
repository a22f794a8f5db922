rule fetch_images:
    output:
        f"{RESULTS}/data/{{dataset}}.sha256",
    log:
        f"{RESULTS}/logs/fetch_images/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fetch_images/{{dataset}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        data_dir=DATA_DIR,
    message:
        "{wildcards.dataset}: fetch and verify the images"
    shell:
        STAGE
        + " fetch_images --dataset {wildcards.dataset} --data-dir {params.data_dir:q}"
        " --out {output:q} --log {log:q}"


# The ratings are the user's file: it is an output only while it is missing, so it is never deleted.
rule movielens:
    output:
        plan.missing,
    log:
        f"{RESULTS}/logs/fetch_movielens.log",
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        data_dir=lambda wildcards: DATA_DIR,
    message:
        "MovieLens 100K: fetch and verify the ratings"
    shell:
        " ".join(
            [STAGE, "fetch_movielens --data-dir {params.data_dir:q} --log {log:q}"]
        )


# What authors released without a licence is fetched when asked for; sweeps that need it are left out while it is missing.
rule released:
    log:
        f"{RESULTS}/logs/fetch_released.log",
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        slice=plan.slices.released(),
        data_dir=DATA_DIR,
    message:
        "released files: fetch and verify"
    shell:
        STAGE
        + " fetch_released --slice - --data-dir {params.data_dir:q} --log {log:q} <<< {params.slice:q}"


rule generate:
    input:
        plan.data_inputs,
    output:
        f"{RESULTS}/data/{{sweep}}/{{instance}}.npz",
    log:
        f"{RESULTS}/logs/generate/{{sweep}}/{{instance}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/generate/{{sweep}}/{{instance}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        slice=plan.data_slice,
        code=lambda wildcards: plan.slices.data_code(wildcards.sweep),
        data_dir=DATA_DIR,
    message:
        "{wildcards.sweep}: generate data {wildcards.instance}"
    shell:
        STAGE + " generate --slice - --data-dir {params.data_dir:q}"
        " --out {output:q} --log {log:q} <<< {params.slice:q}"
