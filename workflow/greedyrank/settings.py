"""Every setting a sweep may have: its type, unit, meaning and source, tenant by tenant.

One class a tenant, found by name in ``PROBLEMS``, ``FACTORIZATIONS`` and ``OPTIMIZERS``. Planning
reads only this module, so it never imports torch. Values are checked strictly: text is no number.
"""

from __future__ import annotations

import itertools
import math
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """Strict settings: unknown keys are errors.

    ``same_in_batch`` names the settings on which the shape of the arrays depends, so that runs
    that differ in them cannot train in one batch. ``files``, below the data folder, are read when
    data are generated, and are the user's to provide: figures are skipped while they are missing.
    ``data_settings`` are the settings of a problem on which its data depend. ``problem_functions`` are what a
    baseline calls of the module of a problem.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    same_in_batch: ClassVar[tuple[str, ...]] = ()
    data_settings: ClassVar[tuple[str, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    problem_functions: ClassVar[tuple[str, ...]] = ()


# What goes with every other setting: no check looks at them together with others.
SEEDS = ("data_seed", "sensing_seed", "seed")

# On what a target depends beside its seed.
TARGET = (
    "shape",
    "target_rank",
    "target_norm",
    "target_symmetric",
    "target_spectrum",
    "target_decay",
    "target_multilinear_rank",
    "target_widths",
    "target_root_spectrum",
)


def levels(shape: list[int]) -> int:
    """Return how many levels a binary tree over the modes has above its leaves.

    Raises
    ------
    ValueError
        If the number of modes is no power of two.
    """
    order = len(shape)
    if order & (order - 1):
        raise ValueError(f"shape is {shape}, of order {order}; a binary tree needs an order of 2, 4, 8, ...")
    return order.bit_length() - 1


def check_widths(name: str, widths: list[int], shape: list[int]) -> None:
    """Check the widths of the levels of a binary tree, from the leaves up.

    Raises
    ------
    ValueError
        If there are more or fewer than levels, or one exceeds what any tensor of the shape needs.
    """
    if len(widths) != levels(shape):
        raise ValueError(f"{name} is {widths}; allowed: {levels(shape)} widths, one for each level of {shape}")
    most = math.prod(shape)
    if not all(1 <= width <= most for width in widths):
        raise ValueError(f"{name} is {widths}; the shape {shape} allows widths from 1 to its {most} entries")


class Target(Settings):
    """What is to be recovered; see `greedyrank.targets`."""

    shape: list[int] = Field(min_length=2, description="length of each mode")
    target_rank: int | None = Field(default=None, gt=0, description="CP rank of the Gaussian target")
    target_norm: float | None = Field(default=None, gt=0, description="Frobenius norm of the target")
    target_symmetric: bool = Field(default=False, description="Gaussian target U U^T in place of U V^T")
    target_spectrum: list[float] | None = Field(
        default=None, min_length=1, description="eigenvalues of a symmetric target with random eigenvectors"
    )
    target_decay: float | None = Field(
        default=None, gt=0, description="eigenvalues k^-decay, rescaled to `target_norm`, with random eigenvectors"
    )
    target_multilinear_rank: list[int] | None = Field(
        default=None, description="multilinear rank of a target with a Gaussian core and orthonormal factors"
    )
    target_widths: list[int] | None = Field(
        default=None, description="widths, from the leaves up, of a Gaussian hierarchical target on a binary tree"
    )
    target_root_spectrum: list[float] | None = Field(
        default=None,
        description="singular values of a hierarchical target between its two halves, up to `target_norm`",
    )
    noise_std: float = Field(default=0.0, ge=0, description="standard deviation of what is added to each value seen")
    data_seed: int = Field(default=0, ge=0, description="draws the target, what is seen of it, and the noise")
    loss: Literal["mean", "half_sum", "huber"] = Field(
        description="mean of the squared residuals over what is seen, half their sum, or their mean smooth l1 loss"
    )
    huber_threshold: float | None = Field(
        default=None, gt=0, description="residual beyond which the Huber loss, divided by this threshold, is linear"
    )

    @model_validator(mode="after")
    def _shape_and_loss(self):
        if min(self.shape) < 1:
            raise ValueError(f"shape is {self.shape}; every mode needs a length of at least 1")
        if (self.loss == "huber") != (self.huber_threshold is not None):
            raise ValueError("`huber_threshold` goes with the loss huber, and only with it")
        return self

    def _check_target(self) -> None:
        """Check that exactly one kind of target is given, and that the shape allows it."""
        kinds = {
            "target_rank": self.target_rank,
            "target_spectrum": self.target_spectrum,
            "target_decay": self.target_decay,
            "target_multilinear_rank": self.target_multilinear_rank,
            "target_widths": self.target_widths,
        }
        given = [name for name, value in kinds.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(kinds)}")
        if (self.target_norm is None) == (given[0] != "target_spectrum"):
            raise ValueError("a target needs `target_norm`; only `target_spectrum` has its own norm")
        square = len(self.shape) == 2 and self.shape[0] == self.shape[1]
        if (given[0] in ("target_spectrum", "target_decay") or self.target_symmetric) and not square:
            raise ValueError(f"shape is {self.shape}; a symmetric target needs a square matrix")
        if self.target_spectrum is not None and len(self.target_spectrum) > self.shape[0]:
            raise ValueError(
                f"target_spectrum has {len(self.target_spectrum)} eigenvalues; the shape {self.shape} allows"
                f" at most {self.shape[0]}"
            )
        if self.target_symmetric and given[0] in ("target_multilinear_rank", "target_widths"):
            raise ValueError(f"`target_symmetric` goes with `target_rank`; {given[0]} draws no symmetric target")
        highest = math.prod(self.shape) // max(self.shape)
        if self.target_rank is not None and self.target_rank > highest:
            raise ValueError(f"target_rank is {self.target_rank}; the shape {self.shape} allows at most {highest}")
        if (ranks := self.target_multilinear_rank) is not None:
            if len(ranks) != len(self.shape):
                raise ValueError(f"target_multilinear_rank is {ranks}; allowed: one rank for each mode of {self.shape}")
            for rank, length in zip(ranks, self.shape, strict=True):
                # An unfolding of the core has rank at most the product of the other ranks.
                if not 1 <= rank <= min(length, math.prod(ranks) // max(rank, 1)):
                    raise ValueError(
                        f"target_multilinear_rank is {ranks}; the shape {self.shape} does not allow {rank}"
                    )
        if self.target_widths is not None:
            check_widths("target_widths", self.target_widths, self.shape)
        if (spectrum := self.target_root_spectrum) is not None:
            if self.target_widths is None or len(spectrum) != self.target_widths[-1]:
                raise ValueError(
                    f"target_root_spectrum is {spectrum}; it needs `target_widths`, and one value for each of the last"
                )
            if min(spectrum) <= 0:
                raise ValueError(f"target_root_spectrum is {spectrum}; allowed: singular values above 0")
            # The two blocks below the root, whose columns are to be orthonormal, have no higher rank than any
            # width on the way to them, nor than the modes they join.
            ranks = [min(length, self.target_widths[0]) for length in self.shape]
            for widths in itertools.pairwise(self.target_widths):
                ranks = [min(left * right, *widths) for left, right in zip(ranks[::2], ranks[1::2], strict=True)]
            if len(spectrum) > min(ranks):
                raise ValueError(
                    f"target_root_spectrum has {len(spectrum)} values; target_widths {self.target_widths} and the"
                    f" shape {self.shape} allow at most {min(ranks)}"
                )


class Completion(Target):
    """Recover a matrix or tensor from some of its entries."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("shape", "huber_threshold")
    data_settings: ClassVar[tuple[str, ...]] = (*TARGET, "observed", "replacement", "noise_std", "data_seed")

    observed: list[list[float]] | None = Field(
        default=None, description="observed entries by hand: one index a mode, then the value"
    )
    observations: int | None = Field(default=None, gt=0, description="number of entries drawn uniformly")
    observed_fraction: float | None = Field(
        default=None, gt=0, le=1, description="the same as a fraction of all entries, the held-out number rounded down"
    )
    replacement: bool = Field(
        default=False, description="draw with replacement: an entry drawn twice counts twice in the loss"
    )

    @model_validator(mode="after")
    def _consistent(self):
        drawn = ("observations", "observed_fraction", "replacement", "noise_std", *TARGET[1:])
        if self.observed is not None:
            if given := [name for name in drawn if getattr(self, name)]:
                raise ValueError(f"`observed` excludes {', '.join(given)}")
            self._check_observed()
        elif (self.observations is None) == (self.observed_fraction is None):
            raise ValueError("give either `observed`, or a target and one of `observations` and `observed_fraction`")
        else:
            self._check_target()
            entries = math.prod(self.shape)
            if self.observations is not None and self.observations > entries:
                raise ValueError(
                    f"observations is {self.observations}; a tensor of shape {self.shape} has {entries} entries"
                )
        return self

    def _check_observed(self) -> None:
        seen = set()
        for row in self.observed:
            index = tuple(row[:-1])
            if len(index) != len(self.shape) or any(
                i != int(i) or not 0 <= i < n for i, n in zip(index, self.shape, strict=False)
            ):
                raise ValueError(
                    f"observed has the row {row}; allowed: {len(self.shape)} indices within {self.shape}, then a value"
                )
            if index in seen:
                raise ValueError(f"observed has the entry {[int(i) for i in index]} twice")
            seen.add(index)


class Sensing(Target):
    """Recover a matrix or tensor from inner products with random ones, y_i = <A_i, W*>."""

    same_in_batch: ClassVar[tuple[str, ...]] = (
        "shape",
        "measurements",
        "ensemble",
        "sensing_std",
        "sensing_seed",
        "huber_threshold",
    )
    data_settings: ClassVar[tuple[str, ...]] = (
        *TARGET,
        "measurements",
        "ensemble",
        "sensing_std",
        "sensing_seed",
        "noise_std",
        "data_seed",
    )

    measurements: int = Field(gt=0, description="number of measurements")
    ensemble: Literal["gaussian", "commuting", "rank_one"] = Field(
        default="gaussian",
        description="independent normal entries; symmetric matrices with the same random eigenvectors; or outer"
        " products of normal vectors, of Frobenius norm 1",
    )
    sensing_std: float | None = Field(
        default=None, gt=0, description="standard deviation of the entries, or eigenvalues, of each A_i"
    )
    sensing_seed: int = Field(default=0, ge=0, description="draws the A_i")

    @model_validator(mode="after")
    def _consistent(self):
        self._check_target()
        if self.ensemble == "commuting" and (len(self.shape) != 2 or self.shape[0] != self.shape[1]):
            raise ValueError(f"shape is {self.shape}; commuting measurements need a square matrix")
        if (self.ensemble == "rank_one") != (self.sensing_std is None):
            raise ValueError("`sensing_std` goes with every ensemble but rank_one, whose A_i have Frobenius norm 1")
        return self


class MovieLens(Settings):
    """Predict ratings of movies by users from some of them: MovieLens 100K (Arora et al., Fig. 3)."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("shape",)
    data_settings: ClassVar[tuple[str, ...]] = ("shape", "data_seed")
    files: ClassVar[tuple[str, ...]] = ("movielens/u.data",)

    shape: list[int] = Field(
        default=[1682, 943],
        min_length=2,
        max_length=2,
        description="so many of the most rated movies, and of the users with the most ratings; all by default",
    )
    observations: int = Field(
        default=10000, gt=0, description="ratings trained on: the first of a random order; the rest are for the test"
    )
    data_seed: int = Field(default=0, ge=0, description="draws the order of the ratings")
    loss: Literal["mean"] = Field(default="mean", description="mean of the squared residuals over what is seen")

    @model_validator(mode="after")
    def _within(self):
        if not all(1 <= length <= most for length, most in zip(self.shape, (1682, 943), strict=True)):
            raise ValueError(f"shape is {self.shape}; allowed: 1 to 1682 movies, then 1 to 943 users")
        return self


class ImageClassification(Settings):
    """Tell one class of 1-bit images from the rest, as completion of a tensor of order 784."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("dataset", "images", "train_size", "test_size", "data_seed")
    data_settings: ClassVar[tuple[str, ...]] = ("dataset", "images", "data_seed")

    dataset: Literal["mnist", "fashion_mnist"] = Field(description="which images")
    images: Literal["original", "random", "shuffled", "independent"] = Field(
        default="original",
        description="the images; or uniform bits; or the pixels of all images in one other order; or each pixel drawn"
        " alone, as often 1 as in the training images",
    )
    labels: Literal["original", "random"] = Field(
        default="original", description="the labels, or the same labels permuted within each set"
    )
    label: int = Field(ge=0, le=9, description="the positive class of one-against-all")
    train_size: int = Field(default=60000, gt=0, le=60000, description="first so many training images")
    test_size: int = Field(default=10000, gt=0, le=10000, description="first so many test images")
    data_seed: int = Field(default=0, ge=0, description="draws random images, orders of pixels and permuted labels")


class Autoencoding(Settings):
    """Reconstruct images, resized to 32x32, in minibatches in the order of the file (Jing et al. 2020)."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("dataset", "train_size", "test_size")
    data_settings: ClassVar[tuple[str, ...]] = ("dataset", "train_size", "test_size")

    dataset: Literal["mnist", "fashion_mnist"] = Field(description="which images")
    train_size: int = Field(default=60000, gt=0, le=60000, description="first so many training images")
    test_size: int = Field(
        default=10000, ge=2, le=10000, description="first so many test images, of which the latent codes are taken"
    )


class DeepMatrix(Settings):
    """Product of ``depth`` matrices, W = W_N ... W_1; hidden widths are the smaller side of W."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("depth",)

    depth: int = Field(gt=0, description="number of factors N")
    identity_scale: float | None = Field(
        default=None, gt=0, description="W(0) = identity_scale I, each factor identity_scale^(1/N) I (Arora et al.)"
    )
    layer_alpha: float | None = Field(
        default=None, gt=0, description="W_j(0) = alpha I for every factor, so W(0) = alpha^N I (Chou et al.)"
    )
    layer_beta: float = Field(
        default=0.0, ge=0, description="W_1(0) = (alpha - beta) I, the perturbed init of Chou et al."
    )
    product_std: float | None = Field(
        default=None, gt=0, description="standard deviation of the entries of W(0) (Razin & Cohen)"
    )
    balanced: bool = Field(default=False, description="draw W(0), then split its SVD evenly over the factors")
    det: Literal["any", "positive", "negative"] = Field(default="any", description="sign of det W(0), by redrawing")
    seed: int = Field(default=0, ge=0, description="draws the initial factors")

    @model_validator(mode="after")
    def _one_init(self):
        scales = (self.identity_scale, self.layer_alpha, self.product_std)
        if sum(scale is not None for scale in scales) != 1:
            raise ValueError("give exactly one of `identity_scale`, `layer_alpha` and `product_std`")
        if self.product_std is None and (self.balanced or self.det != "any"):
            raise ValueError("`balanced` and `det` go with `product_std`; the other inits are not drawn")
        if self.layer_beta and self.layer_alpha is None:
            raise ValueError("`layer_beta` goes with `layer_alpha`")
        if self.layer_alpha is not None and self.layer_beta >= self.layer_alpha:
            raise ValueError(f"layer_beta is {self.layer_beta}; allowed: 0 to below layer_alpha = {self.layer_alpha}")
        return self


class PSD(Settings):
    """Positive semidefinite matrix W = U U^T with a square U."""

    factor_norm: float = Field(gt=0, description="Frobenius norm of U(0)")
    start: Literal["gaussian", "identity"] = Field(
        default="gaussian", description="U(0): independent normal entries, or a multiple of the identity"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factor")


class CP(Settings):
    """Sum of ``components`` outer products of vectors."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("components",)

    components: int = Field(gt=0, description="number of components R")
    factor_std: float = Field(gt=0, description="standard deviation of the entries of the initial factors")
    balanced: bool = Field(
        default=False, description="then rescale the vectors of each component to their geometric mean norm"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factors")


class DeepCP(CP):
    """CP whose every vector is a product of ``depth`` - 1 square matrices and a vector (Hariz et al. 2022).

    ``factor_std`` is of the vectors' entries; those of the matrices are smaller by the square root of
    their size, so that all norms are alike.
    """

    same_in_batch: ClassVar[tuple[str, ...]] = ("components", "depth")

    depth: int = Field(gt=0, description="factors K of each vector; 1 is plain CP")


class Tucker(Settings):
    """Core times a matrix along each mode, each column a product of ``depth`` factors (Hariz et al. 2024)."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("core_shape", "depth")

    core_shape: list[int] | None = Field(
        default=None, description="length of each mode of the core; those of the tensor where absent"
    )
    depth: int = Field(
        ge=0, description="factors K of each column: K - 1 square matrices and a vector; 0 is the core alone"
    )
    core_std: float = Field(
        gt=0, description="standard deviation of the initial core's entries; columns take their slice's norm"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial core and columns")


class Hierarchical(Settings):
    """Hierarchical Tucker factorization on a binary tree of neighbouring modes (Razin et al. 2022)."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("widths",)

    widths: list[int] = Field(min_length=1, description="width of each level, from the leaves up")
    factor_std: float = Field(gt=0, description="standard deviation of the entries of all initial factors")
    balanced: bool = Field(
        default=False, description="then rescale the weights of each component of the root to their geometric mean norm"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factors")


class BinaryCP(Settings):
    """CP of order 784 with modes of length 2: each prediction a sum of products of 784 factors."""

    tensor_rank: int = Field(gt=0, description="number of components")
    init_mean: float = Field(default=1.0, description="mean of the initial factors")
    init_std: float = Field(default=1.0e-3, ge=0, description="standard deviation of the initial factors")
    seed: int = Field(default=0, ge=0, description="draws the initial factors")


class Autoencoder(Settings):
    """Convolutional autoencoder with square linear layers behind the encoder (Jing et al. 2020)."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("latent_size", "linear_layers")

    latent_size: int = Field(gt=0, description="length n of the latent codes")
    linear_layers: int = Field(ge=0, description="n x n matrices behind the encoder, without bias; 0 is none")
    seed: int = Field(default=0, ge=0, description="draws the initial weights and biases, as torch's layers do")


class GD(Settings):
    """Plain gradient descent."""

    learning_rate: float = Field(gt=0, description="step size")


class GroupRMSprop(Settings):
    """GD whose step is divided by a running norm of the whole gradient, one scalar a run."""

    learning_rate: float = Field(gt=0, description="numerator of the effective step")
    decay: float = Field(default=0.99, ge=0, lt=1, description="decay of the running squared norm")
    eps: float = Field(default=1.0e-6, gt=0, description="added after the square root")


class Adam(Settings):
    """Adam (Kingma & Ba), as in torch."""

    same_in_batch: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "eps")

    learning_rate: float = Field(gt=0, description="step size")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the mean gradient")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="decay of the mean squared gradient")
    eps: float = Field(default=1.0e-8, gt=0, description="added after the square root")


class Stop(Settings):
    """When a run ends: the loss below a level at more than ``checks`` checks in a row, or a cap."""

    loss: float = Field(default=0.0, ge=0, description="level of the loss")
    checks: int = Field(default=0, ge=0, description="the loss must be lower at more checks in a row than this")
    every: int = Field(default=1, gt=0, description="steps from one check to the next")
    max_steps: int | None = Field(default=None, gt=0, description="cap on the steps")
    max_epochs: int | None = Field(default=None, gt=0, description="cap on the epochs, where there are minibatches")

    @model_validator(mode="after")
    def _one_cap(self):
        if (self.max_steps is None) == (self.max_epochs is None):
            raise ValueError("give exactly one of `max_steps` and `max_epochs`")
        return self


class Record(Settings):
    """When a run is recorded; its first and last states always are."""

    every: int | None = Field(default=None, gt=0, description="steps from one record to the next")
    every_epochs: int | None = Field(default=None, gt=0, description="the same in epochs")
    loss_per_decade: int | None = Field(
        default=None,
        gt=0,
        description="of these, keep those whose loss falls below one more of so many levels a decade",
    )
    end_to_end: bool = Field(default=False, description="keep the whole tensor too; matrices always are kept")

    @model_validator(mode="after")
    def _one_spacing(self):
        if (self.every is None) == (self.every_epochs is None):
            raise ValueError("give exactly one of `every` and `every_epochs`")
        return self


class Growth(Settings):
    """Short stencils of consecutive steps, from which growth rates are taken."""

    every: int = Field(gt=0, description="steps from one stencil to the next")
    offsets: list[int] = Field(min_length=2, description="steps of a stencil, counted from its first")

    @model_validator(mode="after")
    def _ordered(self):
        if self.offsets[0] != 0 or self.offsets != sorted(set(self.offsets)) or self.offsets[-1] >= self.every:
            raise ValueError(f"offsets is {self.offsets}; allowed: 0, then rising, all below every = {self.every}")
        return self


class Finish(Settings):
    """What follows the stopping rule: some more steps with smaller learning rates."""

    steps: int = Field(gt=0, description="how many")
    factor: float = Field(gt=0, lt=1, description="factor of the learning rate")


class Training(Settings):
    """The loop around the steps."""

    same_in_batch: ClassVar[tuple[str, ...]] = (
        "dtype",
        "batch_size",
        "order_seed",
        "stop",
        "finish",
        "record",
        "growth",
    )

    dtype: Literal["float32", "float64"] = Field(default="float32", description="precision of the whole step")
    batch_size: int | None = Field(default=None, gt=0, description="images a step; the whole set where absent")
    order_seed: int = Field(default=0, ge=0, description="draws the order of the images in each epoch")
    stop: Stop
    finish: Finish | None = None
    record: Record
    growth: Growth | None = None


class MinimumNuclearNorm(Settings):
    """The feasible matrix of minimum nuclear norm, of each problem of a sweep."""

    problem_functions: ClassVar[tuple[str, ...]] = ("measurements",)

    tolerance: float = Field(
        default=1.0e-3, gt=0, description="how far each measurement may be from its value (Arora et al.: 1e-3)"
    )
    gap: float = Field(default=1.0e-4, gt=0, lt=1, description="relative duality gap to reach")


class LeastSquares(Settings):
    """The linear function of the pixels with the least squared error, of each problem of a sweep."""

    problem_functions: ClassVar[tuple[str, ...]] = ("positives", "class_groups")


PROBLEMS = {
    "completion": Completion,
    "sensing": Sensing,
    "movielens": MovieLens,
    "image_classification": ImageClassification,
    "autoencoding": Autoencoding,
}
FACTORIZATIONS = {
    "deep_matrix": DeepMatrix,
    "psd": PSD,
    "cp": CP,
    "deep_cp": DeepCP,
    "tucker": Tucker,
    "hierarchical": Hierarchical,
    "binary_cp": BinaryCP,
    "autoencoder": Autoencoder,
}
BASELINES = {"least_squares": LeastSquares, "minimum_nuclear_norm": MinimumNuclearNorm}
OPTIMIZERS = {"gd": GD, "group_rmsprop": GroupRMSprop, "adam": Adam}


def check_baseline(kind: str, problem: Settings, factorization: Settings) -> None:
    """Check that a run's problem has a baseline of a kind.

    Raises
    ------
    ValueError
        Where there are no images for least squares; or no matrix of minimum nuclear norm, or noise
        makes overdetermined measurements contradict each other.
    """
    if kind == "least_squares":
        if not isinstance(problem, ImageClassification):
            raise ValueError("a baseline of least squares needs image_classification")
        return
    if not isinstance(problem, Target) or len(problem.shape) != 2:
        raise ValueError("a baseline of minimum nuclear norm needs a matrix")
    entries = math.prod(problem.shape)
    if isinstance(problem, Sensing) and problem.noise_std and problem.measurements > entries:
        raise ValueError(
            f"measurements is {problem.measurements} of {entries} entries, with noise: no matrix fits them all,"
            " so there is no baseline of minimum nuclear norm"
        )
    if isinstance(factorization, PSD) and isinstance(problem, Completion) and problem.observed is not None:
        raise ValueError("entries by hand need not fit any psd matrix: no baseline of minimum nuclear norm over psd")


def across(problem: Settings, factorization: Settings, training: Training) -> None:
    """Check what no tenant can check alone.

    Raises
    ------
    ValueError
        If the factorization cannot represent the problem's object, or the training loop cannot
        feed it.
    """
    if isinstance(factorization, BinaryCP) != isinstance(problem, ImageClassification):
        raise ValueError("binary_cp goes with image_classification, and only with it")
    if isinstance(factorization, Autoencoder) != isinstance(problem, Autoencoding):
        raise ValueError("autoencoder goes with autoencoding, and only with it")
    if isinstance(problem, Autoencoding) and training.order_seed:
        raise ValueError("autoencoding takes the images in the order of the file: no `order_seed`")
    if isinstance(problem, (ImageClassification, Autoencoding)):
        name = next(name for name, model in PROBLEMS.items() if isinstance(problem, model))
        if training.batch_size is None or training.stop.max_epochs is None or training.record.every_epochs is None:
            raise ValueError(f"{name} needs `batch_size`, and `max_epochs` and `every_epochs` in place of steps")
        if training.growth is not None:
            raise ValueError(f"{name} is recorded at the ends of epochs: no `growth`")
        if training.batch_size > problem.train_size:
            raise ValueError(f"batch_size is {training.batch_size}; train_size allows at most {problem.train_size}")
    elif training.batch_size or training.stop.max_epochs or training.record.every_epochs:
        raise ValueError("full-batch descent counts in steps: no `batch_size`, `max_epochs` or `every_epochs`")
    if isinstance(problem, MovieLens) and training.growth is not None:
        raise ValueError("movielens is recorded as spectra, not as matrices: no `growth`")
    if training.record.end_to_end and isinstance(problem, (MovieLens, ImageClassification, Autoencoding)):
        raise ValueError("`end_to_end` is recorded of completion and sensing alone")
    if isinstance(factorization, DeepMatrix):
        if len(problem.shape) != 2:
            raise ValueError(f"shape is {problem.shape}; deep_matrix takes matrices")
        if isinstance(problem, Target) and problem.loss == "huber":
            raise ValueError("deep_matrix has no huber loss: its growth laws are measured with squares")
        if factorization.det != "any" and problem.shape[0] != problem.shape[1]:
            raise ValueError(f"shape is {problem.shape}; only a square matrix has a determinant: leave out `det`")
    if isinstance(factorization, PSD) and (len(problem.shape) != 2 or problem.shape[0] != problem.shape[1]):
        raise ValueError(f"shape is {problem.shape}; psd takes square matrices")
    if isinstance(factorization, CP):
        most = math.prod(problem.shape)
        if factorization.components > most:
            raise ValueError(f"components is {factorization.components}; the shape {problem.shape} has {most} entries")
    if isinstance(factorization, Tucker) and (core := factorization.core_shape) is not None:
        if len(core) != len(problem.shape) or not all(1 <= r <= n for r, n in zip(core, problem.shape, strict=True)):
            raise ValueError(
                f"core_shape is {core}; allowed: one length a mode, each from 1 to that of {problem.shape}"
            )
        if factorization.depth == 0 and core != problem.shape:
            raise ValueError(f"core_shape is {core}; at depth 0 the core is the tensor, of shape {problem.shape}")
    if isinstance(factorization, Hierarchical):
        check_widths("widths", factorization.widths, problem.shape)
