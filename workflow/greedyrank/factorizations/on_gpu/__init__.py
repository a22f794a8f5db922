"""Factorizations in the form in which a GPU trains them; see `greedyrank.training.on_gpu`."""
