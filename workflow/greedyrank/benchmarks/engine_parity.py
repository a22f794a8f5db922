"""The same training by closed forms and by autograd, beside what rounding alone does to it.

Both compute the same numbers but for rounding. Where rounding alone parts two trainings is measured: the closed forms
train again from factors that are moved in their last place. Up to there autograd must be no more than
`greedyrank.benchmarks.gpu_proof.rounding.ALLOWED` times as far from the closed forms as those are, or as one rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from greedyrank.benchmarks import device_parity
from greedyrank.benchmarks.gpu_proof import rounding
from greedyrank.config.sweep_loader import ResolvedSweep
from greedyrank.config.sweeps import Run, Slice, choices, label, narrow
from greedyrank.training import variants
from greedyrank.training.loop import Training
from greedyrank.training.protocols import Arrays


def groups_of(sweep: ResolvedSweep, steps: int) -> Iterator[tuple[str, Slice]]:
    """Yield a name, and a few short runs, of every group of every job of a sweep."""
    for choice in choices(sweep.whole, sweep.job_per):
        job = narrow(sweep.whole, choice)
        for number, group in enumerate(job.groups()):
            runs = job.containing([job.runs[index] for index in group])
            yield f"{sweep.name}/{label(choice)}/{number}", device_parity.shortened(runs, steps)


def compare(slice_: Slice, load_data: Callable[[Run], Arrays]) -> dict[str, Any]:
    """Train a slice by both engines, and by closed forms from moved factors.

    Parameters
    ----------
    slice_ : Slice
        What `device_parity.shortened` returned.
    load_data : callable
        Gives the data of a run.

    Returns
    -------
    dict
        As `greedyrank.benchmarks.gpu_proof.rounding.verdicts`.
    """
    runs = slice_.runs
    data = [load_data(run) for run in runs]

    def records(**settings: Any) -> Arrays:
        part = slice_.containing([Run({**run, **settings}) for run in runs])
        found = Training(part, variants.make_stepper(part, data, "cpu")).run()
        return {"step": found["step"], **device_parity.invariants(found)}

    moved = [records(nudge_seed=seed) for seed in range(rounding.DRAWS)]
    return rounding.verdicts(records(engine="autograd"), records(), moved, runs[0]["dtype"])
