"""Builds on one machine as others would make them, beside the build as it is: what differs, and which verdicts.

Rounding is a seed: it differs between processors, libraries and the widths of arrays, and no verdict may depend on it.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from greedyrank import storage
from greedyrank.report import comparison, markdown
from greedyrank.report.record import number

NUDGES = 5


@dataclass(frozen=True)
class Variant:
    """A way to build.

    Attributes
    ----------
    name : str
        Of its folder.
    what : str
        What it changes, for the table.
    processor : dict
        How libraries are to use the processor: variables of `greedyrank.clean_room`.
    settings : dict
        Settings of the config.
    """

    name: str
    what: str
    processor: dict[str, str] = field(default_factory=dict)
    settings: dict[str, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The variables, as a shell takes them."""
        return " ".join(f"{name}={shlex.quote(value)}" for name, value in self.processor.items())


NO_VECTORS = {
    "ATEN_CPU_CAPABILITY": "default",
    "NUMBA_CPU_NAME": "x86-64",
    "NUMBA_CPU_FEATURES": "",
    "OPENBLAS_CORETYPE": "Nehalem",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
}
VARIANTS = [
    Variant("torch-default", "torch without vector units", {"ATEN_CPU_CAPABILITY": "default"}),
    Variant("torch-avx2", "torch for AVX2", {"ATEN_CPU_CAPABILITY": "avx2"}),
    Variant("torch-avx512", "torch for AVX-512", {"ATEN_CPU_CAPABILITY": "avx512"}),
    Variant("numba-generic", "numba for any x86-64", {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": ""}),
    Variant("openblas-haswell", "OpenBLAS for Haswell", {"OPENBLAS_CORETYPE": "Haswell"}),
    Variant("openblas-zen", "OpenBLAS for AMD Zen", {"OPENBLAS_CORETYPE": "Zen"}),
    Variant("onednn-sse41", "oneDNN up to SSE4.1", {"ONEDNN_MAX_CPU_ISA": "SSE41"}),
    Variant("mkl-compatible", "MKL in the order of any processor", {"MKL_CBWR": "COMPATIBLE"}),
    Variant("no-vectors", "all of them for the oldest processors", NO_VECTORS),
    Variant("groups-of-3", "groups of at most 3 runs", settings={"group_size": 3}),
    Variant("groups-of-8", "groups of at most 8 runs", settings={"group_size": 8}),
    *(
        Variant(f"nudge-{seed}", f"initial numbers moved by one ulp, draw {seed}", settings={"nudge_seed": seed})
        for seed in range(NUDGES)
    ),
]


def compare(variant: Variant, base: Path, other: Path) -> dict:
    """Return what a variant changed.

    Parameters
    ----------
    variant : Variant
        How the second build was made.
    base, other : Path
        Results folders.
    """
    claims = comparison.of_claims(base, other)
    moved, claim = comparison.largest_change(claims)
    return {
        "name": variant.name,
        "what": variant.what,
        "processor": variant.words,
        "settings": variant.settings,
        "figures": sorted({claim["figure"] for claim in claims}),
        "claims": len(claims),
        "files": comparison.of_files(base, other),
        "statistics": sum(claim["ranges"][0] != claim["ranges"][1] for claim in claims),
        "largest": {"tolerances": moved, "claim": claim},
        "verdicts": comparison.changed_verdicts(claims),
    }


def read(path: Path) -> dict[str, dict]:
    """Return what was found of each variant so far, by its name."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(path: Path, found: dict[str, dict], docs: Path) -> None:
    """Write what was found, and the table of it."""
    with storage.writing(path) as temporary:
        temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    docs.write_text(document(list(found.values())), encoding="utf-8")


def document(found: list[dict]) -> str:
    """Return the table as a Markdown document, of what `compare` returned."""
    lines = [
        "# The same verdicts elsewhere",
        "",
        "Written by `make portability`: the build as it is on one machine, beside builds of the same figures as others"
        " would make them. Rounding differs between processors, libraries and widths of arrays. No verdict may.",
        "",
        "- *files*: in how many of how many files the numbers differ: data, runs, baselines, spectra.",
        "- *statistics*: for how many claims some value of the statistic differs, and by how many tolerances of its"
        " claim the nearest one to a threshold moved at most.",
        "- *verdicts*: how many differ, of how many claims.",
        "",
    ]
    cells = [
        (
            row["what"],
            f"`{row['processor'] or ' '.join(f'{name}={value}' for name, value in row['settings'].items())}`",
            ", ".join(f"{changed} of {count}" for changed, count in row["files"].values()),
            f"{row['statistics']} of {row['claims']}",
            f"{number(row['largest']['tolerances'])} ({row['largest']['claim']})" if row["largest"]["claim"] else "0",
            f"{len(row['verdicts'])} of {row['claims']}",
        )
        for row in found
    ]
    columns = ["build", "how", "files", "statistics", "largest move", "verdicts"]
    lines.append(markdown.table(columns, cells).rstrip())
    different = [(row["what"], claim) for row in found for claim in row["verdicts"]]
    lines += ["", "## Verdicts that differ", ""]
    if not different:
        lines.append("None.")
    lines += [f"- {what}: {comparison.text(claim)}" for what, claim in different]
    sets = {tuple(row["figures"]) for row in found}
    lines += ["", "## Figures", ""]
    for figures in sorted(sets):
        names = ", ".join(row["name"] for row in found if tuple(row["figures"]) == figures)
        lines.append(f"- {names}: {', '.join(f'`{figure}`' for figure in figures)}")
    return "\n".join(lines) + "\n"
