"""Plug-ins and the modules of papers are found by name, so that adding one touches no file that exists."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from greedyrank.errors import UserError

PACKAGE = Path(__file__).parent


def plugin(kind: str, name: str) -> ModuleType:
    """Import ``greedyrank.<kind>.<name>``, where ``kind`` is such as ``problems`` or ``measures``."""
    return importlib.import_module(f"greedyrank.{kind}.{name}")


def names(kind: str) -> list[str]:
    """Return the names of all plug-ins of a kind, without importing any."""
    return sorted(path.stem for path in (PACKAGE / kind).glob("*.py") if path.stem != "__init__")


def papers() -> list[Path]:
    """Return the folders of the papers: those of the build that this is a job of, or else those of the repository."""
    named = os.environ.get("GREEDYRANK_PAPERS")
    if named:
        return [Path(folder) for folder in json.loads(named)]
    return sorted(path.parent for path in (PACKAGE.parent / "papers").glob("*/sweeps.yaml"))


def paper_of(figure: str) -> Path:
    """Return the folder of the paper that has a figure.

    Raises
    ------
    UserError
        If no paper has it.
    """
    for folder in papers():
        if (folder / figure).is_dir():
            return folder
    raise UserError(f"no paper has a figure {figure}")


def import_module(paper: Path, module: str) -> ModuleType:
    """Import a module of a paper, such as ``razin_cohen_2020.det_sign.draw``, or of greedyrank.

    Parameters
    ----------
    paper : Path
        The folder of the paper; its name is that of the package.
    module : str
        The module.
    """
    if paper.name not in sys.modules:
        # A package of our own making: the folder that holds the paper never comes onto the import path.
        spec = ModuleSpec(paper.name, None, is_package=True)
        spec.submodule_search_locations = [str(paper)]
        sys.modules[paper.name] = importlib.util.module_from_spec(spec)
    return importlib.import_module(module)
