"""For each claim of Hariz et al. 2022: runs on which it holds, and runs on which it must fail."""

import numpy as np

from hand_made import holds, runs, table_test, untested

START = np.geomspace(1e-3, 1e-5, 10)
THREE = np.array([25.0, 10.0, 7.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-4, 1e-4, 2e-5])


def ended(*ends):
    return runs({}, component_norm=[[START, end] for end in ends])


def with_norm(index, value):
    """Return the norms of three components, with one of them changed."""
    return np.where(np.arange(10) == index - 1, value, THREE)


def last(name, *values):
    return runs({}, **{name: [[1.0, value] for value in values]})


def errors(deep, shallow, fitted, against, counts=(500, 700)):
    """Return the errors of three data seeds at two depths and two numbers of observations."""
    rows = [
        (*settings, seen, error)
        for settings, found in ((fitted, deep), (against, shallow))
        for seen, middle in zip(counts, found, strict=True)
        for error in (middle / 10, middle, 100 * middle)
    ]
    depth, std, seen, error = zip(*rows, strict=True)
    settings = {"depth": depth, "factor_std": std, "observations": seen}
    return runs(settings, relative_error=np.array(error)[:, None])


def medians(make, *words, good, bad):
    """Return three runs of which two are good, and three of which two are bad."""
    return make(*words, good, good, bad), make(*words, good, bad, bad)


CASES = {
    "deep_cp.deeper_recovers_better": (
        errors((1e-3, 1e-3), (0.1, 0.05), fitted=(3, 0.3), against=(1, 0.267)),
        errors((1e-3, 1e-2), (0.1, 0.05), fitted=(3, 0.3), against=(1, 0.267)),
    ),
    "deep_cp.every_depth_fits": medians(last, "loss", good=9e-5, bad=2e-4),
    "deep_cp.three_components": medians(ended, good=with_norm(4, 0.4), bad=with_norm(4, 0.6)),
    "deep_cp.gap_is_wide": medians(ended, good=with_norm(4, 0.2), bad=with_norm(4, 0.25)),
    "deep_cp.unlearned_stay": medians(ended, good=with_norm(10, 4e-5), bad=with_norm(10, 6e-5)),
    "deep_cp.all_recover": medians(last, "relative_error", good=9e-3, bad=2e-2),
    "deep_cp.deepest_does_not_fit": medians(last, "loss", good=2e-3, bad=5e-4),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_is_tried():
    assert untested("hariz_2022", CASES) == []


def test_depths_are_compared_at_the_numbers_of_observations_that_both_have():
    good, bad = CASES["deep_cp.deeper_recovers_better"]
    assert holds(
        "deep_cp.deeper_recovers_better", bad.isel(run=np.flatnonzero((bad.depth == 1) | (bad.observations == 500)))
    )
