"""Problems whose data may be arrays that are given in Python, in place of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import PrivateAttr

from greedyrank import provenance
from greedyrank.config.settings.base import ProblemSettings
from greedyrank.config.yaml_input import ConfigError


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Arrays by the names that they would have in the file."""

    content: Mapping[str, Any]


class ArraySettings(ProblemSettings):
    """The settings of a problem whose data are in a file, or are arrays.

    Attributes
    ----------
    file_setting : str
        The setting that names the file. With arrays it has a name made of their digest.
    """

    file_setting: ClassVar[str]
    _arrays: _Arrays | None = PrivateAttr(default=None)

    @property
    def arrays(self) -> Mapping[str, Any] | None:
        """The arrays that were given in Python, by their names, or None."""
        return None if self._arrays is None else self._arrays.content

    def given(self) -> dict[str, Any]:
        """Return the settings that were given, arrays among them."""
        found = super().given()
        if self._arrays is not None:
            del found[self.file_setting]
            found |= self._as_arguments(self._arrays.content)
        return found

    def _as_arguments(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments by which arrays are given."""
        return content

    def _keep(self, content: Mapping[str, Any]) -> None:
        self._arrays = _Arrays(content)


def copies(arrays: Mapping[str, Any], what: str) -> tuple[dict[str, Any], str]:
    """Return copies of arrays that were given in Python, and the name of a file that would hold them.

    Raises
    ------
    ConfigError
        If one is no array, calling it ``what``.
    """
    import numpy as np  # never where settings come from a config: planning imports no numpy

    try:
        content = {name: np.array(value) for name, value in arrays.items()}
    except ValueError as error:
        raise ConfigError([f"{what} is no array: {error}"]) from None
    parts = [[name, str(array.dtype), list(array.shape), array.tobytes().hex()] for name, array in content.items()]
    return content, f"{what}-{provenance.digest(provenance.canonical(parts))[:16]}.npy"
