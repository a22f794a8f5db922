"""Optimisers: how a gradient moves the parameters of every run of a batch."""
