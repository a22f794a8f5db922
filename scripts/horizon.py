"""Find how far the claims of the cheap figures hold, from a build with many seeds: docs/horizon.md."""

import json
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank import stages, storage
    from greedyrank.config import loading
    from greedyrank.plan.graph import Plan
    from greedyrank.report import horizon

    plan = Plan({**loading.read(), "seeds": options.seeds})
    claims = []
    for name in options.figures or plan.cheap:
        spectra = [Path(plan.results, "spectra", f"{sweep}.nc") for sweep in plan.figures[name].block.sweeps]
        claims += stages.horizon(name, plan.figures[name].paper.folder, json.loads(plan.slices.claims(name)), spectra)
    with storage.writing(Path(plan.results, "horizon.json")) as temporary:
        temporary.write_text(json.dumps({"seeds": options.seeds, "claims": claims}, indent=2) + "\n", encoding="utf-8")
    options.out.write_text(horizon.document(options.seeds, claims), encoding="utf-8")


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("--seeds", type=int, required=True, help="seeds of the build")
    parser.add_argument("--figures", nargs="+", help="default: all that take at most a minute")
    parser.add_argument("--out", type=Path, required=True, help="the table, a Markdown file")
    command_line.run(main, parser)
