"""Statistics of the figure on tensor completion of order 4."""

from greedyrank.claims.tensor_completion_order3 import (  # noqa: F401  found by name
    error,
    tensor_rank,
    zero_filled_error,
    zero_filled_rank,
)
