"""greedyrank: rebuild, and check, the figures on implicit regularization in factorizations."""

__version__ = "0.2.0"
