"""Print the claims of a claims.json; exit with 1 where a verdict is not the one on record."""

import argparse
import sys
from pathlib import Path

from greedyrank.claims import judged_files
from greedyrank.errors import UserError
from greedyrank.report import record

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claims", type=Path, help="claims.json of the results")
    try:
        claims = judged_files.read(parser.parse_args().claims)["claims"]
    except UserError as error:
        sys.exit(f"error: {error}")
    print(record.table(claims) if claims else "no figure has been built yet: make figures")
    sys.exit(1 if record.unexpected(claims) or not claims else 0)
