"""Draw one figure, and write exactly what it shows beside it."""

import json
from pathlib import Path

from greedyrank import __version__, cli, extraction, provenance, style
from greedyrank.tenants import tenant


def main(options):
    plan = options.slice
    sweeps = {path.stem: extraction.load(path) for path in options.spectra}
    canvas = tenant("figures", options.figure).draw(sweeps, plan["published"], **plan["draw"])
    style.stamp(canvas, plan["scale"], plan["sweeps"], sweeps)
    record = {
        "figure": options.figure,
        "scale": plan["scale"],
        "draw": plan["draw"],
        "sweeps": plan["sweeps"],
        "runs": {name: json.loads(sweep.attrs["batches"]) for name, sweep in sweeps.items()},
        "code": options.code,
        "versions": {"greedyrank": __version__, **provenance.versions("matplotlib", "numpy", "xarray")},
    }
    style.save(canvas, {path.suffix[1:]: path for path in options.out}, record)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--figure", required=True, help="a module of greedyrank/figures")
    cli.add_slice(parser, "scale, draw settings, published values, sweeps")
    parser.add_argument("--code", default="", help="digest of the drawing code, kept in the picture")
    parser.add_argument("--spectra", type=Path, nargs="+", required=True, help="measured sweeps")
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="png, pdf, svg and csv files")
    cli.run(main, parser, name="figure")
