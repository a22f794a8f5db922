"""Judge the claims of one figure."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages

    stages.check_claims(options.figure, options.slice, options.spectra, options.out)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--figure", required=True, help="a figure of one of the papers")
    command_line.add_slice(parser, "scale and claims")
    parser.add_argument("--spectra", type=Path, nargs="+", required=True, help="measured sweeps")
    parser.add_argument("--out", type=Path, required=True)
    command_line.run(main, parser, name="figure")
