"""Compiled steps of classifiers of binary images on a CPU: `binary_cp` in `image_classification` with Adam.

The same arithmetic as `greedyrank.factorizations.binary_cp`, `greedyrank.problems.image_classification` and
`greedyrank.optimizers.adam`, in few passes over the images and over the pixels, so that little is left but the two
products of `greedyrank.kernels.bit_matrix`. The components of all runs are columns, and stand in blocks of as many
columns as these products work on: arrays are (blocks, rows, lanes). Columns that no run owns hold factors of one, and
never move.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numba.extending import register_jitable

from greedyrank.config.sweeps import Run
from greedyrank.data.images import PIXELS
from greedyrank.kernels import bit_matrix, numba_cache
from greedyrank.problems import image_classification

# Below this the gradient of a factor for 0 is summed over its own images, not taken as a difference: divided by a small
# factor, the rounding of that difference would be all there is.
SMALL = 0.1
CHUNK = 64  # images whose products are added up before their sum is added to the total, so that little is rounded


@functools.cache
def _compiled(dtype: str) -> tuple[Callable, ...]:
    """Return the parts of a step in one precision; NumPy computes logarithms and exponentials between them."""
    lanes = bit_matrix.lanes(np.dtype(dtype))
    product, parities = bit_matrix.product, bit_matrix.parities
    # In the precision of the arrays: with Python numbers, compiled code would compute in float64.
    zero, small, smallest = (np.dtype(dtype).type(number) for number in (0, SMALL, np.finfo(dtype).tiny))

    @register_jitable
    def normal(value):
        """Return a number, or zero for a denormal one: they are below any rounding here, and slow down every step."""
        return value if abs(value) >= smallest else zero

    def sums(words, logarithms, difference, start, table, out):
        """Write the sums of what the pixels of each image choose, (blocks, images, lanes).

        ``logarithms``, (2, blocks, pixels, lanes), is for pixels that are 0 and 1.
        """
        for block in range(len(out)):
            where_zero, where_one = logarithms[0, block], logarithms[1, block]
            start[:] = zero
            for pixel in range(len(difference)):
                for c in range(lanes):
                    difference[pixel, c] = where_one[pixel, c] - where_zero[pixel, c]
                    start[0, c] += where_zero[pixel, c]
            product(words, difference, start, out[block], table)

    def give_signs(words, signs, masks, tables, odd, products):
        """Give the products, (blocks, images, lanes), their signs.

        ``signs``, (2, blocks, pixels, lanes), are the factors' bits as integers, negative where the factors are.
        """
        for block in range(len(products)):
            any_negative, at_zero = False, np.uint32(0)
            for pixel in range(signs.shape[2]):
                differ = np.uint32(0)
                for c in range(lanes):
                    first, second = signs[0, block, pixel, c] < 0, signs[1, block, pixel, c] < 0
                    any_negative |= first | second
                    at_zero ^= np.uint32(first) << np.uint32(c)
                    differ |= np.uint32(first ^ second) << np.uint32(c)
                masks[pixel] = differ
            if any_negative:
                parities(words, masks, tables, odd)
            else:
                odd[:] = 0
            values = products[block]
            for i in range(len(values)):
                negative = odd[i] ^ at_zero
                for c in range(lanes):
                    value = normal(values[i, c])
                    values[i, c] = -value if (negative >> np.uint32(c)) & np.uint32(1) else value

    def slope(predictions, positive, rows, label, weight, losses):
        """Turn predictions into dL/d(prediction), in place, and add the squared residuals to the losses, (runs,).

        ``positive``, (all images, runs), are the images with the positive ``label``, the others have 0; ``rows`` are
        those of the minibatch, and ``weight`` is 2 / images.
        """
        for i in range(len(rows)):
            for run in range(positive.shape[1]):
                residual = predictions[i, run]
                if positive[rows[i], run]:
                    residual -= label
                losses[run] += residual * residual
                predictions[i, run] = weight * residual

    @register_jitable
    def weigh(values, weights, total):
        """Multiply values, (images, lanes), by weights, and write the sums over the images."""
        total[:] = zero
        partial = np.empty(lanes, total.dtype)
        for begin in range(0, len(values), CHUNK):
            partial[:] = zero
            for i in range(begin, min(begin + CHUNK, len(values))):
                for c in range(lanes):
                    value = normal(values[i, c] * weights[i, c])
                    values[i, c] = value
                    partial[c] += value
            total += partial

    @register_jitable
    def needs_own_sum(words, images, sizes):
        """Return whether the sum over the images where a pixel is 0 must not be a difference.

        It must not if one of the factors for 0 is small, and if there is no such image: the rounding of a difference
        that should be zero would move the factors, because Adam divides by its size.
        """
        found = False
        for c in range(lanes):
            found |= sizes[c] < small
        if found:
            return True
        for j in range(len(words)):
            here = min(images - bit_matrix.BITS * j, bit_matrix.BITS)
            if words[j] != (np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(bit_matrix.BITS - here)):
                return False
        return True

    @register_jitable
    def sums_over_images(transposed, values, total, sizes, table, out):
        """Write the sums of values, (images, lanes), over the images where a pixel is 0, and where it is 1.

        The former is the difference of the latter from the total, where that is exact enough.
        """
        where_zero, where_one = out[0], out[1]
        nothing = np.zeros((1, lanes), total.dtype)
        product(transposed, values, nothing, where_one, table)
        own = np.empty(len(where_one), np.int64)
        count = 0
        for pixel in range(len(where_one)):
            if needs_own_sum(transposed[:, pixel], len(values), sizes[pixel]):
                own[count] = pixel
                count += 1
            for c in range(lanes):
                where_zero[pixel, c] = total[c] - where_one[pixel, c]
        if count:
            words, found = np.empty((len(transposed), count), np.uint64), np.empty((count, lanes), total.dtype)
            for j in range(len(transposed)):
                for k in range(count):
                    words[j, k] = ~transposed[j, own[k]]
            product(words, values, nothing, found, table)
            for k in range(count):
                where_zero[own[k]] = found[k]

    def move(transposed, products, weights, sizes, rates, adam, factors, means, squares, table, gradients):
        """Move the factors of one block, (2, pixels, lanes), by a step of Adam.

        ``products`` and ``weights``, dL/d(prediction) of the run of each column, are (images, lanes); the products are
        overwritten. ``adam`` holds 1 - beta1, beta2, 1 - beta2, a factor and an offset, see
        `greedyrank.optimizers.adam`; ``rates``, (lanes,), are the learning rates.
        """
        toward, decay, square_toward, factor, offset = adam[0], adam[1], adam[2], adam[3], adam[4]
        total = np.empty(lanes, adam.dtype)
        weigh(products, weights, total)
        sums_over_images(transposed, products, total, sizes[0], table, gradients)
        for side in range(2):
            for pixel in range(gradients.shape[1]):
                size, value = sizes[side, pixel], factors[side, pixel]
                mean, square = means[side, pixel], squares[side, pixel]
                for c in range(lanes):
                    # A zero has a sign too, on which its product and its gradient must agree.
                    gradient = gradients[side, pixel, c] / math.copysign(size[c], value[c])
                    mean[c] = normal(mean[c] + toward * (gradient - mean[c]))
                    square[c] = normal(decay * square[c] + square_toward * (gradient * gradient))
                    value[c] -= rates[c] * (mean[c] / (np.sqrt(square[c]) * factor + offset))

    parts = (sums, give_signs, slope, move)
    return tuple(numba_cache.compiled(part, dtype, checks_division=False) for part in parts)


class _Minibatch:
    """Memory for so many images and what is computed from them."""

    def __init__(self, images: int, blocks: int, runs: int, dtype: np.dtype):
        words = -(-PIXELS // bit_matrix.BITS)
        self.words = np.empty((words, images), np.uint64)
        self.transposed = np.empty((-(-images // bit_matrix.BITS), PIXELS), np.uint64)
        self.products = bit_matrix.aligned((blocks, images, bit_matrix.lanes(dtype)), dtype)
        self.odd = np.empty(images, np.uint32)
        self.weights = bit_matrix.aligned(self.products.shape[1:], dtype)
        self.predictions = np.empty((images, runs), dtype)


class CompiledStepper:
    """A group of classifiers that advances by compiled steps; a `greedyrank.training.protocols.Stepper`.

    Parameters
    ----------
    runs : list of Run
        Settings of each run.
    data : dict
        The data of all runs.
    factors : list of list of ndarray
        The initial F_0 and F_1 of each run, (784, tensor_rank).
    tiny : float
        Stands for a factor of zero.
    """

    loss_at_start = False

    def __init__(self, runs: Sequence[Run], data: dict[str, np.ndarray], factors: list[list[np.ndarray]], tiny: float):
        self._dtype = dtype = np.dtype(runs[0]["dtype"])
        lanes = bit_matrix.lanes(dtype)
        ranks = [run["tensor_rank"] for run in runs]
        owners = np.repeat(np.arange(len(runs)), ranks)
        blocks = -(-len(owners) // lanes)
        padded = np.append(owners, np.full(blocks * lanes - len(owners), -1)).reshape(blocks, lanes)
        # The runs with columns in each block, and which columns are theirs: (lanes, runs) of 0 and 1.
        self._runs_of_block = [slice(own[0], own.max() + 1) for own in padded]
        self._owned = [
            (own[:, None] == np.arange(runs_.start, runs_.stop)).astype(dtype)
            for own, runs_ in zip(padded, self._runs_of_block, strict=True)
        ]
        self._owners, self._columns = padded, np.flatnonzero(padded.reshape(-1) >= 0)
        self._factors = bit_matrix.aligned((2, blocks, PIXELS, lanes), dtype)
        columns = np.ones((2, PIXELS, blocks * lanes))
        columns[:, :, : len(owners)] = np.concatenate(factors, axis=2)
        self._factors[...] = columns.reshape(2, PIXELS, blocks, lanes).swapaxes(1, 2)
        self._signs = self._factors.view(f"i{dtype.itemsize}")
        self._means, self._squares, self._sizes, self._logarithms = (
            bit_matrix.aligned(self._factors.shape, dtype) for _ in range(4)
        )
        self._gradients = bit_matrix.aligned((2, PIXELS, lanes), dtype)
        self._start, self._table = bit_matrix.aligned((1, lanes), dtype), bit_matrix.new_table(dtype)
        self._masks = np.zeros(-(-PIXELS // bit_matrix.BITS) * bit_matrix.BITS, np.uint32)
        self._mask_tables = np.empty((8, 256), np.uint32)
        self._sums, self._give_signs, self._slope, self._move = _compiled(dtype.name)
        self._tiny = dtype.type(tiny)
        self._set_up_data(runs, data)
        self._set_up_adam(runs)

    def _set_up_data(self, runs: Sequence[Run], data: dict[str, np.ndarray]) -> None:
        run = runs[0]
        self._order_seed, self._batch_size = run["order_seed"], run["batch_size"]
        self._bits, self._positive = {}, {}
        for part in ("train", "test"):
            size = run[f"{part}_size"]
            self._bits[part] = bit_matrix.pack(np.unpackbits(data[f"{part}_bits"][:size], axis=1))
            self._positive[part] = np.stack([image_classification.positives(run, data, part) for run in runs], axis=1)
        self._groups = image_classification.class_groups(runs)
        self._train_size = len(self._bits["train"])
        self.steps_per_epoch = -(-self._train_size // self._batch_size)
        self._minibatches: dict[int, _Minibatch] = {}
        self._step = 0
        self._loss = np.zeros(len(runs))  # as `image_classification.Problem.state`

    def _set_up_adam(self, runs: Sequence[Run]) -> None:
        self._betas, self._eps = np.array([runs[0]["beta1"], runs[0]["beta2"]]), runs[0]["eps"]
        self._learning_rates = np.array([run["learning_rate"] for run in runs])
        self._mean_of_ones, self._flow_time = np.zeros(2), np.zeros(len(runs))
        self.set_rate_factors(np.ones(len(runs)))

    def set_rate_factors(self, factors: np.ndarray) -> None:
        """Multiply the learning rates of the settings by one factor a run, shape (runs,); 0 holds a run."""
        self._scaled = factors * self._learning_rates
        self._rates = np.where(self._owners >= 0, self._scaled[self._owners], 0.0).astype(self._dtype)

    def _minibatch(self, images: int) -> _Minibatch:
        if images not in self._minibatches:
            self._minibatches[images] = _Minibatch(images, len(self._owners), len(self._loss), self._dtype)
        return self._minibatches[images]

    def _look_at_factors(self) -> None:
        """Bring the sizes of the factors, and their logarithms, up to date."""
        np.abs(self._factors, out=self._sizes)
        np.maximum(self._sizes, self._tiny, out=self._sizes)
        np.log(self._sizes, out=self._logarithms)

    def _predictions(self, batch: _Minibatch) -> np.ndarray:
        """Return the predictions, (images, runs), for the words of a minibatch."""
        # The gradients are memory that is free at this time.
        self._sums(batch.words, self._logarithms, self._gradients[0], self._start, self._table, batch.products)
        np.exp(batch.products, out=batch.products)
        self._give_signs(batch.words, self._signs, self._masks, self._mask_tables, batch.odd, batch.products)
        batch.predictions[...] = 0
        for products, runs, owned in zip(batch.products, self._runs_of_block, self._owned, strict=True):
            batch.predictions[:, runs] += products @ owned
        return batch.predictions

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        for _ in range(steps):
            self._take_step()
            self._step += 1

    def _take_step(self) -> None:
        epoch, number = divmod(self._step, self.steps_per_epoch)
        if number == 0:
            self._order = image_classification.order_of_epoch(self._order_seed, epoch, self._train_size)
            self._loss[:] = 0
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        batch = self._minibatch(len(rows))
        bit_matrix.gather(self._bits["train"], rows, batch.words, batch.transposed)
        self._look_at_factors()
        slopes = self._predictions(batch)
        losses = np.zeros(len(self._loss))
        label, weight = (self._dtype.type(number) for number in (image_classification.POSITIVE, 2 / len(rows)))
        self._slope(slopes, self._positive["train"], rows, label, weight, losses)
        self._loss += losses / self._train_size
        beta1, beta2 = self._betas
        self._mean_of_ones += (1 - self._betas) * (1 - self._mean_of_ones)
        factor = self._mean_of_ones[0] / np.sqrt(self._mean_of_ones[1])
        adam = np.array([1 - beta1, beta2, 1 - beta2, factor, self._mean_of_ones[0] * self._eps], self._dtype)
        for block, (runs, owned) in enumerate(zip(self._runs_of_block, self._owned, strict=True)):
            np.matmul(slopes[:, runs], owned.T, out=batch.weights)
            self._move(
                batch.transposed,
                batch.products[block],
                batch.weights,
                self._sizes[:, block],
                self._rates[block],
                adam,
                self._factors[:, block],
                self._means[:, block],
                self._squares[:, block],
                self._table,
                self._gradients,
            )
        self._flow_time += self._scaled

    def flow_time(self) -> np.ndarray:
        """Return the sum of the effective learning rates so far, shape (runs,)."""
        return self._flow_time.copy()

    def losses(self) -> np.ndarray:
        """Return the mean loss over the minibatches of this epoch, shape (runs,); NaN if a factor is not finite."""
        found = self._loss.copy()
        found[self._owners[~np.isfinite(self._factors).all(axis=(0, 2))]] = np.nan
        return found

    def observables(self, growth: bool = False) -> dict[str, np.ndarray]:
        """Return the errors and accuracies that `image_classification.observed` lists."""
        self._look_at_factors()
        scores = image_classification.test_scores(self._test_predictions(), self._positive["test"], self._groups)
        return image_classification.observed(self._loss, scores, self._positive, self._groups)

    def _test_predictions(self) -> Iterator[np.ndarray]:
        images = self._bits["test"]
        for start in range(0, len(images), self._batch_size):
            bits = images[start : start + self._batch_size]
            batch = self._minibatch(len(bits))
            batch.words[...] = bits.T
            yield self._predictions(batch)

    def state(self) -> dict[str, np.ndarray]:
        """Return copies of everything that later steps depend on, at the end of an epoch."""
        return {
            "factors": self._factors.copy(),
            "means": self._means.copy(),
            "squares": self._squares.copy(),
            "mean_of_ones": self._mean_of_ones.copy(),
            "flow_time": self._flow_time.copy(),
            "loss": self._loss.copy(),
            "step": np.array(self._step),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned."""
        self._factors[...] = state["factors"]
        self._means[...], self._squares[...] = state["means"], state["squares"]
        self._mean_of_ones[...], self._flow_time[...] = state["mean_of_ones"], state["flow_time"]
        self._loss[...] = state["loss"]
        self._step = int(state["step"])
