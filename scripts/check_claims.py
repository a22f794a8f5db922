"""Judge the claims of one figure."""

import json
from pathlib import Path

from greedyrank import cli, extraction, storage, verdicts
from greedyrank.tenants import tenant


def main(options):
    plan = options.slice
    sweeps = {path.stem: extraction.load(path) for path in options.spectra}
    statistics = tenant("claims", options.figure)
    judged = [{"figure": options.figure, **verdicts.judge(claim, sweeps, statistics)} for claim in plan["claims"]]
    with storage.writing(options.out) as temporary:
        temporary.write_text(json.dumps({"scale": plan["scale"], "claims": judged}, indent=2) + "\n")


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--figure", required=True, help="a module of greedyrank/claims")
    cli.add_slice(parser, "scale and claims")
    parser.add_argument("--spectra", type=Path, nargs="+", required=True, help="measured sweeps")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser, name="figure")
