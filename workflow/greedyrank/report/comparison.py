"""Two builds of the same claims: whose numbers, statistics and verdicts differ."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from greedyrank import storage
from greedyrank.claims import judged_files
from greedyrank.report.record import number
from greedyrank.spectra import extraction

STAGES = ("data", "runs", "baselines", "spectra")


def content(path: Path) -> str:
    """Return the digest of the numbers in an npz or netCDF file: not of the settings and versions beside them."""
    if path.suffix == ".npz":
        arrays = storage.load_arrays(path)[1]
    else:
        arrays = {str(name): column.to_numpy() for name, column in extraction.load(path).data_vars.items()}
    whole = hashlib.sha256()
    for name in sorted(arrays):
        whole.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        whole.update(np.ascontiguousarray(arrays[name]).tobytes())
    return whole.hexdigest()


def _files(results: Path, stage: str) -> dict[str, Path]:
    folder = results / stage
    found = [path for ending in ("npz", "nc") for path in folder.rglob(f"*.{ending}")]
    return {str(path.relative_to(folder)): path for path in found}


def of_files(base: Path, other: Path) -> dict[str, list[int]]:
    """Return, for each stage, in how many of how many files that both builds have the numbers differ."""
    counts = {}
    for stage in STAGES:
        ours, theirs = _files(base, stage), _files(other, stage)
        shared = sorted(ours.keys() & theirs.keys())
        counts[stage] = [sum(content(ours[name]) != content(theirs[name]) for name in shared), len(shared)]
    return counts


def of_claims(base: Path, other: Path) -> list[dict]:
    """Return each claim that both builds judged: its verdict and its statistic in both.

    Returns
    -------
    list of dict
        ``figure``, ``id``; ``verdicts``, ``measured``, ``ranges`` and ``margins``, each of the base and of the other.
    """
    found = []
    for path in sorted((base / "claims").glob("*.json")):
        if not (theirs := other / "claims" / path.name).exists():
            continue
        judged = {claim["id"]: claim for claim in judged_files.load(theirs)}
        for claim in judged_files.load(path):
            if claim["id"] in judged:
                pair = claim, judged[claim["id"]]
                found.append(
                    {
                        "figure": path.stem,
                        "id": claim["id"],
                        "verdicts": [each["verdict"] for each in pair],
                        "measured": [each["measured"] for each in pair],
                        "ranges": [each["range"] for each in pair],
                        "margins": [each["margin"] for each in pair],
                    }
                )
    return found


def changed_verdicts(claims: list[dict]) -> list[dict]:
    """Return the claims of `of_claims` whose verdicts differ."""
    return [claim for claim in claims if len(set(claim["verdicts"])) > 1]


def largest_change(claims: list[dict]) -> tuple[float, str]:
    """Return by how many tolerances a statistic moved at most, and of which claim; 0 and no name where none did."""
    moved = [
        (abs(ours - theirs), f"{claim['figure']}.{claim['id']}")
        for claim in claims
        for ours, theirs in [claim["margins"]]
        if ours is not None and theirs is not None
    ]
    largest = max(moved, default=(0.0, ""))
    return largest if largest[0] else (0.0, "")


def text(claim: dict) -> str:
    """Write a claim of `of_claims`: its verdicts and statistics in both builds."""
    pairs = zip(claim["verdicts"], claim["measured"], claim["ranges"], strict=True)
    ours, theirs = (f"{verdict}, {number(middle)} ({number(ends or [])})" for verdict, middle, ends in pairs)
    return f"{claim['figure']}.{claim['id']}: {theirs}; before: {ours}"
