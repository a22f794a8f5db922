# One drawing rule a figure, since a caption's path takes no wildcard; and one target a figure:
# snakemake --cores 8 det_sign
for figure in plan.config.figures:

    rule:
        name:
            f"plot_{figure}"
        input:
            plan.figure_inputs,
        output:
            png=report(
                f"{RESULTS}/figures/{{figure,{figure}}}.png",
                caption=f"../report/{figure}.rst",
                category="Figures",
                labels={"figure": figure},
            ),
            pdf=f"{RESULTS}/figures/{{figure,{figure}}}.pdf",
            svg=f"{RESULTS}/figures/{{figure,{figure}}}.svg",
            csv=f"{RESULTS}/figures/{{figure,{figure}}}.csv",
        log:
            f"{RESULTS}/logs/plot/{{figure}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/plot/{{figure}}.tsv"
        group:
            plan.figure_group()
        conda:
            "../../envs/analysis.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
            runtime=growing(5),
            device="cpu",
        params:
            slice=plan.figure_slice,
            code=plan.figure_code,
        message:
            "{wildcards.figure}: draw"
        shell:
            "python scripts/plot.py --figure {wildcards.figure} --slice -"
            " --code {params.code} --spectra {input:q} --out {output:q} --log {log:q} <<< {params.slice:q}"

    rule:
        name:
            figure
        input:
            plan.figure_files(figure),
