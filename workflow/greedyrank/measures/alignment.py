"""How far the singular vectors of W are those of the gradient: Arora et al. 2019, Fig. 3, right."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.spectra.alignment import means


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return the mean absolute diagonal and off-diagonal entry of U^T G V, (run, record).

    W = U S V^T, and G is the residual over the number of observations (the published panel's
    gradient, half that of the mean-squared loss). ``alignment_diagonal`` and ``alignment_other``
    take the singular vectors of W at each record; ``..._initial`` keep those of the first record,
    as a control: where the singular vectors do not turn, nothing aligns.
    """
    values, mask = runs.observed_values.to_numpy(), runs.observed_mask.to_numpy()
    shape = runs.step.shape
    names = ("alignment_diagonal", "alignment_other", "alignment_diagonal_initial", "alignment_other_initial")
    found = {name: np.full(shape, np.nan) for name in names}
    for run in range(shape[0]):
        initial = None
        matrices = runs.end_to_end[run].to_numpy().astype(np.float64)
        for record in np.flatnonzero(runs.step[run] >= 0):
            gradient = mask[run] * (matrices[record] - values[run]) / mask[run].sum()
            left, _, right = np.linalg.svd(matrices[record])
            initial = initial or (left, right.T)
            now = (*means(gradient, left, right.T), *means(gradient, *initial))
            for name, value in zip(names, now, strict=True):
                found[name][run, record] = value
    return xr.Dataset({name: (("run", "record"), array) for name, array in found.items()})
