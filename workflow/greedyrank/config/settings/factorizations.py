"""The settings of factorizations: sizes and initial factors."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from greedyrank.config.settings.base import (
    FactorizationSettings,
    OptimizerSettings,
    ProblemSettings,
    check_tubal,
    check_widths,
)
from greedyrank.config.settings.optimizers import GD
from greedyrank.config.settings.problems import Completion, OwnSensing, Target
from greedyrank.theory import step_limits


class DeepMatrix(FactorizationSettings):
    """Product of ``depth`` matrices, W = W_N ... W_1; hidden widths are the smaller side of W."""

    same_in_group: ClassVar[tuple[str, ...]] = ("depth",)

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

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that the problem looks for a matrix, square where a determinant is asked for."""
        shape = problem.tensor_shape()
        if len(shape) != 2:
            raise ValueError(f"shape is {shape}; deep_matrix takes matrices")
        if isinstance(problem, (Target, OwnSensing)) and problem.loss == "huber":
            raise ValueError("deep_matrix has no huber loss: its growth laws are measured with squares")
        if self.det != "any" and shape[0] != shape[1]:
            raise ValueError(f"shape is {shape}; only a square matrix has a determinant: leave out `det`")

    def step_limit(self, problem: ProblemSettings, optimizer: OptimizerSettings) -> float | None:
        """Return the limit of Chou et al. 2020 for plain gradient descent on a completely observed matrix."""
        if not isinstance(problem, Completion) or not isinstance(optimizer, GD):
            return None
        return step_limits.of_run({**problem.model_dump(), **self.model_dump()})


class LinearNetwork(FactorizationSettings):
    """Product of ``depth`` matrices, as deep_matrix, whose layers are set, compressed and recorded one by one."""

    same_in_group: ClassVar[tuple[str, ...]] = ("depth", "width", "compressed_width", "outer_rate", "record_layers")

    depth: int = Field(ge=2, description="number of layers N")
    width: int | None = Field(default=None, gt=0, description="hidden width; the smaller side of W where absent")
    layer_scales: list[float] | None = Field(
        default=None, description="W_j(0) = layer_scales[j - 1] I: one number a layer, W_1 first (Ghosh et al.)"
    )
    layer_scale: float | None = Field(default=None, gt=0, description="scale of layers that are drawn, see `start`")
    start: Literal["orthogonal", "gaussian"] = Field(
        default="orthogonal",
        description="W_j(0) = `layer_scale` times a random matrix with orthonormal columns or rows, or a Gaussian one"
        " of the same expected norm (Yaras et al.)",
    )
    seed: int = Field(default=0, ge=0, description="draws the initial layers")
    compressed_width: int | None = Field(
        default=None, gt=0, description="train the network in a subspace of so many dimensions alone"
    )
    outer_rate: float | None = Field(
        default=None,
        gt=0,
        description="factor of the step size of the outer layers of a compressed network, which span its subspace; they"
        " are not trained where absent",
    )
    record_layers: bool = Field(default=False, description="record the layers too, where all have one shape")

    @model_validator(mode="after")
    def _consistent(self):
        if (self.layer_scales is None) == (self.layer_scale is None):
            raise ValueError("give exactly one of `layer_scales` and `layer_scale`")
        if self.layer_scales is not None and len(self.layer_scales) != self.depth:
            raise ValueError(f"layer_scales is {self.layer_scales}; allowed: {self.depth} numbers, one a layer")
        if self.start == "gaussian" and self.layer_scale is None:
            raise ValueError("`start` goes with `layer_scale`; the layers of `layer_scales` are not drawn")
        if self.outer_rate is not None and self.compressed_width is None:
            raise ValueError("`outer_rate` goes with `compressed_width`")
        if self.compressed_width is not None:
            self._check_compressed()
        return self

    def _check_compressed(self) -> None:
        if self.layer_scale is None or self.start != "orthogonal" or self.width is not None:
            raise ValueError("`compressed_width` goes with `layer_scale`, orthogonal layers and no `width`")
        if self.record_layers:
            raise ValueError("the layers of a compressed network differ in shape: no `record_layers`")

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that the problem looks for a matrix, and that a compressed network can be made from its data."""
        shape = problem.tensor_shape()
        if len(shape) != 2:
            raise ValueError(f"shape is {shape}; linear_network takes matrices")
        if isinstance(problem, (Target, OwnSensing)) and problem.loss == "huber":
            raise ValueError("linear_network has no huber loss")
        square = shape[0] == shape[1] and self.width in (None, shape[0])
        if self.record_layers and not square:
            raise ValueError(f"shape is {shape}; `record_layers` needs a square matrix and no `width`")
        if self.compressed_width is None:
            return
        if not isinstance(problem, Completion) or problem.target_file is not None or problem.observed is not None:
            raise ValueError("`compressed_width` needs the problem completion, with a target that is drawn")
        if shape[0] != shape[1] or self.compressed_width > shape[0]:
            raise ValueError(
                f"compressed_width is {self.compressed_width} and shape {shape}; allowed: a square matrix, and a width"
                " up to its side"
            )
        if self.outer_rate is None and problem.observations != shape[0] * shape[1]:
            raise ValueError("without `outer_rate` a compressed network needs every entry in `observations`")


class PSD(FactorizationSettings):
    """Positive semidefinite matrix W = U U^T."""

    same_in_group: ClassVar[tuple[str, ...]] = ("columns",)

    columns: int | None = Field(default=None, gt=0, description="number of columns of U; default: as many as rows")
    factor_norm: float = Field(gt=0, description="Frobenius norm of U(0)")
    start: Literal["gaussian", "identity"] = Field(
        default="gaussian", description="U(0): independent normal entries, or a multiple of the identity"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factor")

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that the problem looks for a square matrix."""
        shape = problem.tensor_shape()
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(f"shape is {shape}; psd takes square matrices")
        if self.columns is not None and self.columns > shape[0]:
            raise ValueError(f"columns is {self.columns}; allowed: up to the {shape[0]} rows of the shape {shape}")
        if self.columns not in (None, shape[0]) and self.start == "identity":
            raise ValueError(f"columns is {self.columns}; a multiple of the identity needs as many as rows, {shape[0]}")


class CP(FactorizationSettings):
    """Sum of ``components`` outer products of vectors."""

    same_in_group: ClassVar[tuple[str, ...]] = ("components",)

    components: int = Field(gt=0, description="number of components R")
    factor_std: float = Field(gt=0, description="standard deviation of the entries of the initial factors")
    balanced: bool = Field(
        default=False, description="then rescale the vectors of each component to their geometric mean norm"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factors")

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that there are no more components than entries."""
        shape = problem.tensor_shape()
        if self.components > math.prod(shape):
            raise ValueError(f"components is {self.components}; the shape {shape} has {math.prod(shape)} entries")


class DeepCP(CP):
    """CP whose every vector is a product of ``depth`` - 1 square matrices and a vector (Hariz et al. 2022).

    ``factor_std`` is of the vectors' entries; those of the matrices are smaller by the square root of
    their size, so that all norms are alike.
    """

    same_in_group: ClassVar[tuple[str, ...]] = ("components", "depth")

    depth: int = Field(gt=0, description="factors K of each vector; 1 is plain CP")


class Tucker(FactorizationSettings):
    """Core times a matrix along each mode, each column a product of ``depth`` factors (Hariz et al. 2024)."""

    same_in_group: ClassVar[tuple[str, ...]] = ("core_shape", "depth")

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

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that the core fits into the tensor."""
        shape, core = problem.tensor_shape(), self.core_shape
        if core is None:
            return
        if len(core) != len(shape) or not all(1 <= r <= n for r, n in zip(core, shape, strict=True)):
            raise ValueError(f"core_shape is {core}; allowed: one length a mode, each from 1 to that of {shape}")
        if self.depth == 0 and core != shape:
            raise ValueError(f"core_shape is {core}; at depth 0 the core is the tensor, of shape {shape}")


class Hierarchical(FactorizationSettings):
    """Hierarchical Tucker factorization on a binary tree of neighbouring modes (Razin et al. 2022)."""

    same_in_group: ClassVar[tuple[str, ...]] = ("widths",)

    widths: list[int] = Field(min_length=1, description="width of each level, from the leaves up")
    factor_std: float = Field(gt=0, description="standard deviation of the entries of all initial factors")
    balanced: bool = Field(
        default=False, description="then rescale the weights of each component of the root to their geometric mean norm"
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factors")

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that there is one width for each level of the tree."""
        check_widths("widths", self.widths, problem.tensor_shape())


class Tubal(FactorizationSettings):
    """Symmetric tensor X = U * U^T of the t-product (Karnik et al. 2025)."""

    same_in_group: ClassVar[tuple[str, ...]] = ("columns",)

    columns: int | None = Field(default=None, gt=0, description="number of columns of U; default: as many as rows")
    width: int | None = Field(
        default=None,
        gt=0,
        description="columns that U(0) is drawn with; default: those of U. From another U(0) with the same U * U^T gd"
        " and group_rmsprop take the same X at every step, so that U needs no more columns than rows",
    )
    tubal_alpha: float = Field(
        gt=0,
        description="alpha: the entries of U(0) have the standard deviation alpha / sqrt(width), so that X(0) is near"
        " alpha^2 times the length of the tubes times the identity",
    )
    seed: int = Field(default=0, ge=0, description="draws the initial factor")

    def check_problem(self, problem: ProblemSettings) -> None:
        """Check that the problem looks for a tensor of square slices, and that the columns hold the drawn width."""
        shape = problem.tensor_shape()
        check_tubal("tubal", shape)
        needed = min(self.width or 1, shape[0])
        if self.columns is not None and self.columns < needed:
            raise ValueError(f"columns is {self.columns}; width {self.width} at shape {shape} needs at least {needed}")


class BinaryCP(FactorizationSettings):
    """CP of order 784 with modes of length 2: each prediction a sum of products of 784 factors."""

    only_with: ClassVar[str] = "image_classification"

    tensor_rank: int = Field(gt=0, description="number of components")
    init_mean: float = Field(default=1.0, description="mean of the initial factors")
    init_std: float = Field(default=1.0e-3, ge=0, description="standard deviation of the initial factors")
    seed: int = Field(default=0, ge=0, description="draws the initial factors")


class Autoencoder(FactorizationSettings):
    """Convolutional autoencoder with square linear layers behind the encoder (Jing et al. 2020)."""

    same_in_group: ClassVar[tuple[str, ...]] = ("latent_size", "linear_layers")
    only_with: ClassVar[str] = "autoencoding"

    latent_size: int = Field(gt=0, description="length n of the latent codes")
    linear_layers: int = Field(ge=0, description="n x n matrices behind the encoder, without bias; 0 is none")
    seed: int = Field(default=0, ge=0, description="draws the initial weights and biases, as torch's layers do")


FACTORIZATIONS: dict[str, type[FactorizationSettings]] = {
    "deep_matrix": DeepMatrix,
    "linear_network": LinearNetwork,
    "psd": PSD,
    "cp": CP,
    "deep_cp": DeepCP,
    "tucker": Tucker,
    "hierarchical": Hierarchical,
    "tubal": Tubal,
    "binary_cp": BinaryCP,
    "autoencoder": Autoencoder,
}
