"""What all models have in common whose parameters have the run as their first axis."""

from __future__ import annotations


class RunAxis:
    """A model with ``parameters``, each of shape (runs, ...)."""

    parameters: list

    def spread(self, values):
        """Return one value a run, (runs,), in the shape that multiplies each parameter."""
        return [values.reshape(-1, *[1] * (parameter.ndim - 1)) for parameter in self.parameters]
