"""Generate the data of one instance: a target and its observed entries, or a set of images."""

import json
from pathlib import Path

from greedyrank import cli, storage
from greedyrank.tenants import tenant


def main(options):
    plan = json.loads(options.slice)
    problem = tenant("problems", plan["problem"])
    where = {"data_dir": options.data_dir} if "dataset" in plan["settings"] else {}
    storage.save_arrays(options.out, plan, problem.generate(plan["settings"], **where))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--slice", required=True, help="problem and data settings, as JSON")
    parser.add_argument("--data-dir", type=Path, help="folder of the image data")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser)
