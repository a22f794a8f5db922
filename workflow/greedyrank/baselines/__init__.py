"""Baselines: what factorizations are compared with, computed once from the same data."""
