"""Claims of Gunasekar et al. 2017 on runs written down by hand."""

import numpy as np

from hand_made import runs, table_test, untested


def gaps(*found, target=0.0, settings=None):
    """Return runs that end this far above the minimum nuclear norm, 2, as a share of it, and so does the target."""
    count = len(found)
    return runs(
        settings or {},
        nuclear_norm=[[50.0, 2 * (1 + gap)] for gap in found],
        minimum_nuclear_norm=[2.0] * count,
        target_nuclear_norm=[2 * (1 + target)] * count,
        relative_error=[[1.0, gap] for gap in found],
    )


def pairs(setting, of, over, *ratios):
    """Return, for each ratio, a data seed whose gaps and errors at two values of a setting have it."""
    settings = {setting: np.tile([of, over], len(ratios)), "data_seed": np.repeat(np.arange(len(ratios)), 2)}
    return gaps(*(value for ratio in ratios for value in (0.01 * ratio, 0.01)), settings=settings)


CASES = {
    "nuclear_norm_conjecture.agrees_at_rank_two": (gaps(0.009, 0.0), gaps(0.011, 0.0)),
    "nuclear_norm_conjecture.agreement_is_trivial": (gaps(1.0, target=0.009), gaps(0.0, target=0.011)),
    "nuclear_norm_conjecture.large_init": (gaps(0.3, 0.21), gaps(0.3, 0.19)),
    "nuclear_norm_conjecture.gap_grows": (
        pairs("factor_norm", 1e-6, 1e-2, 1.3, 2.0),
        pairs("factor_norm", 1e-6, 1e-2, 1.1, 2.0),
    ),
    "nuclear_norm_conjecture.theorem_for_commuting": (
        pairs("factor_norm", 1e-2, 1.0, 0.3, 0.01),
        pairs("factor_norm", 1e-2, 1.0, 0.4, 0.01),
    ),
    "nuclear_norm_conjecture.columns_matter_from_large_init": (
        pairs("columns", 50, 2, 11.0, 50.0),
        pairs("columns", 50, 2, 9.0, 50.0),
    ),
    "nuclear_norm_conjecture.step_size_does_not_matter": (
        pairs("learning_rate", 0.03, 0.3, 1.01, 0.99),
        pairs("learning_rate", 0.03, 0.3, 1.01, 0.97),
    ),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("gunasekar_2017", CASES) == []
