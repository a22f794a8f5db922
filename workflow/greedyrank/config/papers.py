"""The folders of papers: where they are, and which figures they hold."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path

from greedyrank.config.grammar import expanded, name_of_files
from greedyrank.config.yaml_input import ConfigError, check_plain, read_mapping

# Below it lie workflow/papers, also where Snakemake runs in another folder.
REPOSITORY = Path(__file__).parents[3]
SWEEPS, DATA, FIGURE, CLAIMS, PUBLISHED, CAPTION = (
    "sweeps.yaml",
    "data.yaml",
    "figure.yaml",
    "claims.yaml",
    "published.yaml",
    "caption.rst",
)


def settings_file() -> Path:
    """Return the config.yaml of the working folder, or else that of the repository."""
    own = Path("config.yaml")
    return own if own.exists() else REPOSITORY / own


@dataclass(frozen=True)
class Paper:
    """A folder with sweeps.yaml and one folder a figure; its name is that of the package that its code is in."""

    folder: Path

    @property
    def name(self) -> str:
        """The name of the paper, which is a target too."""
        return self.folder.name

    @cached_property
    def figures(self) -> list[str]:
        """The names of its figures: of all folders in it."""
        return sorted(path.name for path in _folders(self.folder))

    def read(self, *names: str, numbers_as_keys: bool = False) -> dict:
        """Return what a YAML file below the folder holds, a mapping; its keys are text, or numbers where allowed.

        Raises
        ------
        ConfigError
            Naming the file, if it is missing or is no mapping.
        """
        path = self.folder.joinpath(*names)
        if not path.is_file():
            raise ConfigError([f"{path} is missing"])
        content = read_mapping(path)
        if errors := check_plain(content, "", numbers_as_keys):
            raise ConfigError([f"{path}: {error}" for error in errors])
        return content


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"]


def _named(folder: Path) -> list[str]:
    """Return what is wrong with the name of a paper's folder."""
    try:
        name_of_files(folder.name)
    except ValueError as error:
        return [f"papers: {folder}: {error}"]
    # What can be imported by that name, if it is not a paper itself.
    found = PathFinder.find_spec(folder.name)
    places = list(map(Path, (found.submodule_search_locations or []) if found else []))
    if folder.name in sys.builtin_module_names or (found and not any((place / SWEEPS).exists() for place in places)):
        return [f"papers: {folder}: a Python package is called {folder.name} too; give the folder another name"]
    return []


def find(entries: list[str]) -> list[Paper]:
    """Return the papers that the config's ``papers`` name.

    Parameters
    ----------
    entries : list of str
        Folders of papers, or folders that hold such ones; relative to where Snakemake runs, or to the repository.

    Raises
    ------
    ConfigError
        For an entry that does not exist, a folder without sweeps.yaml, or two papers of one name.
    """
    found: dict[str, Path] = {}
    errors = []
    for entry in entries:
        written = expanded(entry)
        place = next((path for path in (Path(written), REPOSITORY / written) if path.is_dir()), None)
        if place is None:
            errors.append(f"papers: there is no folder {entry}")
            continue
        is_paper = (place / SWEEPS).exists() or any((part / FIGURE).exists() for part in _folders(place))
        folders = [place.resolve()] if is_paper else sorted(path.resolve() for path in _folders(place))
        if not folders:
            errors.append(f"papers: {place} holds no paper: a paper is a folder with {SWEEPS} and one folder a figure")
        for folder in folders:
            if found.setdefault(folder.name, folder) != folder:
                errors.append(f"papers: two papers are called {folder.name}: {found[folder.name]} and {folder}")
            errors += _named(folder)
    if errors:
        raise ConfigError(errors)
    return [Paper(folder) for folder in found.values()]
