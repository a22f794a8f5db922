"""The same training on the device and on the CPU, beside what rounding alone does to it on the CPU.

What two correct devices round differently grows while training leaves a saddle, so they part in the end. How soon a
difference in the last bits alone parts two trainings is measured: the CPU trains again from factors that are all moved
to a neighbouring number. The device passes where, up to the record at which those part, it is no more than `ALLOWED`
times as far from the CPU as they are, or as one rounding is. Products in TF32 or bfloat16 are some thousand roundings
off at once, and a wrong formula is further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from greedyrank.benchmarks import device_parity
from greedyrank.benchmarks.gpu_proof import problems
from greedyrank.benchmarks.gpu_proof.report import Options, Report
from greedyrank.config.sweeps import Slice
from greedyrank.plugins import plugin
from greedyrank.training import devices
from greedyrank.training.loop import Training

ALLOWED = 100.0
DRAWS = 3  # of directions in which factors are moved
STEPS = {"binary_cp": 100, "autoencoder": 20}  # a step of the autoencoder is slow on one thread
STEPS_OF_OTHERS = 400
SHARE_OF_SMOKE = 10
# Shares of a few images jump when one prediction crosses a threshold.
LEFT_OUT = "accuracy"


def neighbours(factors, dtype: str, rng: np.random.Generator):
    """Return arrays, in lists and tuples as they came, with every entry moved to a neighbouring number of a dtype."""
    if isinstance(factors, (list, tuple)):
        return type(factors)(neighbours(part, dtype, rng) for part in factors)
    array = factors.astype(dtype)
    return np.nextafter(array, rng.choice([-np.inf, np.inf], array.shape).astype(dtype))


def records(slice_: Slice, data: list[dict], device: str, moved: int | None = None) -> dict[str, np.ndarray]:
    """Train a slice and return its invariants; ``moved`` is the seed of the directions, if factors are moved."""
    factorization = plugin("factorizations", slice_.factorization)
    initial, rng = factorization.initial, np.random.default_rng(moved)

    def drawn(run: dict):
        return initial(run) if moved is None else neighbours(initial(run), run["dtype"], rng)

    with mock.patch.object(factorization, "initial", drawn):
        found = Training(slice_, problems.stepper(slice_, data, device)).run()
    return {"step": found["step"], **device_parity.invariants(found)}


def verdict(device: np.ndarray, alone: np.ndarray, dtype: str) -> dict:
    """Compare, for one invariant, the differences of the device with those of rounding alone, record by record.

    Parameters
    ----------
    device, alone : ndarray
        Largest relative differences from the CPU, (records,).
    dtype : str
        Precision of the training.

    Returns
    -------
    dict
        ``ratio``: the largest of the device's differences over what is expected; ``passed``: whether it is
        at most `ALLOWED`; ``device_parts`` and ``rounding_parts``: the first record above
        `device_parity.tolerance`, or None.
    """
    allowed = device_parity.tolerance(dtype)
    parts = [int(np.argmax(found > allowed)) if (found > allowed).any() else None for found in (device, alone)]
    compared = slice(parts[1])  # all, where rounding alone never parts
    expected = np.maximum(np.maximum.accumulate(alone), np.finfo(dtype).eps)[compared]
    ratio = float((device[compared] / expected).max(initial=0.0))
    return {"ratio": ratio, "passed": ratio <= ALLOWED, "device_parts": parts[0], "rounding_parts": parts[1]}


def compare(slice_: Slice, data: list[dict], device: str) -> dict:
    """Train a slice on the CPU, on the device, and from moved factors, and return the verdicts of all invariants."""
    cpu, ours = records(slice_, data, "cpu"), records(slice_, data, device)
    moved = [records(slice_, data, "cpu", moved=seed) for seed in range(DRAWS)]
    return verdicts(ours, cpu, moved, slice_.runs[0]["dtype"])


def verdicts(ours: dict, theirs: dict, moved: list[dict], dtype: str) -> dict:
    """Compare two trainings, of which the second is the reference, with trainings of it from moved factors.

    Parameters
    ----------
    ours, theirs : dict
        What `records` returned.
    moved : list of dict
        The same for the reference, its factors moved.
    dtype : str
        Precision of the training.

    Returns
    -------
    dict
        ``steps``, and ``invariants``: what `verdict` returns, and the first and the largest differences, of each.
    """
    steps = theirs["step"][0]
    rows = {}
    for name in theirs.keys() - {"step"}:
        if LEFT_OUT in name:
            continue
        alone = np.max([device_parity.differences(found[name], theirs[name]) for found in moved], axis=0)
        found = device_parity.differences(ours[name], theirs[name])
        row = verdict(found, alone, dtype)
        for key in ("device_parts", "rounding_parts"):
            row[key] = None if row[key] is None else int(steps[row[key]])
        rows[name] = row | {
            "device_first": float(found[0]),
            "device_largest": float(found.max()),
            "rounding_largest": float(alone.max()),
        }
    return {"steps": int(steps[-1]), "invariants": rows}


def pairs(smoke: bool) -> Iterator[tuple[str, str, str]]:
    """Yield the factorization, optimiser and precision of every comparison."""
    for dtype in ("float32",) if smoke else ("float32", "float64"):
        for factorization in problems.SMALL:
            for optimizer in problems.OPTIMIZERS[:1] if smoke else problems.OPTIMIZERS:
                yield factorization, optimizer, dtype
    for factorization in problems.SMALL_IMAGES:
        yield factorization, "adam", "float32"


def _first(rows: dict, key: str) -> int | None:
    return min((row[key] for row in rows.values() if row[key] is not None), default=None)


def _one(report: Report, name: str, slice_: Slice, load: Callable, device: str, steps: int) -> None:
    """Compare one slice, and add its row and its verdict."""
    short = device_parity.shortened(slice_, steps)
    try:
        found = compare(short, [load(run) for run in short.runs], device)
    except Exception as error:
        report.check(name, False, f"{type(error).__name__}: {str(error)[:300]}")
        return
    rows = found["invariants"]
    worst = max(rows, key=lambda invariant: rows[invariant]["ratio"])
    row = {
        "name": name,
        "device_parts": _first(rows, "device_parts"),
        "rounding_parts": _first(rows, "rounding_parts"),
        "worst": worst,
        "ratio": rows[worst]["ratio"],
        **found,
    }
    report.append("pairs", row)
    report.check(
        name,
        all(row["passed"] for row in rows.values()),
        f"parts at step {row['device_parts']}, rounding alone at {row['rounding_parts']}, of {row['steps']};"
        f" {row['ratio']:.2g} times rounding alone in {worst}",
    )


def run(report: Report, options: Options) -> None:
    """Compare every factorization with every optimiser, and the image step in both of its forms."""
    devices.prepare(options.device)
    report.set(allowed=ALLOWED)
    data_dir = Path("data")
    with problems.image_data(data_dir, train=1000, test=200) as source:
        report.set(images=source)
        for factorization, optimizer, dtype in pairs(options.smoke):
            name = f"{factorization}, {optimizer}, {dtype}"
            if options.time_left() < 3:
                report.not_run(name, "no time left")
                continue
            slice_ = problems.small(factorization, optimizer, dtype)
            steps = STEPS.get(factorization, STEPS_OF_OTHERS) // (SHARE_OF_SMOKE if options.smoke else 1)
            _one(report, name, slice_, problems.loader(slice_, data_dir), options.device, steps)
        name = "binary_cp, adam, float32, split products"
        if options.device == "cuda":
            slice_ = problems.small("binary_cp", "adam", "float32")
            with problems.products(split=True):
                _one(report, name, slice_, problems.loader(slice_, data_dir), options.device, STEPS["binary_cp"])
        else:
            report.not_run(name, "needs a GPU")
    done = report.content.get("pairs", [])
    earlier = [
        row["name"]
        for row in done
        if row["device_parts"] is not None and row["device_parts"] < (row["rounding_parts"] or float("inf"))
    ]
    report.set(
        summary=f"{len(done)} pairs; {len(earlier)} part earlier than rounding alone; at most"
        f" {max((row['ratio'] for row in done), default=0.0):.2g} times as far ({ALLOWED:.0f} allowed)"
    )
