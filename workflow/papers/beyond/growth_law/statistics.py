"""Statistics of the growth-law figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from greedyrank.claims.statistics import growing, growing_stencils
from greedyrank.theory import growth_laws

FEWEST = 10  # stencils at which a component must grow, to count


def laws(runs: xr.Dataset, family: str) -> list[tuple[float, float]]:
    """Return kappa and exponent of each run; see `greedyrank.theory.growth_laws.growth_law`."""
    depths = runs.depth.values if "depth" in runs.coords else np.full(runs.sizes["run"], np.nan)
    orders = [shape.count("x") + 1 for shape in runs["shape"].values]
    return [growth_laws.growth_law(family, float(depth), order) for depth, order in zip(depths, orders, strict=True)]


def exponents(
    runs: xr.Dataset, *, family: str, start: float, learned: float, share: float, divide_by_gamma: bool = True
) -> np.ndarray:
    """Return the slope of log(rate / gamma) against log(sigma), less the theory's, of each component that grows."""
    law = laws(runs, family)
    return np.array(
        [
            np.polyfit(np.log(sigma), np.log(rate / gamma if divide_by_gamma else rate), 1)[0] - law[run][1]
            for run, _, sigma, gamma, rate in growing(runs, start=start, learned=learned, share=share)
            if len(sigma) >= FEWEST
        ]
    )


def integrated(
    runs: xr.Dataset,
    *,
    family: str,
    start: float,
    learned: float,
    share: float,
    kappa_factor: float = 1.0,
    exponent_offset: float = 0.0,
    gamma_of: int = 0,
):
    """Yield run and component index, sigma, the integrated law's sigma, and where it grows, of each component.

    The law knows sigma at the first stencil and gamma at all. The last three arguments make it wrong, for
    controls: kappa times a factor, another exponent, or gamma of the component ``gamma_of`` places further on.
    """
    law, gammas, times = laws(runs, family), runs.growth_gamma.to_numpy(), runs.growth_time.to_numpy()
    for run, component, sigma, _, _, inside in growing_stencils(runs, start=start, learned=learned, share=share):
        if inside.sum() < FEWEST:
            continue
        gamma = gammas[run, :, (component + gamma_of) % gammas.shape[2]]
        kappa, exponent = law[run]
        predicted = growth_laws.integrated_growth(
            sigma[0], gamma, times[run], kappa_factor * kappa, exponent + exponent_offset
        )
        yield run, component, sigma, predicted, inside


def integrated_errors(
    runs: xr.Dataset,
    *,
    family: str,
    start: float,
    learned: float,
    share: float,
    kappa_factor: float = 1.0,
    exponent_offset: float = 0.0,
    gamma_of: int = 0,
) -> np.ndarray:
    """Return how far the integrated law gets from the truth while each component grows.

    Relative to the larger of the two; so 1 where the law is infinite.
    """
    wrong: dict[str, Any] = {"kappa_factor": kappa_factor, "exponent_offset": exponent_offset, "gamma_of": gamma_of}
    found = []
    for _, _, sigma, predicted, inside in integrated(
        runs, family=family, start=start, learned=learned, share=share, **wrong
    ):
        error = np.abs(predicted - sigma) / np.fmax(predicted, sigma)
        found.append(np.max(np.nan_to_num(error, nan=1.0)[inside]))
    return np.array(found)
