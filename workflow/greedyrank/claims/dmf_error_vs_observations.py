"""Statistics of the figure on reconstruction error against the number of observations."""

from greedyrank.claims.dmf_error_vs_init import (  # noqa: F401  found by name
    depth_ratio,
    error,
    error_over_minimum,
    minimum_error,
)
