"""Draw one figure, and write exactly what it shows beside it."""

from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages

    stages.plot(
        options.figure, options.slice, options.spectra, options.out, drawn_by=options.drawn_by, code=options.code
    )


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--figure", required=True, help="a figure of one of the papers")
    parser.add_argument("--drawn-by", default="", help="the figure whose draw.py draws it; default: its own")
    command_line.add_slice(parser, "scale, options, published values, sweeps")
    parser.add_argument("--code", default="", help="digest of the drawing code, kept in the picture")
    parser.add_argument("--spectra", type=Path, nargs="+", required=True, help="measured sweeps")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="png, pdf, svg, csv and js files")
    command_line.run(main, parser, name="figure")
