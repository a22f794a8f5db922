"""Generate the data of one instance: a target and its observed entries, or a set of images or ratings."""

import inspect
import json
from pathlib import Path

from greedyrank import cli, storage
from greedyrank.tenants import tenant


def main(options):
    plan = json.loads(options.slice)
    generate = tenant("problems", plan["problem"]).generate
    where = {"data_dir": options.data_dir} if "data_dir" in inspect.signature(generate).parameters else {}
    storage.save_arrays(options.out, plan, generate(plan["settings"], **where))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--slice", required=True, help="problem and data settings, as JSON")
    parser.add_argument("--data-dir", type=Path, help="folder of images and ratings")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser)
