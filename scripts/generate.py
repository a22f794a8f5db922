"""Generate data instances into one file: targets and their observed entries, or sets of images or ratings."""

import functools
import inspect
import json
from pathlib import Path

from greedyrank import cli, instances
from greedyrank.tenants import tenant


def main(options):
    plan = json.loads(options.slice)
    generate = tenant("problems", plan["problem"]).generate
    where = {"data_dir": options.data_dir} if "data_dir" in inspect.signature(generate).parameters else {}
    instances.save(options.out, plan["problem"], plan["instances"], functools.partial(generate, **where))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--slice", required=True, help="problem and settings of each instance, as JSON")
    parser.add_argument("--data-dir", type=Path, help="folder of images and ratings")
    parser.add_argument("--out", type=Path, required=True)
    cli.run(main, parser)
