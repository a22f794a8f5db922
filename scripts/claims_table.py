"""Print the claims of a claims.json; exit with 1 where a verdict is not the one on record."""

import json
import sys
from pathlib import Path

from greedyrank.report import page

if __name__ == "__main__":
    claims = json.loads(Path(sys.argv[1]).read_text())["claims"]
    print(page.table(claims) if claims else "no figure has been built yet: make figures")
    sys.exit(1 if page.unexpected(claims) or not claims else 0)
