"""The files of the data folder that sweeps need, as planning sees them: whether they are there, and their digests."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from greedyrank.config import ratings_file, target_files
from greedyrank.config.loading import Project
from greedyrank.config.settings.problems import PROBLEMS


@cache
def _checksum(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class DataFiles:
    """What sweeps need of the data folder.

    A sweep whose files are missing is left out of the figures that show other sweeps too; a figure of such sweeps
    alone is skipped.

    Parameters
    ----------
    project : Project
        What can be built.
    """

    def __init__(self, project: Project):
        self._folder = Path(project.config.data)
        self._released = project.released
        self._named = {
            name: [*PROBLEMS[sweep.whole.problem].files, *target_files.of(sweep.whole)]
            for name, sweep in project.sweeps.items()
        }
        # Found by what they hold.
        needs_ratings = any(ratings_file.FILE in files for files in self._named.values())
        self._found = {ratings_file.FILE: ratings_file.find(self._folder)} if needs_ratings else {}
        self.missing = {
            name: reason
            for name in dict.fromkeys(file for files in self._named.values() for file in files)
            if (reason := self._why_missing(name))
        }

    def path(self, name: str) -> str:
        """Return the path of a file, given as sweeps name it."""
        return str(self._found.get(name, self._folder / name))

    def of(self, sweep: str) -> list[str]:
        """Return the names of the files that a sweep needs."""
        return self._named[sweep]

    def checksum(self, name: str) -> str | None:
        """Return the SHA-256 of a file, or None where it is missing."""
        path = Path(self.path(name))
        if not path.is_file():
            return None
        state = path.stat()
        return _checksum(path, state.st_mtime_ns, state.st_size)

    def _why_missing(self, name: str) -> str | None:
        """Return why a file cannot be used, or None where it can; a released one only with its own content."""
        path = Path(self.path(name))
        if not path.exists():
            return f"{path} is missing"
        if name in self._released and self.checksum(name) != self._released[name].sha256:
            return f"{path} is not the file that was released (its SHA-256 differs)"
        return None

    def _lacking(self, sweep: str) -> list[str]:
        return [self.missing[name] for name in self._named[sweep] if name in self.missing]

    def lacks_all(self, sweeps: list[str]) -> bool:
        """Return whether none of some sweeps has all its files."""
        return all(map(self._lacking, sweeps))

    def left_out(self, sweeps: list[str]) -> dict[str, str]:
        """Return which sweeps of a figure are left out, and why; none of a figure that would show nothing then."""
        lacking = {sweep: ", ".join(reasons) for sweep in sweeps if (reasons := self._lacking(sweep))}
        return {} if self.lacks_all(sweeps) else lacking

    def shown(self, sweeps: list[str]) -> list[str]:
        """Return the sweeps of a figure without those that are left out."""
        left_out = self.left_out(sweeps)
        return [sweep for sweep in sweeps if sweep not in left_out]

    def lacking_released(self) -> dict[str, str]:
        """Return which sweeps lack files that authors released, and why."""
        lacking = {sweep: [name for name in files if name in self.missing] for sweep, files in self._named.items()}
        return {
            sweep: ", ".join(self.missing[name] for name in names)
            for sweep, names in lacking.items()
            if any(name in self._released for name in names)
        }
