"""Training from a notebook: the runs of an experiment, measured, on labelled axes."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from threadpoolctl import threadpool_limits

from greedyrank import plugins
from greedyrank.api import factors as final_factors
from greedyrank.api import labels
from greedyrank.api.experiment import experiment
from greedyrank.api.measuring import Measure, Measuring, check_names
from greedyrank.api.watching import WatchedTraining, progress_bar
from greedyrank.config.settings.base import (
    BaselineSettings,
    FactorizationSettings,
    OptimizerSettings,
    ProblemSettings,
)
from greedyrank.config.settings.training import Finish, Growth, Record, Stop
from greedyrank.config.sweeps import Slice
from greedyrank.errors import UserError
from greedyrank.spectra import extraction
from greedyrank.training import devices, on_gpu, variants


def train(
    problem: ProblemSettings,
    factorization: FactorizationSettings,
    optimizer: OptimizerSettings,
    *,
    stop: Stop,
    record: Record,
    seeds: Iterable[int] = (),
    axes: Mapping[str, Sequence] | None = None,
    cases: Sequence[Mapping[str, Any]] = (),
    measure: Measure | Sequence[Measure] = (),
    baseline: BaselineSettings | None = None,
    dtype: str = "float32",
    growth: Growth | None = None,
    finish: Finish | None = None,
    batch_size: int | None = None,
    order_seed: int = 0,
    device: str = "cpu",
    data_dir: str | Path = "data",
    factors: bool = False,
    progress: bool | None = None,
) -> xr.Dataset:
    """Train all runs of an experiment, and measure them.

    The settings, and what they mean, are those of a sweeps.yaml. A run is the same numbers, bit for bit, as the
    pipeline's run of the same settings on the same kind of processor: it trains on one thread, as a job does, and all
    randomness comes from its seeds. Nothing that is passed is changed, and no file is written.

    Parameters
    ----------
    problem, factorization, optimizer : settings
        What is looked for, how it is parametrized, how the parameters move.
    stop, record : Stop, Record
        When a run ends, and when it is recorded.
    seeds : iterable of int
        Repetitions. Each sets the seeds of the problem (``data_seed``) and of the initial factors (``seed``), except
        one that the settings, or an axis, set already.
    axes : mapping
        Settings that are crossed with each other and with the seeds, by their names: lists of values.
    cases : sequence of mapping
        Settings that vary together; a list in a case stands for several cases.
    measure : str, function, or sequence of them
        Names of measures, modules of greedyrank/measures, and functions of one's own from a data set of runs, with
        dimensions ``run`` and ``record``, to a data set.
    baseline : settings, optional
        What runs are compared with, such as ``MinimumNuclearNorm()``; some measures need it.
    dtype : {"float32", "float64"}
        Precision of the whole step.
    growth, finish : Growth, Finish, optional
        Stencils for growth rates; steps after the end with smaller learning rates.
    batch_size, order_seed : int, optional
        Images a step, and the seed of their order, for problems on images.
    device : {"cpu", "cuda"}
        Where to train.
    data_dir : path
        The folder of images and ratings, for problems that need them.
    factors : bool
        Whether to return the final parameters of the factorization too, as ``parameter0``, ``parameter1``, ...; NaN
        beyond the parameters of a run that has fewer, or smaller ones, than another.
    progress : bool, optional
        Whether to show a bar; by default in a terminal and in a notebook.

    Returns
    -------
    Dataset
        Dimensions: one for each axis, ``case``, ``seed`` and ``record``, as far as there are several; then those of
        each variable. Coordinates ``step`` and ``flow_time``; ``loss``; ``stop_step``, where a run ended, or -1; what
        problem and factorization record, such as ``end_to_end`` and ``relative_error``; the measures, a single one
        under the name that was asked for. Records after the end of a run are NaN. ``attrs["result"]`` is "finished",
        or "interrupted" where the user interrupted: then the data set has what was recorded until then.

    Raises
    ------
    UserError
        For a wrong argument, naming it, its value and what is allowed; and for a run whose loss is no number.

    Examples
    --------
    >>> import greedyrank as gr
    >>> runs = gr.train(
    ...     gr.Completion(shape=(8, 8), target_rank=1, target_norm=8, observations=40),
    ...     gr.DeepMatrix(depth=2, product_std=1e-3),
    ...     gr.GD(learning_rate=0.1),
    ...     stop=gr.Stop(max_steps=1000),
    ...     record=gr.Record(every=100),
    ...     axes={"depth": [2, 3]},
    ...     measure=["singular_values"],
    ... )
    >>> runs.singular_values.dims
    ('depth', 'record', 'component')
    >>> int((runs.singular_values.sel(depth=3)[-1] > 0.1).sum())
    1
    """
    made = experiment(
        problem,
        factorization,
        optimizer,
        seeds=seeds,
        axes=axes,
        cases=cases,
        baseline=baseline,
        stop=stop,
        record=record,
        dtype=dtype,
        growth=growth,
        finish=finish,
        batch_size=batch_size,
        order_seed=order_seed,
    )
    if device not in ("cpu", "cuda"):
        raise UserError(f"device is {device!r}; allowed: cpu, cuda")
    measures = [measure] if isinstance(measure, str) or callable(measure) else [*measure]
    check_names(measures)
    described = devices.prepare(device)
    with one_thread():
        measuring = Measuring(made, measures, Path(data_dir))
        train_group = functools.partial(_train_group, measuring=measuring, device=device, factors=factors)
        measuring.check_data()
        measuring.try_out(train_group)
        groups, which, finished = list[xr.Dataset](), list[int](), True
        with progress_bar(made.steps, progress) as bar:
            for indices in made.whole.groups():
                try:
                    runs, finished = train_group(made.group(indices), bar=bar)
                except KeyboardInterrupt:
                    if not groups:
                        raise
                    finished = False
                else:
                    groups.append(runs)
                    which += indices
                if not finished:
                    break
        measured = measuring.measured(groups, which)
    found = labels.with_steps(labels.on_axes(measured, made.dims, made.case_settings, which))
    result = "finished" if finished else "interrupted"
    return found.assign_attrs(labels.provenance_of(made.whole.to_json(), described, result))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, as jobs do: sums of more threads are rounded otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _train_group(group: Slice, bar: Any, measuring: Measuring, device: str, factors: bool) -> tuple[xr.Dataset, bool]:
    """Return the records of the runs of one group, and whether they are whole."""
    data = [measuring.data_of(run) for run in group.runs]
    stepper = variants.make_stepper(on_gpu.suited(group, device), data, device)
    training = WatchedTraining(group, stepper, bar)
    arrays = training.run()
    model = plugins.plugin("factorizations", group.factorization).Model
    runs = extraction.dataset(arrays, {**measuring.problem.Problem.axes, **model.axes})
    if factors and not training.interrupted:
        runs = labels.with_parameters(runs, final_factors.of_runs(stepper, group.runs))
    return runs, not training.interrupted
