"""Print the claims of a claims.json; exit with 1 where a verdict is not the one on record."""

import argparse
import json
import sys
from pathlib import Path

from greedyrank.report import record

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claims", type=Path, help="claims.json of the results")
    claims = json.loads(parser.parse_args().claims.read_text())["claims"]
    print(record.table(claims) if claims else "no figure has been built yet: make figures")
    sys.exit(1 if record.unexpected(claims) or not claims else 0)
