"""What is written below a figure, and how it is saved with the record of its origin."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from greedyrank import storage
from greedyrank.config.sweeps import values
from greedyrank.figures import reductions
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.interactive import twin
from greedyrank.figures.style import WIDTHS, lettered
from greedyrank.spectra.selection import at_stop

STAMP_SIZE = 6.5


def capped(settings: dict, sweep: xr.Dataset) -> np.ndarray:
    """Return which runs of a sweep ended at their cap on steps, short of their loss."""
    ends = at_stop(sweep)
    short = np.zeros(sweep.sizes["run"], dtype=bool)
    blocks = (settings["fixed"], *settings["cases"])
    for stop in (stop for block in blocks for stop in values(block.get("stop", []))):
        if stop.get("loss"):
            short |= ((ends.stop_step == stop["max_steps"]) & (ends.loss >= stop["loss"])).to_numpy()
    return short


def named(name: str, settings: dict, reduced: dict[str, list], sweep: xr.Dataset) -> xr.Dataset:
    """Return a sweep whose runs have names, and say whether a cap on steps ended them.

    Parameters
    ----------
    name : str
        Of the sweep.
    settings : dict
        Of the sweep.
    reduced : dict
        Its settings that are others in full: their values here, and in full; an attribute of the sweep.
    sweep : xarray.Dataset
        As it was measured.
    """
    names = [f"{name} {number}" for number in range(sweep.sizes["run"])]
    runs = {"run_name": ("run", names), "capped": ("run", capped(settings, sweep))}
    return sweep.assign_coords(runs).assign_attrs(reduced=json.dumps(reduced))


def stamp(canvas: Canvas, scale: str, sweeps: dict[str, xr.Dataset]) -> None:
    """Write below all panels what is less than in full, what the figure remarks, and how many runs a cap ended."""
    canvas.leave_out_beyond()
    less = list(dict.fromkeys(text for sweep in sweeps.values() for text in reductions.words(sweep)))
    if scale == "smoke":
        less = ["a test of the programs"]
    remarks = [f"Reduced ({scale} scale): {'; '.join(less)}" if less else "All settings in full", *canvas.remarks]
    short, count = canvas.capped
    if short:
        remarks.append(f"{short} of {count} runs shown ended at the cap on steps (crosses or hatches)")
    letters = lettered(WIDTHS[canvas.width], STAMP_SIZE)
    sentences = (f"{remark[0].upper()}{remark[1:]}." for remark in remarks)
    text = textwrap.fill(" ".join(sentences), letters)
    beyond_one = text.count("\n") * 1.3 * STAMP_SIZE / 72  # inches
    canvas.figure.set_figheight(canvas.figure.get_figheight() + beyond_one)
    canvas.figure.supxlabel(text, fontsize=STAMP_SIZE, color="0.35", x=0.01, ha="left")
    if scale == "smoke":
        canvas.figure.text(
            0.5,
            0.5,
            "SMOKE SCALE\nnot a result",
            rotation=30,
            fontsize=44 if canvas.width == "text" else 22,
            color="0.8",
            alpha=0.6,
            ha="center",
            va="center",
        )


def save(canvas: Canvas, outputs: dict[str, Path], record: dict) -> None:
    """Write png, pdf, svg and csv, and js, the interactive twin; with the provenance record inside each picture.

    No date, host, user or path is written, so the same build gives the same bytes.
    """
    text = json.dumps(record, sort_keys=True)
    metadata = {
        "png": {"Software": None, "Description": text},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Keywords": text},
        "svg": {"Date": None, "Creator": None, "Description": text},
    }
    # Laid out once, as for the png: matplotlib would lay the figure out, and draw it, once more for each format.
    canvas.figure.set_dpi(plt.rcParams["savefig.dpi"])
    canvas.figure.draw_without_rendering()
    with plt.rc_context({"figure.constrained_layout.use": False}):
        canvas.figure.set_layout_engine()
        for ending, path in outputs.items():
            with storage.writing(path) as temporary:
                if ending == "csv":
                    canvas.table().to_csv(temporary, index=False, float_format="%.9g")
                elif ending == "js":
                    twin.write(temporary, path.stem, canvas)
                else:
                    canvas.figure.savefig(temporary, format=ending, metadata=metadata[ending])
    plt.close(canvas.figure)
