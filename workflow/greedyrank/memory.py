"""How much memory a training job on images takes, and how much this machine has.

Only the standard library is used: the planner refuses a job before anything starts.
"""

from __future__ import annotations

import os
from pathlib import Path

PIXELS = 784
# Arrays of (images of a minibatch, columns) that a step holds: products, their weights, and one more.
BY_IMAGE = 3
# Arrays of (pixels, columns): two factors, each with its guarded copy, logarithm, gradient and Adam's two means.
BY_PIXEL = 12
# Where a container's limit stands, in either version of Linux's control groups.
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def columns(runs: list[dict]) -> int:
    """Return the columns of a job on images: the components of all its runs."""
    return sum(run["tensor_rank"] for run in runs)


def of_job(runs: list[dict]) -> int:
    """Return about how many bytes the arrays of a job on images take, its images and labels included."""
    run = runs[0]
    of_columns = columns(runs) * (BY_IMAGE * run["batch_size"] + BY_PIXEL * PIXELS)
    of_images = (run["train_size"] + run["test_size"]) * (PIXELS + len(runs))
    return (of_columns + of_images) * {"float32": 4, "float64": 8}[run["dtype"]]


def of_machine() -> int:
    """Return the bytes of memory of this machine, or of the container it is."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, LIMITS):
        if path.exists() and (limit := path.read_text().strip()).isdecimal():
            found.append(int(limit))
    return min(found)
