"""Files of one's own with targets or measurements, as planning sees them: by their names.

Only the standard library is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greedyrank.config.sweeps import Slice, choices

SUFFIXES = (".npz", ".npy", ".csv", ".pt")  # how the name of such a file ends
SETTINGS = ("target_file", "sensing_file")  # what names one


def named(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the files that the settings of an instance name, with the setting that names each."""
    return {settings[setting]: setting for setting in SETTINGS if settings.get(setting)}


def of(whole: Slice) -> dict[str, str]:
    """Return the files that the runs of a slice name, with the setting that names each."""
    return {file: setting for found in choices(whole, list(SETTINGS)) for file, setting in named(found).items()}
