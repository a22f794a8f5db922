"""Factorizations: parameters, end-to-end object and its pull-back; see `greedyrank.training.protocols`."""
