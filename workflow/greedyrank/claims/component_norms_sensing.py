"""Statistics of the component-norm figure of tensor sensing."""

from greedyrank.claims.component_norms import (  # noqa: F401  found by name
    components_above,
    error_at_stop,
    gap_growth,
)
