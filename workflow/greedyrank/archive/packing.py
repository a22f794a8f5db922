"""Packing a build: what was recorded, measured, judged and drawn, into one file that can be passed on.

Data are left out: targets are drawn again from their seeds, and ratings may not be redistributed.
"""

from __future__ import annotations

import io
import logging
import tarfile
from pathlib import Path
from types import SimpleNamespace

from backports import zstd

from greedyrank import __version__, provenance, storage
from greedyrank.archive import citation, crate, manifest
from greedyrank.claims import judged_files
from greedyrank.config.papers import REPOSITORY
from greedyrank.errors import UserError
from greedyrank.plan import identity
from greedyrank.plan.graph import Plan

logger = logging.getLogger(__name__)

PACKAGES = ("torch", "numpy", "scipy", "numba", "xarray", "h5netcdf", "h5py", "matplotlib", "seaborn", "tensorly")


def recorded(plan: Plan, figure: str) -> list[Path]:
    """Return the files of a figure that are packed: runs, baselines, spectra, claims and pictures."""
    sweeps = plan.files.shown(plan.figures[figure].block.sweeps)
    found = [*plan.figure_inputs(SimpleNamespace(figure=figure)), *plan.figure_files(figure)]
    for sweep in sweeps:
        wildcards = SimpleNamespace(sweep=sweep)
        found += [*plan.spectra_inputs(wildcards), *plan.spectra_baselines(wildcards)]
    return list(map(Path, found))


def whole(plan: Plan, figures: list[str]) -> list[str]:
    """Return the figures of which every file is there; the others are named in the log.

    Raises
    ------
    UserError
        If there is none.
    """
    lacking = {name: [path for path in recorded(plan, name) if not path.is_file()] for name in figures}
    for name, paths in lacking.items():
        if paths:
            logger.warning("left out: %s; %s is missing", name, paths[0])
    found = [name for name, paths in lacking.items() if not paths]
    if not found:
        raise UserError(f"nothing to pack: no figure in {plan.results} is whole; build with: make figures")
    return found


def _checked(path: Path) -> manifest.File:
    """Return what a file holds, after comparing it with its checksum where it has one."""
    if storage.has_checksum(path):
        storage.check(path)
    return manifest.File(sha256=storage.checksum(path), size=path.stat().st_size)


def _beside(plan: Plan, packed: dict[str, Path], described: manifest.Manifest) -> dict[str, bytes]:
    """Return the texts that a bundle holds beside what was recorded, by their names."""
    claims = {name: judged_files.load(Path(plan.results, "claims", f"{name}.json")) for name in described.figures}
    built = max(path.stat().st_mtime for path in packed.values())
    cited = citation.read(REPOSITORY / "CITATION.cff")
    articles = {name: cited.of_paper(plan.figures[name].paper.folder) for name in described.figures}
    return {
        "config.yaml": plan.resolved().encode(),
        "LICENSE": (REPOSITORY / "LICENSE").read_bytes(),
        "Snakefile": (REPOSITORY / "Snakefile").read_bytes(),
        ".zenodo.json": citation.zenodo(cited, described),
        "ro-crate-metadata.json": crate.describe(cited, described, articles, claims, built),
    }


def _add(archive: tarfile.TarFile, name: str, content: bytes | Path) -> None:
    """Add a file; owner, date and mode are the same for all, so that the same build gives the same bundle."""
    info = tarfile.TarInfo(name)
    if isinstance(content, bytes):
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
        return
    info.size = content.stat().st_size
    with content.open("rb") as file:
        archive.addfile(info, file)


def pack(plan: Plan, figures: list[str], out: Path) -> manifest.Manifest:
    """Pack the figures of a build that are whole.

    Parameters
    ----------
    plan : Plan
        The job graph of the build.
    figures : list of str
        Figures to pack.
    out : Path
        The bundle, such as ``bundle.tar.zst``.

    Returns
    -------
    Manifest
        What the bundle holds.

    Raises
    ------
    UserError
        If no figure is whole.
    CorruptFile
        If a file is not what was written.
    """
    names = whole(plan, figures)
    sweeps = {name: plan.files.shown(plan.figures[name].block.sweeps) for name in names}
    results = Path(plan.results)
    packed = {path.relative_to(results).as_posix(): path for name in names for path in recorded(plan, name)}
    files = {name: _checked(path) for name, path in sorted(packed.items())}
    texts: dict[str, bytes] = {
        f"{name}.sha256": storage.checksum_line(files[name].sha256, path.name).encode()
        for name, path in packed.items()
        if storage.has_checksum(path)
    }
    described = manifest.Manifest(
        format=manifest.FORMAT_VERSION,
        greedyrank=__version__,
        scale=plan.config.scale,
        versions=provenance.versions(*PACKAGES),
        sweeps={
            sweep: manifest.RecordedSweep(**identity.of_sweep(plan, sweep))
            for sweep in sorted(
                {sweep for name in names for sweep in plan.files.shown(plan.figures[name].block.sweeps)}
            )
        },
        figures={
            name: manifest.RecordedFigure(
                title=plan.figures[name].block.title,
                paper=plan.figures[name].block.paper,
                sweeps=sweeps[name],
                left_out=plan.files.left_out(plan.figures[name].block.sweeps),
            )
            for name in names
        },
        files=files,
    )
    texts |= _beside(plan, packed, described)
    digests = {name: manifest.File(sha256=provenance.digest(text), size=len(text)) for name, text in texts.items()}
    described = described.model_copy(update={"files": files | digests})
    contents: dict[str, bytes | Path] = {**packed, **texts}
    with (
        storage.writing(out) as temporary,
        zstd.ZstdFile(temporary, "wb") as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        _add(archive, manifest.NAME, manifest.write(described))
        for name, content in sorted(contents.items()):
            _add(archive, name, content)
    return described
