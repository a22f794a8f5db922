"""Claims of the figures of Chou et al. 2020, on runs written down by hand."""

import numpy as np
import pytest
import xarray as xr

from chou_2020.effective_rank_early_stopping.statistics import interval
from chou_2020.effective_rank_plateaus import recovery_draws
from greedyrank.theory import recovery_times
from hand_made import holds, runs, table_test, untested

POSITIVE = [10.0, 7.0, 5.0, 3.0]
NEGATIVE = [10.0, 7.0, 5.0, -5.0]


def spectrum(made, name, values):
    """Add the same eigenvalues to each run."""
    return made.assign({name: (("run", "eigenvector"), np.tile(values, (made.sizes["run"], 1)))})


def staircase(*levels):
    """Return runs whose effective rank falls from 4 to the first of each one's levels, and rests at all of them."""
    steps = np.r_[0, 2 ** np.arange(15)]
    ranks = []
    for run in levels:
        rests = np.repeat([4.0, *run], [1, *[4] * (len(run) - 1), 16 - 1 - 4 * (len(run) - 1)])
        ranks.append(rests)
    made = runs({"depth": 3}, nuclear_rank=ranks, step=np.tile(steps, (len(levels), 1)))
    return spectrum(made, "target_eigenvalue", NEGATIVE)


def stopped(errors, rank_at_best=2.2):
    """Return one run of these errors to the truth, whose best approximation of rank 3 has the error 0.1."""
    ranks = np.linspace(4, 3, len(errors))
    ranks[np.argmin(errors)] = rank_at_best
    made = runs({"depth": 3}, relative_error=[errors], nuclear_rank=[ranks])
    return made.assign(low_rank_error=(("run", "rank"), [[1.0, 0.8, 0.5, 0.1, 0.2]]))


def along_an_interval(errors):
    """Return a run with five errors: at 1/3 and 0.8 of the start of an interval, at its start, within, and at its end.

    It is the predicted interval of rank 3 of eigenvalues that are seen.
    """
    settings = {"depth": 3, "layer_alpha": 0.1, "learning_rate": 2e-3}
    made = spectrum(runs(settings, relative_error=[errors]), "observed_eigenvalue", [10.0, 7.0, 5.0, 0.5])
    start, end = interval(made.isel(run=0), 3, 0.05)
    return made.assign(step=(("run", "record"), [[start / 3, 0.8 * start, start + 1, (start + end) / 2, end - 1]]))


def inside_intervals(off):
    """Return a run whose effective rank is off its predicted heights by a factor, inside the intervals."""
    settings = {"depth": 3, "layer_alpha": 0.1, "learning_rate": 6.5e-5}
    intervals = recovery_times.rank_intervals(POSITIVE, 3, 0.1, 6.5e-5, 0.05)
    heights = recovery_times.plateau_heights(POSITIVE)
    steps, ranks = [0.0], [4.0]
    for (start, end), height in zip(intervals, heights, strict=True):
        steps.append(start + 1 if np.isinf(end) else (start + end) / 2)
        ranks.append(off * height)
    return spectrum(runs(settings, nuclear_rank=[ranks], step=[steps]), "target_eigenvalue", POSITIVE)


def of_rate(rate):
    """Return a run of depth 3 with a step size, for its intervals."""
    settings = {"depth": 3, "layer_alpha": 0.1, "learning_rate": rate}
    return spectrum(runs(settings, nuclear_rank=[[4.0]]), "target_eigenvalue", POSITIVE)


def recovering(half_times, widths):
    """Return runs of depth 2 and more in which an eigenvalue of 10 comes at these steps, in so many steps."""
    steps = np.arange(2001.0)
    learned = [10 / (1 + np.exp(-(steps - half) / width)) for half, width in zip(half_times, widths, strict=True)]
    depths = np.arange(2, 2 + len(half_times))
    made = runs({"depth": depths}, learned_eigenvalue=np.array(learned)[:, :, None]).rename(component="eigenvector")
    return spectrum(made, "target_eigenvalue", [10.0])


def lagging(lead):
    """Return a run whose descent is ahead of the flow of the eigenvalue 10 by a share of it, while that speeds up."""
    flow = np.array([0.1, 1.0, 3.0, 9.0, 10.0])  # fastest at 4, for depth 3
    learned = flow + 10 * np.where(flow < 4, lead, 0.1)
    made = runs({"depth": 3}, learned_eigenvalue=learned[None, :, None], flow_eigenvalue=flow[None, :, None])
    return spectrum(made.rename(component="eigenvector"), "target_eigenvalue", [10.0])


def deviating(power, size=1.0):
    """Return runs of five step sizes whose deviation from the flow is a power of them."""
    rates = 2.0 ** -np.arange(5)
    return runs({"depth": 3, "data_seed": 0, "learning_rate": rates}, flow_deviation=size * rates**power)


def learned_in_the_end(value):
    """Return a run with what it learned of the smallest of two eigenvalues at its last record."""
    made = runs({}, learned_eigenvalue=[[[0.0, 0.0], [10.0, value]]])
    return made.rename(component="eigenvector")


PICTURE = [410, 660, 905, 1095, 1205, 1275, 1308, 1315]
NARROWING = 60 / np.arange(2, 10)
GOOD = (1.0, 1.7, 2.2, 2.7)
CASES = {
    "effective_rank_plateaus.rests_at_one": (staircase(GOOD), staircase((1.02, 1.7, 2.2, 2.7))),
    "effective_rank_plateaus.rests_at_1_7": (staircase(GOOD), staircase(GOOD, (1.0, 1.6, 2.2, 2.7))),
    "effective_rank_plateaus.rests_at_2_2": (staircase(GOOD), staircase(GOOD, (1.0, 1.7, 2.7))),
    "effective_rank_plateaus.ends_at_2_7": (staircase(GOOD), staircase((1.0, 1.7, 2.2, 2.69))),
    "effective_rank_plateaus.monotone_after_the_minimum": (
        staircase(GOOD),
        staircase((1.0, 1.7, 1.69, 2.2)),
    ),
    "effective_rank_plateaus.near_its_height_in_every_interval": (inside_intervals(1.04), inside_intervals(1.06)),
    "effective_rank_plateaus.intervals_need_small_steps": (of_rate(6.5e-5), of_rate(6.5e-3)),
    "effective_rank_random_init.depth_three_rests": (staircase(GOOD), staircase(GOOD, (1.0, 1.7, 2.23, 2.7))),
    "effective_rank_random_init.depth_four_may_skip": (
        staircase(*[GOOD] * 39, (1.0, 1.95, 2.2, 2.7)),
        staircase(*[GOOD] * 40),
    ),
    "effective_rank_random_init.depth_two_does_not_fall_to_one": (
        staircase((1.15, 1.7), (1.17, 1.7), (1.0, 1.7)),
        staircase((1.02, 1.7), (1.03, 1.7), (1.17, 1.7)),
    ),
    "effective_rank_early_stopping.best_at_the_rank_of_the_truth": (
        stopped([1.0, 0.1, 0.2]),
        stopped([1.0, 0.1, 0.2], rank_at_best=2.5),
    ),
    "effective_rank_early_stopping.as_good_as_truncation": (stopped([1.0, 0.105, 0.2]), stopped([1.0, 0.12, 0.2])),
    "effective_rank_early_stopping.fitting_the_noise_is_worse": (stopped([1, 0.1, 0.16]), stopped([1, 0.1, 0.12])),
    "effective_rank_early_stopping.any_step_of_the_interval": (
        along_an_interval([1.0, 0.10, 0.105, 0.10, 0.109]),
        along_an_interval([1.0, 0.10, 0.105, 0.12, 0.109]),
    ),
    "effective_rank_early_stopping.best_near_the_interval": (
        along_an_interval([1.0, 0.10, 0.11, 0.12, 0.13]),
        along_an_interval([0.09, 0.10, 0.11, 0.12, 0.13]),
    ),
    "effective_rank_sensing.recovers_from_enough": (stopped([1.0, 0.04]), stopped([0.04, 0.06])),
    "effective_rank_sensing.identical_recovers_the_negative": (learned_in_the_end(-4.8), learned_in_the_end(-4.7)),
    "eigenvalue_recovery.half_times": (
        recovering(PICTURE, NARROWING),
        recovering([410, 660, 905, 1095, 1205, 1275, 1308, 1340], NARROWING),
    ),
    "eigenvalue_recovery.deeper_is_later": (
        recovering([400, 600, 610], [9, 9, 9]),
        recovering([400, 600, 590], [9] * 3),
    ),
    "eigenvalue_recovery.deeper_is_faster": (
        recovering([400, 600, 700], [30, 20, 10]),
        recovering([400, 600, 700], [30, 20, 21]),
    ),
    # 10 / (1 + exp(-0.5)) = 6.22
    "eigenvalue_recovery.depth_one_at_1000": (recovering([950], [100]), recovering([980], [100])),
    "flow_vs_gd.first_order": (deviating(1.0), deviating(1.1)),
    "flow_vs_gd.deviation_at_the_limit": (deviating(0.0, size=0.1), deviating(1.0, size=0.1)),
    "flow_vs_gd.lags_while_speeding_up": (lagging(-0.01), lagging(0.001)),
    "flow_vs_gd.rounding_learns_the_negative": (learned_in_the_end(-5.001), learned_in_the_end(-4.9)),
}
DRAWN = ("effective_rank_plateaus.within_the_bound", "effective_rank_plateaus.bound_of_decay_is_sharp")

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


@pytest.mark.parametrize(("steps", "within", "sharp"), [(100, True, True), (80, True, False), (101, False, False)])
def test_claims_on_random_recoveries(steps, within, sharp, monkeypatch):
    """Of three recoveries whose bound is 99.5 steps, one of them of another case of the theorem, at any depth."""
    drawn = {"case": ["negative", "negative", "late"], "bound": [99.5] * 3, "steps": [steps, steps, 50.0]}
    made = xr.Dataset({name: ("draw", values) for name, values in drawn.items()})
    monkeypatch.setattr(recovery_draws, "draw", lambda depths, draws, seed: made)
    assert [holds(claim, runs({"depth": [2, 3]}, nuclear_rank=[[1.0], [1.0]])) for claim in DRAWN] == [within, sharp]


def test_every_statistic_has_a_case():
    assert untested("chou_2020", [*CASES, *DRAWN]) == []
