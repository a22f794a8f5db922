"""Files with targets, as planning sees them: by their names. Only the standard library is used."""

from __future__ import annotations

from greedyrank.config.sweeps import Slice, choices

SUFFIXES = (".npz", ".npy", ".csv", ".pt")  # how the name of such a file ends


def of(whole: Slice) -> list[str]:
    """Return the target files that the runs of a slice name, as its settings have them."""
    return [found["target_file"] for found in choices(whole, ["target_file"]) if found["target_file"] is not None]
