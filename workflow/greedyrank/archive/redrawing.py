"""Drawing and judging again what a bundle recorded: without its data, and without training."""

from __future__ import annotations

import logging
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from greedyrank import provenance, storage
from greedyrank.archive.manifest import Manifest
from greedyrank.config.loading import Project
from greedyrank.plan import identity, jobs
from greedyrank.plan.data_files import DataFiles
from greedyrank.plan.graph import Plan


class RecordedFiles(DataFiles):
    """What a bundle was recorded with, in place of what lies in the data folder here.

    Parameters
    ----------
    described : Manifest
        What the bundle holds.
    project : Project
        What can be built.
    """

    def __init__(self, described: Manifest, project: Project):
        super().__init__(project)
        self.missing = {}
        self._left_out = {
            tuple(project.figures[name].block.sweeps): figure.left_out
            for name, figure in described.figures.items()
            if name in project.figures
        }

    def left_out(self, sweeps: list[str]) -> dict[str, str]:
        """Return which sweeps of a figure were left out when it was recorded, and why."""
        return self._left_out.get(tuple(sweeps), {})


@dataclass(frozen=True)
class Redrawn:
    """What became of a figure.

    Attributes
    ----------
    figure : str
        Its name.
    refused : str
        Why it was not drawn; empty if it was.
    differing : list of str
        The files whose bytes are not those in the bundle.
    """

    figure: str
    refused: str = ""
    differing: tuple[str, ...] = ()


def planned(raw: dict, described: Manifest) -> Plan:
    """Return the job graph of a bundle; it is to be unpacked into the results folder of that.

    Parameters
    ----------
    raw : dict
        The config, of this machine: none of a bundle is used, since configs can name code.
    described : Manifest
        What the bundle holds.
    """
    # Beside one's own results, which are never mixed with those of others.
    base = Path(raw.get("results_dir", "results"), "bundle", "laptop" if described.scale == "laptop" else "")
    given = {**raw, "scale": described.scale, "results_dir": str(base)}
    return Plan(given, here=False, files_of=partial(RecordedFiles, described))


def why_not(plan: Plan, described: Manifest, figure: str) -> str:
    """Return in one line why a figure of a bundle cannot be drawn; empty if it can."""
    if figure in plan.project.broken:
        return f"{figure}: {plan.project.broken[figure][0]}"
    if figure not in plan.figures:
        return f"{figure}: no paper has this figure; name its paper's folder in the config"
    recorded = described.figures[figure]
    shown = plan.figures[figure].block.sweeps
    if {*recorded.sweeps, *recorded.left_out} != set(shown):
        return f"{figure}: it shows {', '.join(shown)}, and was recorded with {', '.join(recorded.sweeps)}"
    for sweep in recorded.sweeps:
        if f"spectra/{sweep}.nc" not in described.files or sweep not in described.sweeps:
            return f"{figure}: the bundle lacks the sweep {sweep}"
        here = identity.of_sweep(plan, sweep)
        if here["settings"] != described.sweeps[sweep].settings:
            return f"{figure}: {sweep} was recorded with other settings; give the config that it was built with"
        if here["code"] != described.sweeps[sweep].code:
            return f"{figure}: {sweep} was recorded by other code, that of greedyrank {described.greedyrank}"
    return ""


def _run(job: jobs.Job) -> None:
    job.run()


def _differing(described: Manifest, folder: Path, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        expected = described.files.get(name)
        if expected is None or storage.checksum(folder / name) != expected.sha256:
            yield name


def redraw(plan: Plan, described: Manifest, cores: int) -> list[Redrawn]:
    """Draw and judge all figures of an unpacked bundle, and compare every file with the recorded one.

    Parameters
    ----------
    plan : Plan
        From `planned`; the bundle lies in its results folder, whose pictures and claims are replaced.
    described : Manifest
        What the bundle holds.
    cores : int
        Processes.

    Returns
    -------
    list of Redrawn
        One for each figure.
    """
    folder = Path(plan.results)
    refused = {figure: why_not(plan, described, figure) for figure in described.figures}
    drawn = [figure for figure, reason in refused.items() if not reason]
    work = [jobs.job(plan, rule, figure) for rule in ("plot", "check_claims") for figure in drawn]
    for path in (path for job in work for path in job.outputs):
        storage.remove(path)
    # Processes of their own: fork would copy the threads of numpy's BLAS.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, spawn, initializer=logging.disable, initargs=(logging.WARNING,)) as pool:
        failures = {
            job.name: f"{job.name}: {error}" for job, error in zip(work, _errors(pool, work), strict=True) if error
        }
    found = []
    for figure, reason in refused.items():
        if reason := reason or failures.get(figure, ""):
            found.append(Redrawn(figure, reason))
            continue
        names = [Path(path).relative_to(folder).as_posix() for path in plan.figure_files(figure)]
        found.append(Redrawn(figure, differing=tuple(_differing(described, folder, names))))
    return found


def _errors(pool: ProcessPoolExecutor, work: list[jobs.Job]) -> Iterator[BaseException | None]:
    for future in [pool.submit(_run, job) for job in work]:
        yield future.exception()


def other_versions(described: Manifest) -> list[str]:
    """Return the packages whose version here is not that of the bundle, such as ``matplotlib 3.10.1 (here 3.11.2)``."""
    here = provenance.versions(*described.versions)
    return [
        f"{name} {version} (here {here.get(name, 'none')})"
        for name, version in described.versions.items()
        if here.get(name) != version
    ]
