"""Classification of images on a GPU: the rows of a minibatch are in a tensor that stays in its place.

So a step can be captured and replayed: see `greedyrank.training.minibatch_graph`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from greedyrank.config.sweeps import Run
from greedyrank.kernels import image_bits
from greedyrank.problems import image_classification
from greedyrank.problems.image_classification import observed, order_of_epoch, test_scores
from greedyrank.training.protocols import Arrays, Place

# Whether float32 products are taken on the matrix units: see `greedyrank.kernels.image_bits.SplitBatch`.
SPLIT = True


class Problem(image_classification.Problem):
    """As `greedyrank.problems.image_classification.Problem`, for sets that minibatches divide evenly."""

    def __init__(self, runs: Sequence[Run], data: Sequence[Arrays], place: Place):
        super().__init__(runs, data, place)
        if SPLIT and runs[0]["dtype"] == "float32":
            self._images = {part: image_bits.in_parts(images) for part, images in self._images.items()}
        self._rows = place(np.zeros(self._batch_size, dtype=np.int64), exact=True)
        self._test_rows = place(np.arange(len(self._images["test"])), exact=True).split(self._batch_size)
        self._marks, self._sets = (place(array, exact=True) for array in (self._positive["test"], self._groups))
        # They take a third of a second for 300 runs, and never change.
        self._variances = {
            f"{part}_variance": marks.var(axis=0, dtype=np.float64) for part, marks in self._positive.items()
        }

    def choose(self, step: int) -> None:
        """Put the rows of a step's minibatch in their place; a new epoch has a new order, and its loss starts at 0."""
        epoch, number = divmod(step, self.steps_per_epoch)
        if number == 0:
            self._order = self._place(order_of_epoch(self._order_seed, epoch, self._train_size), exact=True)
            self.state["loss"].zero_()
        self._rows.copy_(self._order[number * self._batch_size : (number + 1) * self._batch_size])

    def minibatch(self) -> Any:
        """Return the minibatch of the rows in place; it depends on no number of Python's that changes."""
        self._targets = self._labels.index_select(0, self._rows)
        return self._images["train"].batch(self._rows)

    def inputs(self, step: int) -> Any:
        """Return the minibatch of a step, in a new random order each epoch."""
        self.choose(step)
        return self.minibatch()

    def observables(self, model: Any, end_to_end: torch.Tensor) -> Arrays:
        """Return what `greedyrank.problems.image_classification.observed` lists; what never changes is kept."""
        predictions = (model.end_to_end(self._images["test"].batch(rows)) for rows in self._test_rows)
        scores = [score.cpu().numpy() for score in test_scores(predictions, self._marks, self._sets)]
        no_marks = {"test": self._positive["test"][:, :0]}
        return {**observed(self.losses().cpu().numpy(), scores, no_marks, self._groups), **self._variances}
