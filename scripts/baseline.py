"""Solve the baseline of every problem on one data instance."""

import json
from pathlib import Path

from greedyrank import cli, storage
from greedyrank.tenants import tenant


def main(options):
    plan = json.loads(options.slice)
    _, data = storage.load_arrays(options.data)
    kind = plan["baseline"].pop("kind")
    arrays = tenant("baselines", kind).compute(plan, data, **plan["baseline"])
    storage.save_arrays(options.out, {"views": plan["views"]}, arrays)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--slice", required=True, help="baseline, problem and factorization, as JSON")
    parser.add_argument("--data", type=Path, required=True, help="data file")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser)
