"""Write results/index.html and results/claims.json from what is there."""

import json
from pathlib import Path

from greedyrank import cli, page

CAPTIONS = Path(__file__).parent.parent / "workflow" / "report"


def main(options):
    plan = json.loads(options.slice)
    page.write(options.results, plan, CAPTIONS)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder of one scale")
    parser.add_argument("--slice", required=True, help="scale and figures, as JSON")
    cli.run(main, parser)
