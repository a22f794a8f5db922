"""Component norms of a CP factorization of order 3: Razin, Maman & Cohen 2021, appendix."""

from greedyrank.figures.component_norms import draw  # noqa: F401  found by name
