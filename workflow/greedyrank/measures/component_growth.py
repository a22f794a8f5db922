"""Growth rates of component norms, component by component."""

from __future__ import annotations

import numpy as np
import xarray as xr

from greedyrank.measures.component_norms import LARGEST


def measure(runs: xr.Dataset) -> xr.Dataset:
    """Return one-step growth of the components that end largest, each followed by its index.

    Each (run, growth, component): ``growth_sigma`` and ``growth_gamma`` at a step, and
    ``growth_rate``, the increment over that one step divided by its effective learning rate (flow
    time). Also ``growth_step`` and ``growth_time``, the flow time in the middle of the step, during which
    gradient descent keeps gamma, (run, growth). Razin, Maman & Cohen 2021, section 4.
    """
    norms = runs.growth_component_norm.transpose("run", "growth", "offset", "component").to_numpy()
    gamma = runs.growth_component_gamma.transpose("run", "growth", "offset", "component").to_numpy()
    times = runs.growth_flow_time.to_numpy()
    steps = runs.growth_step.to_numpy()[..., 0]
    last = (steps >= 0).sum(axis=1) - 1
    largest = np.argsort(-norms[np.arange(len(norms)), last, -1], axis=-1)[:, :LARGEST]

    def chosen(array: np.ndarray) -> np.ndarray:
        return np.take_along_axis(array, largest[:, None], axis=-1)

    rate = chosen(norms[:, :, -1] - norms[:, :, 0]) / (times[..., -1] - times[..., 0])[..., None]
    dims = ("run", "growth", "component")
    found = {"growth_rate": rate, "growth_sigma": chosen(norms[:, :, 0]), "growth_gamma": chosen(gamma[:, :, 0])}
    clock = {"growth_step": (dims[:2], steps), "growth_time": (dims[:2], (times[..., 0] + times[..., -1]) / 2)}
    return xr.Dataset({**{name: (dims, array) for name, array in found.items()}, **clock})
