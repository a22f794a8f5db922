"""Print the claims of the results; exit with 1 where a verdict is not the one on record."""

import sys
from pathlib import Path

from greedyrank import command_line


def main(options):
    from greedyrank.claims import judged_files
    from greedyrank.config import loading
    from greedyrank.report import record

    folder = loading.user_config(options.configfile, options.scale).folder
    claims = judged_files.read(options.claims or Path(folder, "claims.json"))["claims"]
    print(record.table(claims) if claims else "no figure has been built yet: make figures")
    sys.exit(1 if record.unexpected(claims) or not claims else 0)


if __name__ == "__main__":
    parser = command_line.parser(__doc__)
    parser.add_argument("claims", type=Path, nargs="?", help="a claims.json; default: that of the results")
    command_line.add_config(parser)
    command_line.run(main, parser)
