"""How problems and factorizations put arrays on the training device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:  # a compiled job never imports torch
    import torch


class Place(Protocol):
    """Put an array on the training device."""

    def __call__(self, array: np.ndarray, exact: bool = False) -> torch.Tensor:
        """Return a tensor in the training precision or, if ``exact``, in the array's own dtype.

        The tensor may share the array's memory.
        """
