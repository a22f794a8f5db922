"""What was built by the pipeline, in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import xarray as xr
from matplotlib import pyplot, rc_context
from matplotlib.figure import Figure

from greedyrank import stages
from greedyrank.api.sweep import plan
from greedyrank.figures.style import RC
from greedyrank.plan import jobs
from greedyrank.spectra import extraction


def open(  # noqa: A001 - as xarray.open_dataset, but of a name
    name: str, scale: str = "laptop", *, results: str | Path = "results", papers: Iterable[str | Path] = ()
) -> xr.Dataset:
    """Return a sweep that was built: its measures, as figures and claims get them.

    Parameters
    ----------
    name : str
        The sweep.
    scale : {"smoke", "laptop", "paper"}
        The scale that it was built at.
    results : path
        The ``results_dir`` of the build.
    papers : iterable of path
        Further folders of papers.

    Returns
    -------
    Dataset
        Dimensions ``run`` and ``record``; every setting is a coordinate of ``run``.

    Raises
    ------
    UserError
        If there is no such sweep, or if it was not built, with the command that builds it.
    """
    (path,) = jobs.job(plan(scale, papers, results), "extract", name).outputs
    jobs.check_there([path])
    return extraction.load(path)


def figure(
    name: str, scale: str = "laptop", *, results: str | Path = "results", papers: Iterable[str | Path] = ()
) -> Figure:
    """Draw a figure of a paper from what was built; parameters and errors as of `open`."""
    planned = plan(scale, papers, results)
    job = jobs.job(planned, "plot", name)
    jobs.check_there(job.inputs["spectra"])
    with rc_context(RC):
        canvas, _ = stages.draw(
            planned.project.owners[name].folder, name, job.settings, job.inputs["spectra"], job.options["drawn_by"]
        )
    pyplot.close(canvas.figure)  # or a notebook shows it twice
    return canvas.figure
