"""Print what a picture was made from: settings, seeds, versions, digests of code and data."""

import argparse
import json
from pathlib import Path

from greedyrank.figures import saving

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, help="png, pdf or svg file of the results")
    print(json.dumps(saving.read_record(parser.parse_args().picture), indent=2))
