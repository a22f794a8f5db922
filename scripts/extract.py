"""Measure the recorded runs of one sweep."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages

    stages.extract(options.runs, options.data, options.baselines, options.measures, options.out)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="run files")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data files")
    parser.add_argument("--baselines", type=Path, nargs="*", default=[], help="baseline files")
    parser.add_argument("--measures", nargs="+", required=True, help="modules of greedyrank/measures")
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser)
