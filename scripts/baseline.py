"""Solve the baseline of every problem of a sweep."""

from pathlib import Path

from greedyrank import cli, defaults, storage
from greedyrank.instances import Instances
from greedyrank.tenants import tenant


def main(options):
    plan = options.slice
    kind, problem = plan["baseline"].pop("kind"), plan["problem"]
    names = defaults.view_settings(problem)
    whole = {**plan, "views": [defaults.instance_filled(problem, view, names) for view in plan["views"]]}
    arrays = tenant("baselines", kind).compute(whole, Instances(options.data).of, **plan["baseline"])
    storage.save_arrays(options.out, {"problem": problem, "views": plan["views"]}, arrays)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    cli.add_slice(parser, "baseline, problems and factorization")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="data files")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser)
