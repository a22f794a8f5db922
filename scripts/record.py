"""Write the tracked record of a build: published values beside ours, the pictures, and the tables of the READMEs."""

import argparse
from pathlib import Path

from greedyrank.report import paper_tables, record

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder of one scale")
    parser.add_argument("--docs", type=Path, required=True, help="folder of the record")
    options = parser.parse_args()
    record.write(options.results, options.docs)
    paper_tables.write()
