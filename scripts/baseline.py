"""Solve the baseline of every problem of a sweep."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages

    stages.baseline(options.slice, options.data, options.out)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    command_line.add_slice(parser, "baseline, problems and factorization")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data files")
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser)
