"""What the figures of oscillations share: how far singular values oscillate, and with which period."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.errors import UserError
from greedyrank.theory import edge_of_stability

LONGEST_PERIOD = 16


def spectrum(run: xr.Dataset) -> np.ndarray:
    """Return the singular values of the target of a run, the largest first."""
    return np.array([float(value) for value in str(run.target_spectrum.values).split(",")])


def over_onset(runs: xr.Dataset) -> np.ndarray:
    """Return each run's step over the onset of the oscillation of its largest singular value."""
    each = [runs.isel(run=index) for index in range(runs.sizes["run"])]
    onsets = [edge_of_stability.onset(spectrum(run)[0], int(run.depth)) for run in each]
    return runs.learning_rate.to_numpy() / np.array(onsets)


def ranges(runs: xr.Dataset) -> np.ndarray:
    """Return the oscillation range of each singular value, (runs, values): how far it moves in the last step.

    Raises
    ------
    UserError
        If the last two records of a run are not one step apart.
    """
    end = (runs.step >= 0).sum("record")
    last, before = (runs.diagonal.isel(record=end - back) for back in (1, 2))
    steps = [runs.step.isel(record=end - back).to_numpy() for back in (1, 2)]
    for final, previous in zip(*steps, strict=True):
        if final - previous != 1:
            raise UserError(
                f"there is no oscillation range: the last two records of a run are of steps {previous} and {final};"
                f" record step {final - 1} too, for example with `record: {{every: {final - 1}}}`"
            )
    found = np.abs(last - before).transpose("run", "place").to_numpy()
    return found[:, : len(spectrum(runs.isel(run=0)))] if runs.sizes["run"] else found


def _repeats(late: np.ndarray, period: int, tolerance: float) -> bool:
    return bool(np.abs(late[period:] - late[:-period]).max() <= tolerance * np.abs(late).max())


def periods(runs: xr.Dataset, tolerance: float = 1e-6) -> np.ndarray:
    """Return the period, in records, of each singular value at the end of a run, (runs, values).

    The smallest number of records after which the last ones repeat, to a relative tolerance; NaN where none up to
    `LONGEST_PERIOD` does. Records an odd number of steps apart show any period that is a power of 2.
    """
    values, steps = runs.diagonal.to_numpy(), runs.step.to_numpy()
    count, tried = len(spectrum(runs.isel(run=0))), range(1, LONGEST_PERIOD + 1)
    found = np.full((len(values), count), np.nan)
    for run, place in np.ndindex(found.shape):
        # The last record is left out: it need not be as far from the one before as these are from each other.
        late = values[run, steps[run] >= 0, place][-3 * LONGEST_PERIOD - 1 : -1]
        found[run, place] = next((period for period in tried if _repeats(late, period, tolerance)), np.nan)
    return found


def balancing_gaps(runs: xr.Dataset, first: int, second: int) -> np.ndarray:
    """Return |w_i^2 - w_j^2| of the first diagonal entries of two layers, counted from 1, (runs, records)."""
    entries = runs.layer_diagonal.isel(place=0)
    return np.abs(entries.isel(layer=first - 1) ** 2 - entries.isel(layer=second - 1) ** 2).to_numpy()
