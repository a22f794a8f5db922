"""The whole config: what the papers' folders hold, with what a user overrides, validated before anything starts."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from greedyrank import plugins
from greedyrank.code_digest import Code
from greedyrank.config import papers as paper_folders
from greedyrank.config import target_files
from greedyrank.config.figure_loader import LoadedFigure, add_plugin, load_figure
from greedyrank.config.grammar import Config, ReleasedFile, name_of_files, path_name
from greedyrank.config.messages import explain, nearest
from greedyrank.config.papers import DATA, FIGURE, SWEEPS, Paper
from greedyrank.config.settings.training import variants
from greedyrank.config.sweep_loader import ResolvedSweep, load_sweep, merge, seeds_of
from greedyrank.config.yaml_input import ConfigError, check_plain, read_mapping

logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]
# Targets of the workflow itself.
RESERVED = (
    "all",
    "claims",
    "cheap",
    "page",
    "generate",
    "extract",
    "baseline",
    "movielens",
    "released",
    "fetch_images",
    "check_claims",
)


def read(files: Iterable[Path] = (), scale: str | None = None) -> dict:
    """Return what config.yaml sets, with what further files and a scale given apart override, key by key."""
    raw: dict = {}
    for path in [paper_folders.settings_file(), *files]:
        raw = merge(raw, read_mapping(path))
    return raw | ({"scale": scale} if scale else {})


def user_config(files: Iterable[Path] = (), scale: str | None = None) -> Config:
    """Return what a user sets, validated; parameters as in `read`.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """
    return _check_raw(read(files, scale))


@dataclass(frozen=True)
class Project:
    """Everything that can be built.

    Attributes
    ----------
    config : Config
        What the user set.
    papers : list of Paper
        The papers' folders.
    blocks : dict
        The sweeps as their papers' sweeps.yaml have them, by their names.
    sweeps : dict
        The sweeps at the config's scale, by their names.
    figures : dict
        The figures, by their names.
    broken : dict
        Figures that cannot be built, and why: one message a line.
    owners : dict
        The paper of every figure, broken or not.
    released : dict
        The files that papers' authors released, by their paths below the data folder.
    code : Code
        The code of the engine and of the papers.
    """

    config: Config
    papers: list[Paper]
    blocks: dict[str, dict]
    sweeps: dict[str, ResolvedSweep]
    figures: dict[str, LoadedFigure]
    broken: dict[str, list[str]]
    owners: dict[str, Paper]
    released: dict[str, ReleasedFile]
    code: Code


def _check_raw(raw: dict) -> Config:
    try:
        errors = check_plain(raw, "")
    except RecursionError:
        raise ConfigError(["the config is nested too deeply"]) from None
    if errors:
        raise ConfigError(errors)
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, "", Config)) from None


def _owners(papers: list[Paper]) -> tuple[dict[str, Paper], dict[str, list[str]]]:
    """Return the paper of each figure, and what is wrong with the names of figures."""
    owners: dict[str, Paper] = {}
    broken: dict[str, list[str]] = {}
    for paper in papers:
        for name in paper.figures:
            if name in owners:
                message = f"two figures are called {name}: {owners[name].folder / name} and {paper.folder / name}"
                broken[name] = [message]
            elif name in RESERVED or name in {other.name for other in papers}:
                broken[name] = [f"{paper.folder / name}: {name} is a target already; give the figure another name"]
            owners.setdefault(name, paper)
            try:
                name_of_files(name)
            except ValueError as error:
                broken[name] = [f"{paper.folder / name}: {error}"]
    return owners, broken


def _blocks(papers: list[Paper]) -> tuple[dict[str, tuple[str, dict]], dict[str, list[str]], dict[Paper, list[str]]]:
    """Return the file and block of each sweep, sweeps that are wrong, and papers whose sweeps cannot be read."""
    blocks: dict[str, tuple[str, dict]] = {}
    wrong: dict[str, list[str]] = {}
    unread: dict[Paper, list[str]] = {}
    for paper in papers:
        place = str(paper.folder / SWEEPS)
        try:
            found = paper.read(SWEEPS)
        except ConfigError as error:
            unread[paper] = error.messages
            continue
        for name, block in found.items():
            if name in blocks:
                wrong[name] = [f"two sweeps are called {name}, in {blocks[name][0]} and in {place}"]
            elif not isinstance(block, dict):
                wrong[name] = [f"{place}: {name} is {block!r}; allowed: the settings of a sweep"]
            else:
                try:
                    name_of_files(name)
                except ValueError as error:
                    wrong[name] = [f"{place}: {error}"]
            blocks.setdefault(name, (place, block))
    return blocks, wrong, unread


def _released(papers: list[Paper], unread: dict[Paper, list[str]]) -> dict[str, ReleasedFile]:
    """Return the files that the papers' data.yaml name; papers whose file is wrong are added to ``unread``."""
    found: dict[str, ReleasedFile] = {}
    for paper in papers:
        place = paper.folder / DATA
        if not place.exists():
            continue
        try:
            for name, block in paper.read(DATA).items():
                path_name(name, "file")
                found[name] = ReleasedFile.model_validate(block)
        except ConfigError as error:
            unread[paper] = error.messages
        except ValidationError as error:
            unread[paper] = explain(error, f"{place}: {name}", ReleasedFile)
        except ValueError as error:
            unread[paper] = [f"{place}: {error}"]
    return found


def _check_own_files(sweep: ResolvedSweep, place: str, folder: str, released: dict[str, ReleasedFile]) -> None:
    """Refuse a user's own file that is not there, or is empty; of a released one the plan says that it is missing.

    Raises
    ------
    ConfigError
        Naming the sweep, the setting and the file.
    """
    errors = []
    for name, setting in target_files.of(sweep.whole).items():
        path = Path(folder, name)
        if name in released:
            continue
        if not path.is_file():
            errors.append(f"{place}: {setting} is {name!r}: there is no file {path}")
        elif not path.stat().st_size:
            errors.append(f"{place}: {setting} is {name!r}: {path} is empty")
    if errors:
        raise ConfigError(errors)


def _wrong(config: Config, block: dict, place: str) -> list[str]:
    """Return what is wrong with a sweep as its paper has it."""
    try:
        load_sweep(block, config.scale, place)
    except ConfigError as error:
        return error.messages
    return []


def _sweeps(
    config: Config,
    blocks: dict[str, tuple[str, dict]],
    wrong: dict[str, list[str]],
    released: dict[str, ReleasedFile],
) -> dict[str, ResolvedSweep]:
    """Resolve all sweeps; what a user's override makes wrong is an error of the config, and ends the loading."""
    resolved: dict[str, ResolvedSweep] = {}
    of_user: list[str] = []
    for name, (place, block) in blocks.items():
        if name in wrong:
            continue
        override = config.sweeps.get(name)
        own = f"{place}: {name}"
        here = f"sweeps.{name}" if override else own
        try:
            sweep = load_sweep(block, config.scale, here, override, name, config.seeds, config.of_every_sweep)
            _check_own_files(sweep, here, config.data, released)
            resolved[name] = sweep
        except ConfigError as error:
            if of_paper := _wrong(config, block, own) if override else error.messages:
                wrong[name] = of_paper
            else:
                of_user += error.messages
    if of_user:
        raise ConfigError(of_user)
    if config.seeds and (without := [name for name, sweep in resolved.items() if not _has_seeds(sweep)]):
        logger.warning(
            "seeds is %d, but these sweeps vary no seed, and stay as they are: %s", config.seeds, ", ".join(without)
        )
    return resolved


def _has_seeds(sweep: ResolvedSweep) -> bool:
    return any(seeds_of(entries) for entries in (sweep.whole.axes, *sweep.whole.cases))


def _check_engines(sweeps: dict[str, ResolvedSweep], code: Code) -> None:
    """Check that what autograd is to differentiate is written down."""
    names = {sweep.whole.factorization for sweep in sweeps.values() if "engine" in variants(sweep.whole)}
    if own := sorted(name for name in names if ":" in name):
        raise ConfigError([f"engine is 'autograd', which trains greedyrank's factorizations, not {own[0]}"])
    modules = {name: code.module(f"{PACKAGE.name}.factorizations.{name}") for name in sorted(names)}
    if lacking := [module.path for module in modules.values() if "compose" not in module.definitions]:
        raise ConfigError([f"engine is 'autograd', but {path} has no function `compose`" for path in lacking])


def load(raw: dict) -> Project:
    """Read the papers' folders, merge what the user overrides, and validate everything.

    What is wrong with the config itself is an error. What is wrong in the folder of a figure, or with a sweep that
    it shows, breaks that figure alone: it is named in ``broken``, and all others can be built.

    Parameters
    ----------
    raw : dict
        The mapping read from the config files, command-line overrides included.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """
    config = _check_raw(raw)
    papers = paper_folders.find(config.papers)
    owners, broken = _owners(papers)
    blocks, wrong, unread = _blocks(papers)
    errors = [f"sweeps.{name}: no such sweep; {nearest(name, blocks)}" for name in config.sweeps if name not in blocks]
    errors += [
        f"figures.{name}: no such figure; {nearest(name, owners)}" for name in config.figures if name not in owners
    ]
    if errors:
        raise ConfigError(errors)
    released = _released(papers, unread)
    for paper in papers:
        plugins.make_package(paper.folder)  # a sweep may name a plug-in that stands in one
    sweeps = _sweeps(config, blocks, wrong, released)
    code = Code({PACKAGE.name: PACKAGE, **{paper.name: paper.folder for paper in papers}})
    for sweep in sweeps.values():
        for name in (sweep.whole.factorization, sweep.whole.optimizer):
            add_plugin(code, name)
    _check_engines(sweeps, code)
    figures: dict[str, LoadedFigure] = {}
    for name, paper in owners.items():
        if paper in unread:
            broken[name] = unread[paper]
        if name in broken:
            continue
        try:
            shown = _shown(paper, name, config)
            if faults := [message for sweep in shown if sweep in wrong for message in wrong[sweep]]:
                raise ConfigError(faults)
            figures[name] = load_figure(paper, name, config.scale, sweeps, code, config.figures.get(name, {}))
        except ConfigError as error:
            if name in config.figures:
                raise ConfigError([*error.messages, f"(with the config's overrides in figures.{name})"]) from None
            broken[name] = error.messages
    if not figures:
        raise ConfigError(list(dict.fromkeys(message for messages in broken.values() for message in messages)))
    as_written = {name: block for name, (_, block) in blocks.items()}
    return Project(config, papers, as_written, sweeps, figures, broken, owners, released, code)


def _shown(paper: Paper, name: str, config: Config) -> list[str]:
    """Return the sweeps that a figure names, as far as its figure.yaml can be read."""
    named = merge(paper.read(name, FIGURE), config.figures.get(name, {})).get("sweeps", [])
    return [sweep for sweep in named if isinstance(sweep, str)] if isinstance(named, list) else []
