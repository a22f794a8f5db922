"""Write results/index.html and results/claims.json from what is there."""

from pathlib import Path

from greedyrank import cli, page

CAPTIONS = Path(__file__).parent.parent / "workflow" / "report"


def main(options):
    plan = options.slice
    page.write(options.results, plan, CAPTIONS)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder of one scale")
    cli.add_slice(parser, "scale and figures")
    cli.run(main, parser)
