"""Measurements of the engine on a machine; no job of a build needs them."""
