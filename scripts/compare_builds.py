"""Compare the verdicts of two builds of the same claims; exit with 1 where one differs."""

import argparse
import sys
from pathlib import Path

from greedyrank.report import comparison

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path, help="a results folder")
    parser.add_argument("other", type=Path, help="another one")
    options = parser.parse_args()
    claims = comparison.of_claims(options.base, options.other)
    different = comparison.changed_verdicts(claims)
    print("\n".join(map(comparison.text, different)))
    moved, name = comparison.largest_change(claims)
    print(f"{len(different)} of {len(claims)} verdicts differ; at most {moved:.2g} tolerances apart {name}")
    sys.exit(1 if different or not claims else 0)
