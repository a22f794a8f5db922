"""Statistics of the figure on matrix sensing."""

from greedyrank.claims.dmf_error_vs_init import (  # noqa: F401  found by name
    effective_rank,
    error,
    excess_over_truth,
    minimum_effective_rank,
    minimum_error,
    nuclear_norm_excess,
    rank_below_minimum,
)
