"""What is written below a figure, and how it is saved with the record of its origin."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from greedyrank import storage
from greedyrank.config.sweeps import values
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.interactive import twin
from greedyrank.spectra.selection import at_stop


def capped(settings: dict, sweep: xr.Dataset) -> int:
    """Return how many runs of a sweep ended at their cap on steps, short of their loss."""
    ends = at_stop(sweep)
    short = np.zeros(sweep.sizes["run"], dtype=bool)
    blocks = (settings["fixed"], *settings["cases"])
    for stop in (stop for block in blocks for stop in values(block.get("stop", []))):
        if stop.get("loss"):
            short |= ((ends.stop_step == stop["max_steps"]) & (ends.loss >= stop["loss"])).to_numpy()
    return int(short.sum())


def stamp(canvas: Canvas, scale: str, settings: dict[str, dict], sweeps: dict[str, xr.Dataset]) -> None:
    """Write below all panels: the scale, runs that were capped, and what the figure itself remarks."""
    remarks = [f"{scale} scale", *canvas.remarks]
    for name, sweep in sweeps.items():
        if count := capped(settings[name], sweep):
            remarks.append(f"{name}: {count} of {sweep.sizes['run']} runs stopped by the cap on steps")
    canvas.figure.supxlabel("; ".join(remarks), fontsize=6.5, color="0.35", x=0.01, ha="left")
    if scale == "smoke":
        canvas.figure.text(
            0.5,
            0.5,
            "SMOKE SCALE\nnot a result",
            rotation=30,
            fontsize=44,
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
    for ending, path in outputs.items():
        with storage.writing(path) as temporary:
            if ending == "csv":
                canvas.table().to_csv(temporary, index=False, float_format="%.9g")
            elif ending == "js":
                twin.write(temporary, path.stem, canvas)
            else:
                canvas.figure.savefig(temporary, format=ending, metadata=metadata[ending])
    plt.close(canvas.figure)
