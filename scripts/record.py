"""Write the tracked record of a build: published values beside ours, and the pictures of the README."""

import argparse
import json
import shutil
from pathlib import Path

from greedyrank.report import page

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="results folder of one scale")
    parser.add_argument("--docs", type=Path, required=True, help="folder of the record")
    options = parser.parse_args()
    built = json.loads((options.results / "claims.json").read_text())
    options.docs.mkdir(exist_ok=True)
    (options.docs / "published_vs_ours.md").write_text(page.markdown(built["scale"], built["claims"]))
    pictures = options.docs / "figures"
    pictures.mkdir(exist_ok=True)
    for figure in sorted({claim["figure"] for claim in built["claims"]}):
        shutil.copy(options.results / "figures" / f"{figure}.png", pictures)
