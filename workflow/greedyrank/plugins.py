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
from typing import Any

from greedyrank.errors import UserError

PACKAGE = Path(__file__).parent
# The papers that come with greedyrank: in the repository beside the package, in an installed one inside.
PAPERS = PACKAGE / "papers" if (PACKAGE / "papers").is_dir() else PACKAGE.parent / "papers"


def plugin(kind: str, name: str) -> ModuleType:
    """Import ``greedyrank.<kind>.<name>``, where ``kind`` is such as ``problems`` or ``measures``."""
    return importlib.import_module(f"greedyrank.{kind}.{name}")


def own(kind: str, reference: str) -> ModuleType:
    """Return the module that stands for a plug-in of one's own; from then on `plugin` finds it by its reference.

    Parameters
    ----------
    kind : {"factorizations", "optimizers", "measures"}
        What it is.
    reference : str
        ``package.module:name`` of a class of settings, or of a function that measures. The package is that of a paper,
        or an installed one.

    Raises
    ------
    UserError
        If there is no such module, or it has no such name.
    """
    if (made := sys.modules.get(f"greedyrank.{kind}.{reference}")) is not None:
        return made
    module, _, name = reference.partition(":")
    for folder in papers():
        make_package(folder)
    try:
        return make_module(kind, reference, getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise UserError(f"{reference} is no plug-in: {error}") from error


def make_module(kind: str, reference: str, found: Any) -> ModuleType:
    """Make the module of a plug-in of one's own, in place of an earlier one of the same reference.

    Raises
    ------
    UserError
        If a class of settings does not hold what trains.
    """
    name = f"greedyrank.{kind}.{reference}"
    made = ModuleType(name, found.__doc__)
    if kind == "measures":
        made.measure = found  # type: ignore[attr-defined]
    else:
        trains = {"factorizations": "Model", "optimizers": "Optimizer"}[kind]
        if trains not in dir(found):
            raise UserError(f"{reference} has no class `{trains}`, which trains: see docs/extending.md")
        made.Settings = found  # type: ignore[attr-defined]
        setattr(made, trains, getattr(found, trains))
    sys.modules[name] = made
    return made


def entry(kind: str, name: str, definition: str) -> str:
    """Return what a plug-in does as ``module:definition``, for `greedyrank.code_digest`."""
    return name if ":" in name else f"greedyrank.{kind}.{name}:{definition}"


def package_folder(package: str) -> Path:
    """Return the folder of an installed package, without importing it; for a module, its path without the suffix.

    Raises
    ------
    UserError
        If it is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise UserError(f"there is no package {package}, neither a paper nor an installed one")
    path = Path(found.origin)
    return path.parent if path.name == "__init__.py" else path.with_suffix("")


def names(kind: str) -> list[str]:
    """Return the names of all plug-ins of a kind, without importing any."""
    return sorted(path.stem for path in (PACKAGE / kind).glob("*.py") if path.stem != "__init__")


def papers() -> list[Path]:
    """Return the folders of the papers: those of the build that this is a job of, or else greedyrank's own."""
    named = os.environ.get("GREEDYRANK_PAPERS")
    if named:
        return [Path(folder) for folder in json.loads(named)]
    return sorted(path.parent for path in PAPERS.glob("*/sweeps.yaml"))


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
    make_package(paper)
    return importlib.import_module(module)


def make_package(paper: Path) -> None:
    """Make a package of a paper's folder, from which modules can be imported.

    It is of our own making: the folder that holds the paper never comes onto the import path.
    """
    if paper.name not in sys.modules:
        spec = ModuleSpec(paper.name, None, is_package=True)
        spec.submodule_search_locations = [str(paper)]
        sys.modules[paper.name] = importlib.util.module_from_spec(spec)
