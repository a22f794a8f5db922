# One drawing rule a figure, since a caption's path takes no wildcard; and one target a figure and a paper:
# snakemake --cores 8 det_sign, snakemake --cores 8 razin_cohen_2020
for figure in plan.figures:

    rule:
        name:
            f"plot_{figure}"
        input:
            plan.figure_inputs,
        output:
            png=report(
                f"{RESULTS}/figures/{{figure,{figure}}}.png",
                caption=plan.caption(figure),
                category="Figures",
                labels={"figure": figure},
            ),
            pdf=f"{RESULTS}/figures/{{figure,{figure}}}.pdf",
            svg=f"{RESULTS}/figures/{{figure,{figure}}}.svg",
            csv=f"{RESULTS}/figures/{{figure,{figure}}}.csv",
            js=f"{RESULTS}/figures/{{figure,{figure}}}.js",
        log:
            f"{RESULTS}/logs/plot/{{figure}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/plot/{{figure}}.tsv"
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
            slice=plan.slices.figure(figure),
            code=plan.slices.figure_code(figure),
            drawn_by=plan.figures[figure].drawn_by,
        message:
            "{wildcards.figure}: draw"
        shell:
            STAGE
            + " plot --figure {wildcards.figure} --drawn-by {params.drawn_by} --slice -"
            " --code {params.code} --spectra {input:q} --out {output:q} --log {log:q} <<< {params.slice:q}"

    rule:
        name:
            figure
        input:
            plan.figure_files(figure),
        message:
            f"{figure}: pictures and claims"


for paper in plan.project.papers:

    rule:
        name:
            paper.name
        input:
            plan.paper_files(paper),
        message:
            f"all figures and claims of {paper.name}"


# What cannot be built was named at the start. Asked for by name, or as a part of everything, it fails.
for figure, lines in plan.project.broken.items():

    rule:
        name:
            plan.broken_target(figure)
        output:
            plan.never_there(figure),
        params:
            lines=lines,
        message:
            f"{figure}: cannot be built"
        shell:
            "printf '%s\\n' {params.lines:q} >&2; exit 1"
