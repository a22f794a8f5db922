"""Claims of the figures beyond the papers, on runs written down by hand."""

import numpy as np
from scipy import integrate

from hand_made import runs, table_test, untested


def cp(power=4 / 3, factor=3):
    """Return one balanced run of order 3 whose component grows from 0.05 to 1, by factor (1 - sigma) sigma^power."""
    times = np.linspace(0, 20, 2000)
    sigma = integrate.odeint(lambda sigma, _: factor * (1 - sigma) * sigma**power, 0.05, times, rtol=1e-10).ravel()
    found = {"sigma": sigma, "gamma": 1 - sigma, "rate": factor * (1 - sigma) * sigma**power}
    stencils = {f"growth_{name}": values[None, :, None] for name, values in found.items()}
    return runs({"shape": "6x6x6", "balanced": True, "seed": 0}, growth_time=times[None], **stencils)


def ends(counts, errors):
    """Return the ends of runs from 168 and 192 entries, three data seeds each: how many components, which error."""
    sizes = [[1.0] * count + [0.0] * (10 - count) for count in np.repeat(counts, 3)]
    settings = {
        "shape": "8x8x8",
        "target_rank": 3,
        "target_norm": 1.0,
        "observations": np.repeat([168, 192], 3),
        "factor_std": 3e-3,
        "data_seed": [0, 1, 2] * 2,
    }
    return runs(settings, component_size=np.array(sizes)[:, None, :], relative_error=np.repeat(errors, 3)[:, None])


CASES = {
    "growth_law.exponents_cp": (cp(), cp(power=1.4)),
    "growth_law.integrated_cp": (cp(), cp(factor=3.3)),
    "phase_diagram.rank_cp": (
        ends([3, 3], [0.0, 0.0]),
        ends([3, 4], [0.0, 0.0]),
    ),
    "phase_diagram.recovery_cp": (
        ends([3, 3], [0.001, 0.009]),
        ends([3, 3], [0.001, 0.011]),
    ),
    # 3 (8 + 8 + 8 - 2) = 66 degrees of freedom: from 192 entries on is 2.9 of them, and never is 7.8.
    "phase_diagram.boundary_cp": (
        ends([3, 3], [0.5, 0.001]),
        ends([3, 3], [0.001, 0.5]),
    ),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("beyond", CASES) == []
