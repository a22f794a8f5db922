"""Write results/index.html and results/claims.json from what is there."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.report import page

    page.write(options.results, options.slice)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder of one scale")
    command_line.add_slice(parser, "scale and figures")
    command_line.run(main, parser)
