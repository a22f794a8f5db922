"""Adam as in Keras: eps is added to sqrt(v) before the bias correction ("epsilon hat" of Kingma & Ba 2015, section 2).

    theta <- theta - lr sqrt(1 - beta2^k) / (1 - beta1^k) m / (sqrt(v) + eps)

In the form of `greedyrank.optimizers.adam` this eps is eps / sqrt(1 - beta2^k): 1 / sqrt(1 - beta2) times larger in the
first step. It matters where gradients are not far above eps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.optimizers import adam
from greedyrank.training.protocols import Model, Place, Place64


class Optimizer(adam.Optimizer):
    """State and parameters as in `greedyrank.optimizers.adam`."""

    def __init__(self, runs: Sequence[Run], model: Model, place: Place, place64: Place64):
        super().__init__(runs, model, place, place64)
        self._uncorrected_eps = place64(np.array(runs[0]["eps"]))

    def step(self, parameters: Sequence[torch.Tensor], gradients: Sequence[torch.Tensor]) -> None:
        """Move the parameters in place."""
        # The correction 1 - beta2^k of the step that is about to be taken.
        correction = self.state["mean_of_ones"].lerp(self._one, self._shares)[1]
        torch.div(self._uncorrected_eps, correction.sqrt(), out=self._eps)
        super().step(parameters, gradients)
