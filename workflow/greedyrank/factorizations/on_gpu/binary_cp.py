"""CP factorization at binary images on a GPU: its steps on minibatches are captured once and replayed."""

from __future__ import annotations

from collections.abc import Sequence

from greedyrank.config.sweeps import Slice
from greedyrank.factorizations import binary_cp
from greedyrank.factorizations.binary_cp import compose
from greedyrank.training.protocols import Arrays, Stepper

__all__ = ["Model", "compose"]


class Model(binary_cp.Model):
    """As `greedyrank.factorizations.binary_cp.Model`."""

    @classmethod
    def compiled(cls, slice_: Slice, data: Sequence[Arrays], device: str) -> Stepper:
        """Return the stepper that replays captured steps."""
        from greedyrank.training.minibatch_graph import MinibatchStepper

        return MinibatchStepper(slice_, data, device)
