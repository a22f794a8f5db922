"""Claims of Arora et al. 2019 on runs written down by hand."""

import numpy as np

from hand_made import holds, runs, table_test, untested

START = [0.1] * 10


def values(*last, at=None):
    """Return one run for each list of singular values at its last record; the first record is small."""
    return runs({}, singular_value=[[START, largest + [1.0] * (10 - len(largest))] for largest in last])


def by_depth(*errors, name, seeds=1):
    """Return runs of depths 1, 2, ..., whose error is 1 at step 0, as given at step 5000, and 0.9 of it at 20000."""
    settings = {"depth": np.arange(1, len(errors) + 1), "data_seed": 0}
    steps = [[0, 5000, 20000]] * len(errors)
    return runs(settings, step=steps, **{name: [[14.0, error, 0.9 * error] for error in errors]})


def aligned(diagonal, other, control):
    """Return one run with these means of the gradient's entries from step 100 on, and 1 and 1 at step 0."""
    found = {
        f"alignment_{part}{suffix}": [[1.0, value, value]]
        for part, value in (("diagonal", diagonal), ("other", other))
        for suffix in ("", control)
    }
    return runs({}, step=[[0, 100, 200]], **found)


def growth(factor):
    """Return a run of depth 3 whose singular values grow by a multiple of what the theorem says."""
    sigma = np.linspace(0.1, 2, 20)[None, :, None] * np.ones(10)
    predicted = 3 * sigma ** (4 / 3) * 0.5
    return runs({"depth": 3}, growth_sigma=sigma, growth_predicted=predicted, growth_rate=factor * predicted)


def ends(settings=None, **last):
    """Return runs by what they end with; their first record is far from it."""
    found = {name: [[100.0, value] for value in column] for name, column in last.items()}
    measured = {name: column for name, column in last.items() if name.startswith(("minimum_", "target_"))}
    return runs(settings or {}, **{**found, **measured})


def norms(*excess, target=10.0):
    """Return runs by their nuclear norm above a minimum of 200, where the target's is ``target`` above."""
    count = len(excess)
    return ends(
        nuclear_norm=[200.0 + value for value in excess],
        minimum_nuclear_norm=[200.0] * count,
        target_nuclear_norm=[200.0 + target] * count,
    )


def ranks(*effective, minimum=9.0):
    return ends(effective_rank=list(effective), minimum_effective_rank=[minimum] * len(effective))


def errors(*found, minimum=1.0):
    return ends(relative_squared_error=list(found), minimum_error=[minimum] * len(found))


def pairs(setting, of, over, *ratios):
    """Return, for each ratio, a data seed whose errors at two values of a setting have it."""
    settings = {
        setting: np.tile([of, over], len(ratios)),
        "product_std" if setting != "product_std" else "depth": 1e-4 if setting != "product_std" else 2,
        "data_seed": np.repeat(np.arange(len(ratios)), 2),
    }
    return ends(settings, relative_squared_error=[value for ratio in ratios for value in (ratio, 1.0)])


def ratings(first, second, jump=10):
    """Return a run whose largest singular value jumps at a step to its end."""
    steps = np.arange(0, 12_000, 1000)
    largest = np.where(steps >= jump, first, 0.1)
    spectra = np.stack([largest, np.full(len(steps), second)], axis=1)
    return runs({}, step=steps[None], singular_value=spectra[None])


CASES = {
    "singular_values.gap_depth_1": (values([9, 8, 7, 6, 5, 4.0]), values([9, 8, 7, 6, 5, 3.0])),
    "singular_values.gap_depth_2": (values([9, 8, 7, 6, 4.0]), values([9, 8, 7, 6, 2.0])),
    "singular_values.gap_depth_3": (values([50, 45, 40, 38, 33.0]), values([50, 45, 40, 38, 29.0])),
    "singular_values.error_depth_1": (
        by_depth(0.9, name="relative_squared_error"),
        by_depth(1.0, name="relative_squared_error"),
    ),
    "singular_values.error_falls_with_depth": (
        by_depth(0.8, 0.1, 0.01, name="relative_squared_error"),
        by_depth(0.8, 0.1, 0.06, name="relative_squared_error"),
    ),
    "singular_values.aligned": (aligned(11.0, 1.0, "_initial"), aligned(9.0, 1.0, "_initial")),
    "singular_values.growth_law": (growth(1.01), growth(1.03)),
    "dmf_error_vs_init.deep_recovers": (errors(1e-5, 1e-5, 0.3), errors(1e-5, 0.2, 0.3)),
    "dmf_error_vs_init.depth_two_does_not": (errors(0.02, 0.1), errors(0.02, 0.009)),
    "dmf_error_vs_init.init_matters_at_depth_two": (
        pairs("product_std", 1e-4, 1e-6, 2.0, 1.8),
        pairs("product_std", 1e-4, 1e-6, 2.0, 1.6),
    ),
    "dmf_error_vs_init.learning_rate_does_not_matter": (
        pairs("learning_rate", 1e-3, 3e-4, 1.04, 0.96),
        pairs("learning_rate", 1e-3, 3e-4, 1.04, 0.94),
    ),
    "dmf_error_vs_init.minimum_error": (errors(9, 9, minimum=0.1), errors(0.106, 0.106, minimum=0.2)),
    "dmf_nuclear_norm_vs_init.deep_exceeds_minimum": (norms(6, 9.0), norms(4, 4.0)),
    "dmf_nuclear_norm_vs_init.deep_is_the_target": (norms(9.9, 10.1), norms(8.0, 8.0)),
    "dmf_nuclear_norm_vs_init.deep_rank": (ranks(5.1, 5.0), ranks(5.3, 5.3)),
    "dmf_nuclear_norm_vs_init.minimum_rank": (ranks(5, minimum=9.0), ranks(9.45, minimum=8.0)),
    "dmf_nuclear_norm_vs_init.depth_two_rank": (ranks(9.1, 10), ranks(9.1, 8.9)),
    "dmf_error_vs_observations.deeper_is_worse": (errors(3.0, 2.8, minimum=2.0), errors(2.4, 2.4, minimum=2.0)),
    "dmf_error_vs_observations.deeper_is_better": (
        pairs("depth", 2, 3, 31.0, 600.0),
        pairs("depth", 2, 3, 29.0, 600.0),
    ),
    "dmf_sensing.deep_recovers": (errors(1e-4, 1e-5), errors(1e-4, 1e-2)),
    "dmf_movielens.depth_1_largest": (ratings(68, 30), ratings(60, 30)),
    "dmf_movielens.no_gap_depth_1": (ratings(68, 30), ratings(68, 20)),
    "dmf_movielens.depth_3_jump": (ratings(3700, 1, jump=8000), ratings(3700, 1, jump=5000)),
    "dmf_movielens.error_depth_2": (by_depth(1.6, name="test_error"), by_depth(1.7, name="test_error")),
    "dmf_movielens.error_falls_with_depth": (
        by_depth(13.7, 1.45, 1.40, name="test_error"),
        by_depth(13.7, 1.40, 1.45, name="test_error"),
    ),
    "dmf_movielens.aligned": (aligned(11.0, 1.0, "_unit"), aligned(9.0, 1.0, "_unit")),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("arora_2019", CASES) == []


def test_until_a_step_later_records_do_not_count():
    """Depth 3 is behind until step 8000, and ahead in the end."""
    late = runs(
        {"depth": [1, 2, 3], "data_seed": 0},
        step=[[0, 5000, 20000]] * 3,
        relative_squared_error=[[1, 0.9, 0.8], [1, 0.4, 0.1], [1, 0.99, 0.01]],
    )
    assert holds("singular_values.error_falls_with_depth", late)
    assert not holds("singular_values.error_falls_with_depth.control", late)


def test_the_records_before_the_first_step_do_not_count_in_the_alignment():
    assert not holds("singular_values.aligned", aligned(1.0, 1.0, "_initial"))
