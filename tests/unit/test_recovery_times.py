"""Full estimation, Chou et al. 2020: limits and bounds of the theorems against descent and flow themselves."""

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, optimize

from chou_2020.common import resting_value
from chou_2020.effective_rank_plateaus import recovery_draws
from greedyrank.problems import completion
from greedyrank.theory import recovery_times, step_limits

# -- step limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 9])
def test_perturbation_factor_is_the_root(depth):
    root = optimize.brentq(lambda c: (c - 1) * c ** (depth - 1) - 1, 1, 2)
    assert step_limits.perturbation_factor(depth) == pytest.approx(root, rel=1e-12)


LIMITS = {  # by hand from the theorems, for eigenvalues of size at most 10
    "two, positive": ([10.0, 7.0], 2, 0.0, 1 / (4 * 10)),
    "three, positive": ([10.0, 0.0], 3, 0.0, 1 / (6 * 10 ** (4 / 3))),
    "three, any sign": ([7.0, -10.0], 3, 0.0, 1 / (7 * 10 ** (4 / 3))),
    "two, perturbed": ([10.0, -5.0], 2, 0.01, 1 / (18 * (1 + 5**0.5) ** 2 / 4 * 10)),
    "nine, positive": ([10.0], 9, 0.0, 1 / (18 * 10 ** (16 / 9))),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limit(name):
    eigenvalues, depth, beta, expected = LIMITS[name]
    assert step_limits.limit(eigenvalues, depth, 0.1, beta) == pytest.approx(expected, rel=1e-12)


def test_a_large_init_lowers_the_limit():
    assert step_limits.limit([1.0], 3, 2.0) == pytest.approx(1 / (6 * 2.0**4))


ESTIMATION = {
    "observations": 16, "loss": "half_sum", "target_rank": None, "target_norm": None,
    "target_spectrum": [10.0, 7.0, 5.0, -5.0], "depth": 3, "product_std": None, "layer_alpha": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"observations": 15},
        {"loss": "mean"},
        {"replacement": True},
        {"depth": 1},
        {"layer_alpha": None, "product_std": 0.1},
        {"target_spectrum": None, "target_rank": 2, "target_norm": 2.0},
    ],
)
def test_no_limit_where_the_theorems_say_nothing(run_settings, change):
    (covered,) = run_settings("deep_matrix", **ESTIMATION)
    assert step_limits.of_run(covered) == pytest.approx(1 / (7 * 10 ** (4 / 3)))
    (other,) = run_settings("deep_matrix", **{**ESTIMATION, **change})
    assert step_limits.of_run(other) is None


def test_the_limit_of_a_product_init(run_settings):
    (run,) = run_settings("deep_matrix", **{**ESTIMATION, "layer_alpha": None, "identity_scale": 8000.0})
    assert step_limits.of_run(run) == pytest.approx(1 / (7 * 20.0**4))


# -- times ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize(("eigenvalue", "start", "end"), [(10.0, 0.1, 1.2), (1.0, 1.5, 1.1), (-3.0, 0.8, 0.2)])
def test_flow_time_is_that_of_the_flow(depth, eigenvalue, start, end):
    def arrives(_, d):
        return d[0] - end

    arrives.terminal = True

    def velocity(_, d):
        return d ** (depth - 1) * (eigenvalue - d**depth)

    flow = integrate.solve_ivp(velocity, (0, 1e3), [start], events=arrives, rtol=1e-10, atol=1e-12)
    assert recovery_times.flow_time(eigenvalue, depth, start, end) == pytest.approx(flow.t_events[0][0], rel=1e-7)


def test_flow_time_closed_form():
    # d/dx ln(x^2 / (lambda - x^2)) / (2 lambda) = 1 / (x (lambda - x^2))
    x = np.array([0.1, 2.0])
    low, high = np.log(x**2 / (10 - x**2)) / 20
    assert recovery_times.flow_time(10.0, 2, *x) == pytest.approx(high - low, rel=1e-10)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_decay_time_is_the_integral(depth):
    expected, _ = integrate.quad(lambda x: x ** (1 - depth), 0.2, 0.9)
    assert recovery_times.decay_time(depth, 0.9, 0.2) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("eigenvalue", [10.0, -2.0])
def test_eigenvalue_flow_closed_form(eigenvalue):
    # Depth 2: x = d^2 is logistic, x' = 2 x (lambda - x).
    times = np.linspace(0, 1, 30)
    growth = np.exp(2 * eigenvalue * times)
    expected = 0.01 * eigenvalue * growth / (eigenvalue + 0.01 * (growth - 1))
    np.testing.assert_allclose(recovery_times.eigenvalue_flow(eigenvalue, 2, 0.1, times), expected, rtol=1e-8)


def test_the_flow_is_fastest_at_its_share():
    d = np.linspace(0.1, 10 ** (1 / 3), 100_000)
    fastest = d[np.argmax(d**2 * (10 - d**3))]
    assert fastest**3 / 10 == pytest.approx(recovery_times.fastest_share(3), rel=1e-3)


# -- the bound --------------------------------------------------------------------------------------


def test_cases_of_the_bound_meet():
    # Where two cases of the theorem touch, their bounds differ at most by the steps of rounding up.
    depth, alpha, rate = 3, 0.1, 1e-5
    edge = (1 - recovery_times.fastest_share(depth) ** (1 / depth)) * 10 ** (1 / depth)
    early = recovery_times.recovery_bound(10.0, depth, alpha, rate, 1.0001 * edge)
    full = recovery_times.recovery_bound(10.0, depth, alpha, rate, 0.9999 * edge)
    assert early == pytest.approx(full, rel=1e-3)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_no_draw_exceeds_the_bound(depth):
    drawn = recovery_draws.draw((depth,), 30, seed=7)
    assert sorted(set(drawn.case.values)) == sorted(recovery_times.RECOVERY_CASES)
    columns = (drawn[name].values for name in ("eigenvalue", "depth", "alpha", "tolerance", "case", "rate"))
    for eigenvalue, n, alpha, tolerance, case, rate in zip(*columns, strict=True):
        assert recovery_times.recovery_case(eigenvalue, n, alpha, tolerance) == case
        assert rate < step_limits.limit([eigenvalue], n, alpha)
        assert 0 < tolerance < abs(alpha - max(eigenvalue, 0) ** (1 / n))
    assert (drawn.steps <= np.ceil(drawn.bound)).all()


def test_recovery_steps_are_those_of_the_engine(make_slice, train):
    values, rate, alpha = [10.0, 7.0, 5.0, -5.0], 1e-3, 0.1
    small = make_slice(
        "deep_matrix",
        "gd",
        **{**ESTIMATION, "learning_rate": rate, "stop": {"max_steps": 4000}, "record": {"every": 1}},
    )
    found = train(small)
    vectors = np.linalg.eigh(completion.generate(small.runs[0])["target"])[1][:, ::-1]
    learned = np.einsum("ij,kil,lj->kj", vectors, found["end_to_end"][0], vectors)
    roots = np.cbrt(np.maximum(values, 0.0))
    tolerance = 0.05
    # For lambda < 0, d^N is compared, which is positive throughout.
    engine = [int(np.argmax(np.abs(np.cbrt(learned[:, i]) - roots[i]) <= tolerance)) for i in range(4)]
    drawn = {"depth": [3] * 4, "eigenvalue": values, "alpha": [alpha] * 4, "rate": [rate] * 4}
    bound = [recovery_times.recovery_bound(value, 3, alpha, rate, tolerance) for value in values]
    columns = {**drawn, "tolerance": [tolerance] * 4, "bound": bound}
    draws = xr.Dataset({name: ("draw", np.array(column)) for name, column in columns.items()})
    np.testing.assert_array_equal(recovery_draws.recovery_steps(draws), engine)


# -- plateaus ---------------------------------------------------------------------------------------


def test_plateau_heights_are_those_of_projections():
    values = np.array([-5.0, 7.0, 10.0, 5.0])
    np.testing.assert_allclose(recovery_times.plateau_heights(values), [1.0, 1.7, 2.2, 2.7], rtol=1e-14)


def test_intervals_shrink_to_the_flow_s():
    # As the step goes to 0 the bound keeps a factor over the flow: N = 2 loses by more than 10 / 7.
    for depth, empty in ((2, True), (4, False)):
        start, end = recovery_times.rank_intervals(np.array([10.0, 7.0, -5.0]), depth, 0.1, 1e-7, 0.05)[0]
        assert (start > end) == empty
    assert recovery_times.rank_intervals(np.array([10.0, 7.0, -5.0]), 3, 0.1, 1e-5, 0.05)[-1, 1] == np.inf


def test_intervals_of_eigenvalues_that_are_not_learned():
    intervals = recovery_times.rank_intervals(np.array([10.0, 1e-15, -1.0]), 3, 0.1, 1e-4, 0.05)
    assert intervals.shape == (1, 2)
    assert intervals[0, 1] == np.inf
    # alpha^3 = 1e-3 is more than 5 % of the second eigenvalue from the start.
    assert recovery_times.rank_intervals(np.array([10.0, 0.01]), 3, 0.1, 1e-4, 0.05)[0, 1] == 0


def test_resting_value():
    step = np.arange(2001.0)
    log = np.log(np.maximum(step, 1))
    # Falls from 3, rests at 1.02 about e^3, at 1.69 about e^5 and ends at 2.2.
    rank = 1.02 + 1.98 * np.exp(-2 * log) + 0.67 / (1 + np.exp(-12 * (log - 4))) + 0.51 / (1 + np.exp(-12 * (log - 6)))
    heights = np.array([1.0, 1.7, 2.2])
    found = [resting_value(step, rank, heights, place) for place in (1, 2, 3)]
    np.testing.assert_allclose(found, [1.02, 1.69, 2.2], atol=0.01)
    assert np.isnan(resting_value(step[:300], rank[:300], heights, 3))
