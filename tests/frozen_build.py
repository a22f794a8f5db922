"""What version 0.1 computed at smoke scale: digests of every array, and some tables, to compare a build with.

``python tests/frozen_build.py results/smoke`` writes tests/frozen from a build; do so only when results are meant
to change, and say why in the commit.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import xarray as xr

from greedyrank import provenance

FROZEN = Path(__file__).parent / "frozen"
TABLES = ("component_norms", "image_rank", "dmf_movielens", "dmf_sensing", "deep_cp")
KINDS = ("data", "runs", "baselines", "spectra", "figures")  # not claims: how they are judged is meant to change


def processor() -> dict[str, str]:
    """Return the type of this machine's processor; the same bytes are promised on the same type alone."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    found = {}
    for key in ("vendor_id", "cpu family", "model", "flags"):
        match = re.search(rf"^{key}\s*: (.*)$", text, re.MULTILINE)
        found[key] = match[1] if match else ""
    found["flags"] = hashlib.sha256(found["flags"].encode()).hexdigest()[:16]
    return found


def versions() -> dict[str, str]:
    """Return the versions of the packages that compute."""
    return provenance.versions("torch", "numpy", "scipy", "numba", "xarray", "tensorly")


def _of_arrays(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(str(array.tolist()).encode() if array.dtype.kind in "UO" else array.tobytes())
    return digest.hexdigest()[:24]


def content(path: Path) -> str:
    """Return the digest of what a file says, without the record of its origin."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return _of_arrays({name: file[name] for name in file.files if name != "meta"})
    if path.suffix == ".nc":
        with xr.open_dataset(path, engine="h5netcdf") as found:
            # Not its coordinates, the settings: those that are new are at their defaults.
            return _of_arrays({name: found[name].to_numpy() for name in found.data_vars})
    return hashlib.sha256(path.read_bytes()).hexdigest()[:24]


def files(results: Path) -> dict[str, Path]:
    """Return the files of a build whose content is compared, by their paths below the results."""
    found = (path for kind in KINDS for path in sorted((results / kind).rglob("*")))
    return {str(path.relative_to(results)): path for path in found if path.suffix in (".npz", ".nc", ".csv")}


def write(results: Path) -> None:
    """Write tests/frozen from a build."""
    FROZEN.mkdir(exist_ok=True)
    found = {name: content(path) for name, path in files(results).items()}
    frozen = {"processor": processor(), "versions": versions(), "contents": found}
    (FROZEN / "contents.json").write_text(json.dumps(frozen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for figure in TABLES:
        shutil.copy(results / "figures" / f"{figure}.csv", FROZEN)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
