"""How long jobs took, in the files that Snakemake's ``benchmark`` writes. Only the standard library is used."""

from __future__ import annotations

import csv
from pathlib import Path


def seconds(benchmark: Path) -> float | None:
    """Return the seconds that a job took last; None where there is no file, or no time in it."""
    try:
        with benchmark.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        return float(rows[-1]["s"])
    except (OSError, ValueError, KeyError, IndexError):
        return None
