"""Optimizers: how gradients move the parameters of all runs; see `greedyrank.training.protocols`."""
