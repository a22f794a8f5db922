"""Statistics of the figure on nuclear norm and effective rank against the number of observations."""

from greedyrank.claims.dmf_error_vs_init import (  # noqa: F401  found by name
    certified_gap,
    effective_rank,
    error_over_minimum,
    excess_over_truth,
    minimum_effective_rank,
    nuclear_norm_excess,
    rank_below_minimum,
)
