"""Measures: what is read off the recorded trajectories of a sweep."""
