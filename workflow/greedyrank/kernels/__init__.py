"""Kernels: compiled steps, for the factorizations whose steps are too small for torch."""
