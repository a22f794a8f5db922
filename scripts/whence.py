"""Print what a picture was made from: settings, seeds, versions, digests of code and data."""

import json
import sys
from pathlib import Path

from greedyrank.figures import saving

if __name__ == "__main__":
    print(json.dumps(saving.read_record(Path(sys.argv[1])), indent=2))
