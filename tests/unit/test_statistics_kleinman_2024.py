"""For each claim of Kleinman et al. 2024: runs on which it holds, and runs on which it must fail."""

import numpy as np

from hand_made import runs, table_test, untested


def errors(*squared, **settings):
    """Return runs by the errors at their ends; ``settings`` are lists with one value for each run."""
    return runs(settings, relative_squared_error=[[1.0, error] for error in squared])


def by_length(*rows, depths=(2,), lengths=(1, 20001)):
    """Return runs by their errors, row by row a data seed: the lengths of the deficit, for each depth in turn."""
    count = len(depths) * len(lengths)
    return errors(
        *np.ravel(rows),
        data_seed=np.repeat(np.arange(len(rows)), count),
        depth=np.tile(np.repeat(depths, len(lengths)), len(rows)),
        deficit_steps=np.tile(lengths, len(rows) * len(depths)),
    )


NUMBERS = (1500, 2000, 3000, 4000)


def by_observations(*rows, lengths=(1, 20001)):
    """Return runs by their errors, row by row a data seed: the numbers of observations, for each length in turn."""
    return errors(
        *np.ravel(rows),
        data_seed=np.repeat(np.arange(len(rows)), 4 * len(lengths)),
        deficit_steps=np.tile(np.repeat(lengths, 4), len(rows)),
        observations=np.tile(NUMBERS, len(rows) * len(lengths)),
    )


def late(*pairs):
    """Return runs by their errors: for each data seed after an early and after a late deficit."""
    seeds = np.repeat(np.arange(len(pairs)), 2)
    return errors(*np.ravel(pairs), data_seed=seeds, deficit_start=[0, 30000] * len(pairs))


def spectra(*counts):
    """Return runs with so many singular values above 0.5 at the end."""
    ends = [np.where(np.arange(10) < count, 0.6, 0.4) for count in counts]
    return runs({}, singular_value=[[np.zeros(10), end] for end in ends])


BEFORE = (2e-2, 1e-3, 1e-5, 1e-6)
CASES = {
    "critical_periods.depth_3_recovers": (errors(1e-4, 9e-3), errors(1e-4, 2e-2)),
    "critical_periods.depth_1_unaffected": (
        by_length((0.8, 0.801, 0.8015), (0.7, 0.7, 0.7), depths=[1], lengths=[1, 1001, 40001]),
        by_length((0.8, 0.801, 0.8015), (0.7, 0.703, 0.7), depths=[1], lengths=[1, 1001, 40001]),
    ),
    "critical_periods.deficit_harms": (
        by_length((0.01, 0.07, 0, 0.06), depths=(2, 3)),
        by_length((0.01, 0.9, 0, 0.04), depths=(2, 3)),
    ),
    "critical_periods.deeper_is_harmed_more": (
        by_length((0.1, 0.6, 0, 0.7), (0, 0.5, 0.1, 0.8), depths=(2, 3), lengths=(1, 40001)),
        by_length((0.1, 0.6, 0, 0.7), (0, 0.6, 0.1, 0.8), depths=(2, 3), lengths=(1, 40001)),
    ),
    "critical_subset.short_subset_harms_depth_2": (
        by_length((0.01, 0.07), (0.1, 0.4), lengths=(1, 5001)),
        by_length((0.01, 0.07), (0.1, 0.14), lengths=(1, 5001)),
    ),
    "critical_periods.deficit_leaves_components": (spectra(8, 10), spectra(8, 7)),
    "critical_periods.observations_help": (
        by_observations((*BEFORE, 2, 0.4, 0.1, 0.05), (*BEFORE, 1, 0.5, 0.2, 0.01)),
        by_observations((*BEFORE, 2, 0.4, 0.1, 0.05), (*BEFORE, 1, 0.5, 0.4, 0.01)),
    ),
    "critical_periods.observations_help.control": (
        by_observations((1, 1, 1, 1, 2000, 200, 20, 2)),
        by_observations((*BEFORE, 2, 0.4, 0.1, 0.05)),
    ),
    "critical_periods.recovery_needs_more_observations": (
        by_observations((2, 0.3, 5e-3, 1e-3), (2, 0.02, 9e-3, 1e-3), lengths=[20001]),
        by_observations((2, 0.3, 5e-3, 1e-3), (2, 0.02, 0.02, 1e-3), lengths=[20001]),
    ),
    "critical_periods.late_deficit_worse_at_depth_3": (
        late((0.4, 0.5), (0.3, 0.8), (0.1, 0.2)),
        late((0.4, 0.5), (0.3, 0.4), (0.1, 0.2)),
    ),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_is_tried():
    assert untested("kleinman_2024", CASES) == []
