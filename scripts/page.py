"""Write results/index.html and results/claims.json from what is there; optionally print the claims."""

import json
import sys
from pathlib import Path

from greedyrank import cli, page

CAPTIONS = Path(__file__).parent.parent / "workflow" / "report"


def main(options):
    plan = json.loads(options.slice)
    claims = page.write(options.results, plan, CAPTIONS)
    if options.table:
        print(page.table(claims))
        sys.exit(1 if page.unexpected(claims) or not claims else 0)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder of one scale")
    parser.add_argument("--slice", required=True, help="scale and figures, as JSON")
    parser.add_argument("--table", action="store_true", help="print the claims; exit 1 on a verdict not on record")
    cli.run(main, parser)
