"""Run the notebooks of the docs where they stand, and keep what they show."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"


def run(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of all its cells; an error in one of them is raised."""
    # A bar is not the same twice; and where pictures go to files, a notebook shows none.
    environment = {**os.environ, "TQDM_DISABLE": "1", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    notebook, where = nbformat.read(path, as_version=4), {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute(env=environment)
    for cell in notebook.cells:
        cell.metadata = {}  # times of execution
    return notebook


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:] or sorted(FOLDER.glob("*.ipynb"))):
        nbformat.write(run(path), path)
