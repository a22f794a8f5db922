"""Print what a picture was made from: settings, seeds, versions, digests of code and data."""

import json
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.figures import origin

    print(json.dumps(origin.read(options.picture), indent=2))


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("picture", type=Path, help="png, pdf or svg file of the results")
    command_line.run(main, parser)
