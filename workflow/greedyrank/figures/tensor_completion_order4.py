"""Reconstruction error and tensor rank against the number of observations, order 4: Razin & Cohen 2020."""

from greedyrank.figures.tensor_completion_order3 import draw  # noqa: F401  found by name
