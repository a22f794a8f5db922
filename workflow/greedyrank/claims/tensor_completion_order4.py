"""Statistics of the figure on tensor completion of order 4."""

from greedyrank.claims.tensor_completion_order3 import (  # noqa: F401  found by name
    error,
    error_over_published,
    init_ratio,
    largest_error,
    tensor_rank,
    zero_filled_error_over_published,
    zero_filled_rank,
    zero_filled_rank_over_published,
)
