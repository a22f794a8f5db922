"""Judging: whether a statement holds on the runs, and fails on its control."""
