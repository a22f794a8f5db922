"""What each job of the pipeline does, from the files it reads to the file it writes.

The scripts are command lines over these functions; tests, notebooks and `python -m greedyrank run` call them too.
Settings are as jobs get them: without what is left at its default.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from greedyrank import plugins, provenance, storage
from greedyrank.config import defaults
from greedyrank.config.settings.registry import trainer
from greedyrank.config.sweeps import Slice
from greedyrank.errors import UserError

if TYPE_CHECKING:
    import xarray as xr

    from greedyrank.figures.canvas import Canvas

logger = logging.getLogger(__name__)


def generate(settings: dict, data_dir: Path, out: Path) -> None:
    """Generate instances into one file: targets and their observed entries, or sets of images or ratings.

    Parameters
    ----------
    settings : dict
        ``problem``, and ``instances``: the settings of each. Where targets are read from files: ``files``, the SHA-256
        of each, and ``seen``, for each instance how much of it the runs see.
    data_dir : Path
        Folder of images, ratings and targets.
    out : Path
        An npz file.

    Raises
    ------
    UserError
        If a file is not the one that the build was planned with.
    """
    from greedyrank.data import instances

    for name, planned in settings.get("files", {}).items():
        if storage.checksum(data_dir / name) != planned:
            raise UserError(f"{data_dir / name} has changed since the build was planned; start the build again")
    generator = instances.generator(settings["problem"], data_dir)
    instances.save(out, settings["problem"], settings["instances"], generator, settings.get("seen", []))


def train(
    settings: dict,
    data: list[Path],
    out: Path,
    *,
    code: str = "",
    device: str = "cpu",
    checkpoints: Path,
    checkpoint_seconds: float = 30.0,
) -> None:
    """Train the runs of one job, from their initial factors to their stopping rule.

    Parameters
    ----------
    settings : dict
        A slice, as `greedyrank.config.sweeps.Slice.to_json` gives it.
    data : list of Path
        The data files of the runs.
    out : Path
        An npz file.
    code : str
        Digest of the code, kept with the result; a checkpoint of other code is not used.
    device : {"cpu", "cuda"}
        Where to train.
    checkpoints : Path
        Folder of the checkpoints.
    checkpoint_seconds : float
        Time from one checkpoint to the next.
    """
    from greedyrank.data.instances import Instances
    from greedyrank.training import devices, job, on_gpu

    part = Slice(**settings)
    trained = plugins.plugin("training", trainer(part)).train
    instances = Instances(data)
    sources = {path.name: storage.checksum(path) for path in data}
    identity = provenance.digest(provenance.canonical([settings, code, sources]))
    checkpoint = checkpoints / f"{identity[:24]}.npz"
    described = devices.prepare(device)
    logger.info("trains on %s", described)
    suited = on_gpu.suited(defaults.filled(part), device)
    arrays = trained(suited, instances.of, device, checkpoint=checkpoint, checkpoint_seconds=checkpoint_seconds)
    problem = plugins.plugin("problems", part.problem).Problem
    model = plugins.plugin("factorizations", part.factorization).Model
    meta = {
        "slice": settings,
        "axes": {**problem.axes, **model.axes},
        "code": code,
        "device": described,
        "versions": provenance.versions("torch", "numpy", "numba"),
        "data": sources,
    }
    storage.save_arrays(out, meta, arrays)
    job.remove_checkpoints(checkpoint)


def baseline(settings: dict, data: list[Path], out: Path) -> None:
    """Solve the baseline of every problem of a sweep.

    Parameters
    ----------
    settings : dict
        ``problem``, ``factorization``, ``baseline`` (its kind and settings), and ``views``: the settings of each
        problem.
    data : list of Path
        The data files of the sweep.
    out : Path
        An npz file.
    """
    from greedyrank.data.instances import Instances

    options = defaults.baseline_filled(settings["baseline"])
    kind, problem = options.pop("kind"), settings["problem"]
    names = defaults.view_settings(problem)
    views = [defaults.instance_filled(problem, view, names) for view in settings["views"]]
    compute = plugins.plugin("baselines", kind).compute
    arrays = compute(problem, settings["factorization"], views, Instances(data).of, **options)
    storage.save_arrays(out, {"problem": problem, "views": settings["views"]}, arrays)


def extract(runs: list[Path], data: list[Path], baselines: list[Path], measures: list[str], out: Path) -> None:
    """Measure the recorded runs of one sweep; ``out`` is a netCDF file."""
    from greedyrank.spectra import extraction

    for name in measures:
        if ":" in name:
            plugins.own("measures", name)
    extraction.save(out, extraction.extract(runs, data, baselines, measures))


def draw(
    paper: Path, figure: str, settings: dict, spectra: list[Path], drawn_by: str = ""
) -> tuple[Canvas, dict[str, xr.Dataset]]:
    """Return the canvas of a figure of a paper, and the sweeps that it shows; other parameters as of `plot`."""
    from greedyrank.figures import lettering, saving
    from greedyrank.spectra import extraction

    sweeps = {}
    for path in spectra:
        name = path.stem
        sweeps[name] = saving.named(name, settings["sweeps"][name], settings["reduced"][name], extraction.load(path))
    module = plugins.import_module(paper, f"{paper.name}.{drawn_by or figure}.draw")
    canvas = module.draw(sweeps, settings["published"], **settings["draw"])
    saving.stamp(canvas, settings["scale"], sweeps)
    lettering.finish(canvas.figure)
    return canvas, sweeps


def plot(figure: str, settings: dict, spectra: list[Path], outputs: list[Path], *, drawn_by: str = "", code: str = ""):
    """Draw one figure, and write exactly what it shows beside it.

    Parameters
    ----------
    figure : str
        A figure of one of the papers.
    settings : dict
        ``scale``, ``draw`` (keyword arguments of the drawing function), ``published``, ``sweeps``.
    spectra : list of Path
        The measured sweeps.
    outputs : list of Path
        png, pdf, svg, csv and js files.
    drawn_by : str
        The figure of the same paper whose draw.py draws it; default: its own.
    code : str
        Digest of the drawing code, kept in the pictures.
    """
    from greedyrank import __version__
    from greedyrank.figures import saving, style

    style.set_up()
    canvas, sweeps = draw(plugins.paper_of(figure), figure, settings, spectra, drawn_by)
    record = {
        "figure": figure,
        "scale": settings["scale"],
        "draw": settings["draw"],
        "sweeps": settings["sweeps"],
        "jobs": {name: json.loads(sweep.attrs["jobs"]) for name, sweep in sweeps.items()},
        "code": code,
        "versions": {"greedyrank": __version__, **provenance.versions("matplotlib", "numpy", "xarray")},
    }
    saving.save(canvas, {path.suffix[1:]: path for path in outputs}, record)


def check_claims(figure: str, settings: dict, spectra: list[Path], out: Path) -> None:
    """Judge the claims of one figure.

    Parameters
    ----------
    figure : str
        A figure of one of the papers.
    settings : dict
        ``scale`` and ``claims``; ``left_out``, where data are missing: sweeps of the figure, and why they were not run.
    spectra : list of Path
        The measured sweeps.
    out : Path
        A JSON file.
    """
    from greedyrank.claims import judged_files, judging
    from greedyrank.spectra import extraction

    sweeps = {path.stem: extraction.load(path) for path in spectra}
    statistic = judging.statistics_of(plugins.paper_of(figure), figure)
    left_out = settings.get("left_out", {})
    judged = [{"figure": figure, **judging.judge(claim, sweeps, statistic, left_out)} for claim in settings["claims"]]
    judged_files.save(out, settings["scale"], judged)


def horizon(figure: str, paper: Path, settings: dict, spectra: list[Path]) -> list[dict]:
    """Return how far the claims of one figure hold; see `greedyrank.claims.horizon`.

    Parameters
    ----------
    figure : str
        A figure of one of the papers.
    paper : Path
        The folder of the paper.
    settings : dict
        As for `check_claims`.
    spectra : list of Path
        The measured sweeps.
    """
    from greedyrank.claims import horizon, judging
    from greedyrank.spectra import extraction

    sweeps = {path.stem: extraction.load(path) for path in spectra}
    statistic = judging.statistics_of(paper, figure)
    return [{"figure": figure, **horizon.of_claim(claim, sweeps, statistic)} for claim in settings["claims"]]
