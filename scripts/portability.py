"""Build figures as other machines would, and compare verdicts with the build as it is; exit with 1 if one differs."""

import os
import subprocess
import sys
from pathlib import Path

from greedyrank import command_line

AS_IT_IS = ""


def build(figures, cores, processor, given):
    """Judge the claims of some figures in the way of a variant; return the results folder."""
    from greedyrank.config import loading
    from greedyrank.plan.graph import Plan

    plan = Plan({**loading.read(), **given})
    claims = [f"{plan.results}/claims/{figure}.json" for figure in figures or plan.cheap]
    config = [f"{name}={value}" for name, value in given.items()]
    words = ["--cores", str(cores), "--quiet", "all", "--config", *config, "--", *claims]
    environment = {**os.environ, "GREEDYRANK_PROCESSOR": processor}
    subprocess.run([sys.executable, "-m", "snakemake", *words], env=environment, check=True)
    return Path(plan.results)


def main(options):
    from greedyrank.report import portability

    table = options.results / "portability.json"
    found = portability.read(table)
    common = {"scale": options.scale, "results_dir": str(options.results)}
    base = build(options.figures, options.cores, AS_IT_IS, common)
    for variant in portability.VARIANTS:
        if options.variants and variant.name not in options.variants:
            continue
        own = {"results_dir": str(options.results / "portability" / variant.name), **variant.settings}
        other = build(options.figures, options.cores, variant.words, common | own)
        found[variant.name] = portability.compare(variant, base, other)
        portability.write(table, found, options.out)
    sys.exit(any(row["verdicts"] for row in found.values()))


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--figures", nargs="+", help="default: all that take at most a minute")
    parser.add_argument("--variants", nargs="+", help="default: all of greedyrank.report.portability")
    parser.add_argument("--scale", choices=("smoke", "laptop", "paper"), default="laptop")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("results"), help="results folder of all scales")
    parser.add_argument("--out", type=Path, required=True, help="the table, a Markdown file")
    command_line.run(main, parser)
