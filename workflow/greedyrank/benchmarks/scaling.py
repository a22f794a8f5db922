"""How the cost of a training step grows, compared with the limits of the machine; see scripts/scaling.py.

All rates count operations of the dense formulation. A step that does the same with fewer operations can exceed the rate
of matrix products.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from functools import partial
from typing import Any

import numpy as np
import torch

from greedyrank.benchmarks.steps import (
    BATCH,
    CASES,
    Timed,
    cp_order4,
    deep_matrix_100,
    gemm_peak,
    image,
    product_seconds,
    seconds,
)
from greedyrank.data.images import PIXELS
from greedyrank.figures.canvas import Canvas
from greedyrank.figures.style import COLORS

LABELS = list(range(10))
# Columns of the image step: those of the published figure are 2400 (fifteen ranks, ten labels, two kinds of labels).
IMAGE_AXES: dict[int, dict[str, Any]] = {
    1: {"tensor_rank": [1], "label": [6]},
    4: {"tensor_rank": [4], "label": [6]},
    15: {"tensor_rank": [15], "label": [6]},
    30: {"tensor_rank": [15], "label": LABELS[:2]},
    60: {"tensor_rank": [15], "label": LABELS[:4]},
    120: {"tensor_rank": [15], "label": LABELS[:8]},
    300: {"tensor_rank": [15], "label": LABELS, "labels": ["original", "random"]},
    620: {"tensor_rank": [1, 5, 10, 15], "label": LABELS, "labels": ["original", "random"]},
    1200: {"tensor_rank": list(range(1, 16)), "label": LABELS},
    2400: {"tensor_rank": list(range(1, 16)), "label": LABELS, "labels": ["original", "random"]},
}
COMPONENTS = (64, 125, 250, 500, 1000, 2000, 4000)
RUNS = (1, 2, 4, 8, 16, 32)
IN_GROUPS = {
    "deep_matrix 100x100 depth3": partial(deep_matrix_100, optimizer="group_rmsprop"),
    "cp order4 R64": partial(cp_order4, length=8, components=64, observations=1000),
    "cp order4 R512": partial(cp_order4, length=8, components=512, observations=1000),
}
SIDE_BY_SIDE = ("deep_matrix 100x100 depth3", "cp order4 R1000", "image 120 columns")


def _timed(case: Timed, budget: float) -> float:
    return seconds(case[0].engine, budget, 3)


def bandwidth(megabytes: float, device: str) -> float:
    """Return the rate at which an array of this size is read and written, bytes/s."""
    array = torch.zeros(int(megabytes * 2**20 / 4), device=device)

    def step(count: int) -> None:
        for _ in range(count):
            array.add_(1.0)

    return 2 * 4 * len(array) / seconds(step, 0.2, 3)


def _share(name: str, start, done, results) -> None:
    torch.set_num_threads(1)
    case = CASES[name]("cpu")[0]
    case.engine(3)
    start.wait()
    begun, steps = time.perf_counter(), 0
    while not done.is_set():
        case.engine(1)
        steps += 1
    results.put(steps / (time.perf_counter() - begun))


def side_by_side(name: str, jobs: int, lasting: float) -> float:
    """Return the steps per second of a number of processes together, one thread each."""
    context = multiprocessing.get_context("spawn")
    start, done, results = context.Barrier(jobs + 1), context.Event(), context.Queue()
    processes = [context.Process(target=_share, args=(name, start, done, results)) for _ in range(jobs)]
    for process in processes:
        process.start()
    start.wait()
    time.sleep(lasting)
    done.set()
    total = sum(results.get() for _ in processes)
    for process in processes:
        process.join()
    return total


def threads(name: str, count: int, budget: float) -> float:
    """Return the steps per second of one process with a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return 1 / _timed(CASES[name]("cpu"), budget)
    finally:
        torch.set_num_threads(before)


def measure(budget: float) -> dict:
    """Measure, on one CPU core unless stated otherwise; each point takes about 4 ``budget`` seconds.

    Returns
    -------
    dict
        Ready for JSON: the x and y of each panel of `draw`, and the limits of the machine.
    """
    peak = gemm_peak("cpu")
    columns, image_seconds, dense_seconds = list(IMAGE_AXES), [], []
    for width, axes in IMAGE_AXES.items():
        image_seconds.append(_timed(image("cpu", axes), budget))
        dense_seconds.append(product_seconds([(BATCH, PIXELS, width), (PIXELS, BATCH, width)], "cpu"))
    cp_seconds, cp_dense = [], []
    for components in COMPONENTS:
        cp_seconds.append(_timed(cp_order4("cpu", 10, components, 2000), budget))
        cp_dense.append(product_seconds([(100, components, 100), *[(100, 100, components)] * 2], "cpu"))
    groups = {name: [_timed(make("cpu", runs=n), budget) / n for n in RUNS] for name, make in IN_GROUPS.items()}
    cores = list(range(1, (os.cpu_count() or 1) + 1))
    return {
        "peak": peak,
        "bandwidth_cache": bandwidth(0.5, "cpu"),
        "bandwidth_memory": bandwidth(256, "cpu"),
        "image": {"columns": columns, "step": image_seconds, "matrix_products": dense_seconds},
        "cp": {"components": list(COMPONENTS), "step": cp_seconds, "matrix_products": cp_dense},
        "groups": {"runs": list(RUNS), **groups},
        "cores": cores,
        "jobs": {name: [side_by_side(name, n, 8 * budget) for n in cores] for name in SIDE_BY_SIDE},
        "threads": {name: [threads(name, n, budget) for n in cores] for name in SIDE_BY_SIDE},
    }


def _image_traffic(columns: np.ndarray) -> np.ndarray:
    """Return the bytes that an image step has to move, each array once a pass.

    The predictions of all columns are written, exponentiated, summed, weighted, and read once more. Factors, moments
    and gradients, all of 784 rows, take about ten passes.
    """
    return 4.0 * columns * (6 * BATCH + 2 * 10 * PIXELS)


def _cp_traffic(components: np.ndarray) -> np.ndarray:
    """The same for CP of order 4 with modes of 10: both Khatri-Rao blocks and their gradients, four passes each."""
    return 4.0 * components * 4 * 4 * 100


def draw(measured: dict) -> Canvas:
    """Draw cost against columns, components, runs in a group, threads and jobs, and the rates under the roofline."""
    canvas = Canvas(2, 3, height=2.3)
    colors = [COLORS[name] for name in ("blue", "orange", "green")]

    def pair(panel: int, block: dict, x: str) -> None:
        at = block[x]
        dense = 1e3 * np.array(block["matrix_products"])
        canvas.line(panel, at, 1e3 * np.array(block["step"]), "step", color=COLORS["blue"], marker="o", label="step")
        look = {"color": COLORS["gray"], "linestyle": "--", "label": "its matrix\nproducts alone"}
        canvas.line(panel, at, dense, "dense matrix products alone", **look)
        canvas.panels[panel].set(xscale="log", yscale="log", xlabel=x, ylabel="time of a step (ms)")
        canvas.panels[panel].legend()

    pair(0, measured["image"], "columns")
    canvas.title(0, "image step")
    pair(1, measured["cp"], "components")
    canvas.title(1, "CP, order 4, modes of 10")
    runs = measured["groups"]["runs"]
    for color, name in zip(colors, IN_GROUPS, strict=True):
        cost = np.array(measured["groups"][name])
        canvas.line(2, runs, cost / cost[0], name, color=color, marker="o", label=name)
    canvas.panels[2].set(xscale="log", xlabel="runs in a group", ylabel="time a run and step / alone", ylim=(0, 1.7))
    canvas.panels[2].legend(loc="upper right")
    canvas.title(2, "runs in a group")
    for panel, kind, label in ((3, "threads", "threads of one job"), (4, "jobs", "jobs of one thread")):
        for color, name in zip(colors, SIDE_BY_SIDE, strict=True):
            rate = np.array(measured[kind][name])
            canvas.line(panel, measured["cores"], rate / rate[0], name, color=color, marker="o", label=name)
        canvas.line(panel, measured["cores"], measured["cores"], "ideal", color=COLORS["gray"], linestyle="--")
        canvas.panels[panel].set(xlabel=label, ylabel="steps / s over one's", xticks=measured["cores"], ylim=(0, None))
        canvas.panels[panel].legend(loc="lower right", borderaxespad=0.2)
        canvas.title(panel, label)
    _roofline(canvas, 5, measured)
    return canvas


def _roofline(canvas: Canvas, panel: int, measured: dict) -> None:
    intensity = np.geomspace(1, 1000, 50)
    for name, label, line in (("memory", "memory", "-"), ("cache", "second-level cache", "--")):
        roof = np.minimum(measured["peak"], intensity * measured[f"bandwidth_{name}"]) / 1e9
        canvas.line(panel, intensity, roof, f"roof, {label}", color=COLORS["gray"], linestyle=line, label=label)
    columns, components = np.array(measured["image"]["columns"]), np.array(measured["cp"]["components"])
    for color, name, flops, traffic, step in (
        ("blue", "image", 4.0 * BATCH * PIXELS * columns, _image_traffic(columns), measured["image"]["step"]),
        ("orange", "cp", 6.0e4 * components, _cp_traffic(components), measured["cp"]["step"]),
    ):
        rate = flops / np.array(step) / 1e9
        look = {"color": COLORS[color], "marker": "o", "linestyle": ":", "label": f"{name} step"}
        canvas.line(panel, flops / traffic, rate, f"{name} step", **look)
    canvas.panels[panel].set(
        xscale="log",
        yscale="log",
        xlabel="operations a byte",
        ylabel="Gflop/s of the dense formulation",
        xlim=(0.05, 1500),  # room for the legend
    )
    canvas.panels[panel].legend(loc="lower left")
    canvas.title(panel, "against the roofline")
