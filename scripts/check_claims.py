"""Judge the claims of one figure."""

from pathlib import Path

from greedyrank import cli, extraction, verdicts
from greedyrank.tenants import tenant


def main(options):
    plan = options.slice
    sweeps = {path.stem: extraction.load(path) for path in options.spectra}
    statistics = tenant("claims", options.figure)
    judged = [{"figure": options.figure, **verdicts.judge(claim, sweeps, statistics)} for claim in plan["claims"]]
    verdicts.save(options.out, plan["scale"], judged)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--figure", required=True, help="a module of greedyrank/claims")
    cli.add_slice(parser, "scale and claims")
    parser.add_argument("--spectra", type=Path, nargs="+", required=True, help="measured sweeps")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser, name="figure")
