"""Claims of Karnik et al. 2025 on runs written down by hand."""

import numpy as np

from hand_made import runs, table_test, untested
from karnik_2025.common import error_at
from karnik_2025.tubal_width.statistics import averages, first_below

ALPHAS = [1e-2, 1e-4, 1e-6, 1e-8]


def at(step, *, settings=None, **variables):
    """Return runs with two records, the second at a step; each variable has its value there, one for each run."""
    count = len(next(iter(variables.values())))
    made = {name: [[1.0, value] for value in values] for name, values in variables.items()}
    return runs({"data_seed": 0, **(settings or {})}, step=[[0, step]] * count, **made)


def tubes(step, *norms):
    """Return one run of tubal rank 2 whose singular tubes have these norms at a step."""
    values = [[np.ones(len(norms)), norms]]
    return runs({"target_tubal_rank": 2.0}, step=[[0, step]], tube_norm=values)


def first_phase(angles, errors=(1.0, 0.95, 0.5)):
    return runs({}, projection_angle=[angles], relative_error=[errors])


def widths(ratio, of=3, to=50, step=1450):
    """Return runs of two widths on the same two data seeds, the errors of one so many times those of the other."""
    settings = {"width": [of, of, to, to], "data_seed": [0, 1, 0, 1]}
    return at(step, settings=settings, relative_error=[0.02 * ratio, 0.03 * ratio, 0.02, 0.03])


def by_alpha(step, errors):
    """Return runs at four values of alpha, in no order, at each of which the median of three has such an error."""
    alphas = np.repeat(ALPHAS, 3)[::-1]
    values = np.outer(errors, [0.1, 1.0, 100.0]).ravel()[::-1]
    return at(step, settings={"tubal_alpha": alphas}, relative_error=values)


def baseline(least, final=0.01):
    return runs({}, relative_error=[[1.0, final]], least_norm_error=[least])


def reaching(step):
    return runs({}, step=[[0, 1000, step]], relative_error=[[1.0, 0.5, 0.009]])


def two_fresh(end):
    return runs({"data_seed": [1, 0]}, relative_error=[[1.0, 0.1, end], [1.0, 0.3, end]])


CASES = {
    # An angle below the level counts only as long as the error is above its own.
    "tubal_phases.first_phase_finds_the_back_projection": (first_phase([1, 0.01, 0.6]), first_phase([1, 0.03, 0.01])),
    "tubal_phases.follows_the_power_iteration": (
        at(500, projection_angle=[0.104], power_angle=[0.1]),
        at(500, projection_angle=[0.1], power_angle=[0.11]),
    ),
    "tubal_phases.second_phase_leaves_it": (at(10000, projection_angle=[0.31]), at(10000, projection_angle=[0.29])),
    "tubal_phases.second_phase_finds_the_target": (at(10000, target_angle=[9e-4]), at(10000, target_angle=[2e-3])),
    "tubal_phases.only_the_rank_of_the_target_grows": (tubes(10000, 2, 1, 1e-3), tubes(10000, 2, 1e-3, 3e-3)),
    "tubal_width.error_at_1450": (at(1450, relative_error=[0.01]), at(1450, relative_error=[0.09])),
    "tubal_width.converges": (at(4000, relative_error=[9e-4]), at(4000, relative_error=[2e-3])),
    "tubal_width.hundredth_reached": (reaching(1900), reaching(2100)),
    "tubal_width.narrow_is_slower": (widths(1.4), widths(1.2)),
    "tubal_width.wide_is_no_faster": (widths(1.09, of=400), widths(0.89, of=400)),
    "tubal_width.published_average_starts_at_a_tenth": (two_fresh(1e-4), two_fresh(0.1)),
    # The last factor alone is below 2.
    "tubal_init.smaller_init_smaller_error": (by_alpha(4000, [9, 4, 1.9, 0.9]), by_alpha(4000, [9, 4, 1.9, 1.0])),
    "tubal_init.slope": (
        by_alpha(4000, np.power(ALPHAS, 0.5)),
        by_alpha(4000, np.power(ALPHAS, 0.3)),
    ),
    "tubal_init.all_of_it_is_measured": (baseline(9e-11), baseline(2e-10)),
    "tubal_init.recovers_from_fewer": (baseline(1.0, 0.03), baseline(1.0, 0.05)),
    "tubal_init.tubal_rank_of_the_target": (tubes(1, 10, 5, 0.11, 0.09), tubes(1, 10, 5, 0.11, 0.11)),
    "tubal_init.nearer_than_least_norm": (baseline(0.5, 0.04), baseline(0.5, 0.06)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("karnik_2025", CASES) == []


def test_the_last_step_stands_for_an_error_that_is_never_reached():
    made = runs({}, step=[[0, 1000, 2000]] * 2, relative_error=[[1.0, 0.5, 0.02], [1.0, 0.01, 0.001]])
    assert first_below(made, error=0.015).tolist() == [2000, 1000]


def test_a_run_without_the_step_has_no_value():
    assert np.isnan(error_at(at(1450, relative_error=[0.02]), step=1500)).all()


def test_averages_are_over_pairs_of_seeds_in_their_order():
    """Seeds 0 and 1 fresh, of 4 tests: (e_0 + e_1 + their two ends) / 4; a last seed without a partner is left out."""
    made = runs({"data_seed": [2, 0, 1]}, relative_error=[[5.0, 5.0], [1.0, 0.2], [0.8, 0.1]])
    np.testing.assert_allclose(averages(made, 2, 4), [[(1.8 + 0.3) / 4, (0.3 + 0.3) / 4]])
