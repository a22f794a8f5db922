"""Kernels: compiled steps and products, where torch is slow, and their cache on disk."""
