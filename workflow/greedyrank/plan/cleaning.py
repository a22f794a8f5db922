"""Removing what builds have written, and nothing else that is in their folder."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from greedyrank.config.grammar import Scale

FOLDERS = ("data", "runs", "baselines", "spectra", "figures", "claims", "logs", "benchmarks", ".checkpoints", "gpu")
FILES = ("config.yaml", "index.html", "claims.json", "bench.json", "devices.json", "horizon.json")


def _written(results_dir: Path) -> Iterator[Path]:
    """Yield what builds may have written, at every scale."""
    others = (place for place in sorted(results_dir.glob("*")) if place.name.partition("_")[0] in get_args(Scale))
    for place in (*others, results_dir):
        yield from (place / name for name in (*FOLDERS, *FILES))
        yield place


def remove_results(results_dir: Path, data_dir: Path) -> None:
    """Remove the results of every scale; other files, and images and ratings, stay, wherever they are.

    Parameters
    ----------
    results_dir, data_dir : Path
        The folders of all results, and of images and ratings.
    """
    data = data_dir.resolve()
    for path in _written(results_dir):
        whole = path.resolve()
        if path.name in FOLDERS and path.is_dir() and whole != data and whole not in data.parents:
            path.unlink() if path.is_symlink() else shutil.rmtree(path)
        elif path.name in FILES and path.is_file():
            path.unlink()
        else:
            with contextlib.suppress(OSError):  # not there, or not empty
                path.rmdir()
