"""The settings of problems: targets, what is seen of them, and data sets."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from greedyrank.config import ratings_file, target_files
from greedyrank.config.grammar import path_name
from greedyrank.config.settings.arrays import ArraySettings, copies
from greedyrank.config.settings.base import ProblemSettings, check_tubal, check_widths
from greedyrank.config.yaml_input import ConfigError

if TYPE_CHECKING:
    from greedyrank.config.settings.training import Training
    from greedyrank.config.sweeps import Run

# On what a target depends beside its seed.
TARGET = (
    "shape",
    "target_rank",
    "target_norm",
    "target_symmetric",
    "target_spectrum",
    "target_aligned",
    "target_decay",
    "target_truncated_rank",
    "target_multilinear_rank",
    "target_widths",
    "target_root_spectrum",
    "target_root_least",
    "target_tubal_rank",
    "target_file",
)
# Of these, what is not said of a target in a file.
DRAWN = tuple(name for name in TARGET if name not in ("shape", "target_rank", "target_norm", "target_file"))
# Kinds of targets that are not rescaled.
OWN_NORM = ("target_spectrum", "target_truncated_rank", "target_tubal_rank")


LOSS = "mean of the squared residuals over what is seen, half their sum, or their mean smooth l1 loss"
HUBER_THRESHOLD = "residual beyond which the Huber loss, divided by this threshold, is linear"


def check_shape_and_loss(shape: list[int], loss: str, huber_threshold: float | None) -> None:
    """Check the shape of what is recovered, and that a Huber loss, and no other, has a threshold.

    Raises
    ------
    ValueError
        Naming the setting.
    """
    if min(shape) < 1:
        raise ValueError(f"shape is {shape}; every mode needs a length of at least 1")
    if (loss == "huber") != (huber_threshold is not None):
        raise ValueError("`huber_threshold` goes with the loss huber, and only with it")


def check_file(setting: str, name: str) -> None:
    """Check the name of a file of one's own.

    Raises
    ------
    ValueError
        If it is no path, or has an ending that no reader takes.
    """
    if Path(path_name(name, "file")).suffix.lower() not in target_files.SUFFIXES:
        raise ValueError(f"{setting} is {name!r}; allowed endings: {', '.join(target_files.SUFFIXES)}")


class Target(ArraySettings):
    """What is to be recovered; see `greedyrank.data.targets`.

    In Python it may be an array: ``target=array``, or ``target=(indices, values)`` of the entries that are known. It
    then stands in place of a ``target_file``, and the shape is that of the array.
    """

    file_setting: ClassVar[str] = "target_file"

    def __init__(self, *, target: Any = None, **settings: Any):
        if target is None:
            super().__init__(**settings)
            return
        if settings.get("target_file") is not None:
            raise ConfigError([f"{type(self).__name__}: `target` and `target_file` are both given; keep one"])
        content, file = copies(_named(target), "target")
        if "target" in content:
            settings = {"shape": content["target"].shape, **settings}
        super().__init__(**{**settings, "target_file": file})
        self._keep(content)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # as in `Settings`

    def _as_arguments(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"target": content}

    usual: ClassVar[Mapping[str, Any]] = {"loss": "mean"}

    shape: list[int] = Field(min_length=2, description="length of each mode")
    target_rank: int | None = Field(default=None, gt=0, description="CP rank of the Gaussian target")
    target_norm: float | None = Field(default=None, gt=0, description="Frobenius norm of the target")
    target_symmetric: bool = Field(default=False, description="Gaussian target U U^T in place of U V^T")
    target_spectrum: list[float] | None = Field(
        default=None, min_length=1, description="eigenvalues of a symmetric target with random eigenvectors"
    )
    target_aligned: bool = Field(
        default=False, description="the eigenvectors of `target_spectrum` are the axes: an exactly diagonal target"
    )
    target_decay: float | None = Field(
        default=None, gt=0, description="eigenvalues k^-decay, rescaled to `target_norm`, with random eigenvectors"
    )
    target_truncated_rank: int | None = Field(
        default=None, gt=0, description="best approximation of this rank to a standard normal matrix"
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
    target_root_least: float | None = Field(
        default=None,
        gt=0,
        description="a hierarchical target is drawn again until each of its singular values between its two halves,"
        " as many as its last width, is above this",
    )
    target_tubal_rank: int | None = Field(
        default=None,
        gt=0,
        description="tubal rank of a target Q * Q^T (t-product) that projects on a random tubal column space",
    )
    target_file: str | None = Field(
        default=None,
        description="a file with the target, or with a list of its observed entries (npz, npy, csv or pt), below the"
        " data folder or with its whole path; `target_rank` and `target_norm` are then compared with it",
    )
    noise_std: float = Field(default=0.0, ge=0, description="standard deviation of what is added to each value seen")
    data_seed: int = Field(default=0, ge=0, description="draws the target, what is seen of it, and the noise")
    loss: Literal["mean", "half_sum", "huber"] = Field(description=LOSS)
    huber_threshold: float | None = Field(default=None, gt=0, description=HUBER_THRESHOLD)

    @model_validator(mode="after")
    def _shape_and_loss(self):
        check_shape_and_loss(self.shape, self.loss, self.huber_threshold)
        return self

    def tensor_shape(self) -> list[int]:
        """Return the shape of the target."""
        return self.shape

    def _check_target(self) -> None:
        """Check that exactly one kind of target is given, and that the shape allows it."""
        if self.target_file is not None:
            self._check_file(self.target_file)
            self._check_rank("target_rank", self.target_rank)
            return
        kinds = {
            "target_rank": self.target_rank,
            "target_spectrum": self.target_spectrum,
            "target_decay": self.target_decay,
            "target_truncated_rank": self.target_truncated_rank,
            "target_multilinear_rank": self.target_multilinear_rank,
            "target_widths": self.target_widths,
            "target_tubal_rank": self.target_tubal_rank,
        }
        given = [name for name, value in kinds.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(kinds)}, or `target_file`")
        if (self.target_norm is None) == (given[0] not in OWN_NORM):
            raise ValueError(f"a target needs `target_norm`; only {' and '.join(OWN_NORM)} have their own norm")
        square = len(self.shape) == 2 and self.shape[0] == self.shape[1]
        if (given[0] in ("target_spectrum", "target_decay") or self.target_symmetric) and not square:
            raise ValueError(f"shape is {self.shape}; a symmetric target needs a square matrix")
        if self.target_aligned and self.target_spectrum is None:
            raise ValueError("`target_aligned` goes with `target_spectrum`")
        if self.target_truncated_rank is not None:
            self._check_truncated(self.target_truncated_rank)
        if self.target_spectrum is not None and len(self.target_spectrum) > self.shape[0]:
            raise ValueError(
                f"target_spectrum has {len(self.target_spectrum)} eigenvalues; the shape {self.shape} allows"
                f" at most {self.shape[0]}"
            )
        if self.target_symmetric and given[0] in ("target_truncated_rank", "target_multilinear_rank", "target_widths"):
            raise ValueError(f"`target_symmetric` goes with `target_rank`; {given[0]} draws no symmetric target")
        self._check_rank("target_rank", self.target_rank)
        if (ranks := self.target_multilinear_rank) is not None:
            if len(ranks) != len(self.shape):
                raise ValueError(f"target_multilinear_rank is {ranks}; allowed: one rank for each mode of {self.shape}")
            for rank, length in zip(ranks, self.shape, strict=True):
                # An unfolding of the core has rank at most the product of the other ranks.
                if not 1 <= rank <= min(length, math.prod(ranks) // max(rank, 1)):
                    raise ValueError(
                        f"target_multilinear_rank is {ranks}; the shape {self.shape} does not allow {rank}"
                    )
        if self.target_tubal_rank is not None:
            self._check_tubal_rank(self.target_tubal_rank)
        if self.target_widths is not None:
            check_widths("target_widths", self.target_widths, self.shape)
        if (spectrum := self.target_root_spectrum) is not None:
            if self.target_widths is None or len(spectrum) != self.target_widths[-1]:
                raise ValueError(
                    f"target_root_spectrum is {spectrum}; it needs `target_widths`, and one value for each of the last"
                )
            if min(spectrum) <= 0:
                raise ValueError(f"target_root_spectrum is {spectrum}; allowed: singular values above 0")
            if len(spectrum) > (most := self._most_root_values()):
                raise ValueError(
                    f"target_root_spectrum has {len(spectrum)} values; target_widths {self.target_widths} and the"
                    f" shape {self.shape} allow at most {most}"
                )
        if self.target_root_least is not None:
            self._check_root_least(self.target_root_least)

    def _check_tubal_rank(self, rank: int) -> None:
        check_tubal("target_tubal_rank", self.shape)
        if rank > self.shape[0]:
            raise ValueError(f"target_tubal_rank is {rank}; the shape {self.shape} allows at most {self.shape[0]}")

    def _check_truncated(self, rank: int) -> None:
        if len(self.shape) != 2:
            raise ValueError(f"shape is {self.shape}; `target_truncated_rank` needs a matrix")
        if rank > min(self.shape):
            raise ValueError(
                f"target_truncated_rank is {rank}; the shape {self.shape} allows at most {min(self.shape)}"
            )

    def _most_root_values(self) -> int:
        """Return how many singular values between the two halves the widths and the shape allow to differ from 0."""
        # The two blocks below the root have no higher rank than any width on the way to them, nor than the modes
        # they join.
        assert self.target_widths is not None
        ranks = [min(length, self.target_widths[0]) for length in self.shape]
        for widths in itertools.pairwise(self.target_widths):
            ranks = [min(left * right, *widths) for left, right in zip(ranks[::2], ranks[1::2], strict=True)]
        return min(ranks)

    def _check_root_least(self, least: float) -> None:
        if self.target_widths is None or self.target_root_spectrum is not None:
            raise ValueError("`target_root_least` goes with `target_widths`, without `target_root_spectrum`")
        assert self.target_norm is not None
        count = self.target_widths[-1]
        if count > (most := self._most_root_values()):
            raise ValueError(
                f"target_root_least needs {count} singular values; target_widths {self.target_widths} and the shape"
                f" {self.shape} allow at most {most}"
            )
        if least >= self.target_norm / math.sqrt(count):
            raise ValueError(
                f"target_root_least is {least}; {count} singular values of a target of norm {self.target_norm} cannot"
                f" all exceed {self.target_norm / math.sqrt(count):.6g}"
            )

    def _check_file(self, name: str) -> None:
        check_file("target_file", name)
        if given := [setting for setting in DRAWN if getattr(self, setting)]:
            raise ValueError(f"`target_file` excludes {', '.join(given)}")

    def _check_rank(self, name: str, rank: int | None) -> None:
        highest = math.prod(self.shape) // max(self.shape)
        if rank is not None and rank > highest:
            raise ValueError(f"{name} is {rank}; the shape {self.shape} allows at most {highest}")


def _named(target: Any) -> Mapping[str, Any]:
    """Return a target that was given in Python as arrays by the names of `greedyrank.data.target_files`."""
    if isinstance(target, Mapping):
        return target
    if isinstance(target, tuple) and len(target) == 2:
        return dict(zip(("indices", "values"), target, strict=True))
    return {"target": target}


class Completion(Target):
    """Recover a matrix or tensor from some of its entries."""

    same_in_group: ClassVar[tuple[str, ...]] = ("shape", "huber_threshold")
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
        # A file may list what is observed; of a whole target all is, unless it is said how much.
        elif self.observations is None and self.observed_fraction is None and self.target_file is not None:
            self._check_target()
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
        for row in self.observed or []:
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


class HuberCompletion(Completion):
    """Completion trained on the Huber loss, recorded and stopped by the mean squared residual."""

    usual: ClassVar[Mapping[str, Any]] = {}  # its loss has a default

    loss: Literal["huber"] = Field(default="huber", description="mean smooth l1 loss of the residuals")


class SwitchedCompletion(Completion):
    """Completion with a deficit: for some steps another task is trained, before and after them the final one.

    The deficit task is the completion of another target from the same entries, or of the same from fewer, or both
    (Kleinman, Achille & Soatto 2024).
    """

    same_in_group: ClassVar[tuple[str, ...]] = (*Completion.same_in_group, "deficit_start", "deficit_steps")
    data_settings: ClassVar[tuple[str, ...]] = (*Completion.data_settings, "deficit_rank")

    deficit_start: int = Field(default=0, ge=0, description="first step of the deficit task")
    deficit_steps: int = Field(gt=0, description="how many steps train the deficit task; all others the final one")
    deficit_rank: int | None = Field(
        default=None,
        gt=0,
        description="CP rank of a Gaussian target of the deficit task, of norm `target_norm`; default: the same target",
    )
    deficit_observations: int | None = Field(
        default=None, gt=0, description="entries that the deficit task sees, the first of `observations`; default: all"
    )

    @model_validator(mode="after")
    def _has_deficit(self):
        if self.deficit_rank is None and self.deficit_observations is None:
            raise ValueError("a deficit task needs `deficit_rank`, `deficit_observations`, or both")
        if self.deficit_rank is not None:
            if self.target_norm is None:
                raise ValueError("`deficit_rank` needs `target_norm`, which is that of its target too")
            self._check_rank("deficit_rank", self.deficit_rank)
        if self.deficit_observations is not None:
            if self.observations is None:
                raise ValueError("`deficit_observations` goes with `observations`")
            if self.deficit_observations >= self.observations:
                raise ValueError(
                    f"deficit_observations is {self.deficit_observations}; allowed: fewer than the {self.observations}"
                    " observations"
                )
        return self

    def check_schedule(self, name: str, training: Training) -> None:
        """Check the schedule, and that the final task has the last steps of every run."""
        super().check_schedule(name, training)
        end, cap = self.deficit_start + self.deficit_steps, training.stop.max_steps
        if cap is not None and end >= cap:
            raise ValueError(f"the deficit ends at step {end}; allowed: before the last step, max_steps = {cap}")
        if training.stop.loss:
            raise ValueError(f"{name} has no stopping rule, which the deficit task could meet: no `stop.loss`")


class Sensing(Target):
    """Recover a matrix or tensor from inner products with random ones, y_i = <A_i, W*>."""

    same_in_group: ClassVar[tuple[str, ...]] = (
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


class OwnSensing(ArraySettings):
    """Recover a matrix or tensor from inner products with given ones, y_i = <A_i, W*>.

    In Python the A_i may be an array, ``matrices=array`` of shape (measurements, ...); beside them stand
    ``values=array``, the y_i, or ``target=array``, of which they are then computed. The shape is that of the arrays.
    """

    file_setting: ClassVar[str] = "sensing_file"
    usual: ClassVar[Mapping[str, Any]] = {"loss": "mean"}
    same_in_group: ClassVar[tuple[str, ...]] = ("shape", "sensing_file", "huber_threshold")
    data_settings: ClassVar[tuple[str, ...]] = ("shape", "sensing_file", "noise_std", "data_seed")

    shape: list[int] = Field(min_length=2, description="length of each mode")
    sensing_file: str = Field(
        description="a file (npz, npy, csv or pt) with the A_i, and with their values or the target, below the data"
        " folder or with its whole path"
    )
    noise_std: float = Field(
        default=0.0, ge=0, description="standard deviation of what is added to each value that is computed of a target"
    )
    data_seed: int = Field(default=0, ge=0, description="draws the noise")
    loss: Literal["mean", "half_sum", "huber"] = Field(description=LOSS)
    huber_threshold: float | None = Field(default=None, gt=0, description=HUBER_THRESHOLD)

    def __init__(self, *, matrices: Any = None, values: Any = None, target: Any = None, **settings: Any):
        given = {"matrices": matrices, "values": values, "target": target}
        given = {name: array for name, array in given.items() if array is not None}
        if not given:
            super().__init__(**settings)
            return
        if settings.get("sensing_file") is not None:
            raise ConfigError([f"OwnSensing: `{next(iter(given))}` and `sensing_file` are both given; keep one"])
        if matrices is None:
            raise ConfigError([f"OwnSensing: `{next(iter(given))}` is given without `matrices`, the A_i"])
        content, file = copies(given, "sensing")
        shape = content["target"].shape if "target" in content else content["matrices"].shape[1:]
        if len(shape) > 1:  # not of A_i that are flattened
            settings = {"shape": shape, **settings}
        super().__init__(**{**settings, "sensing_file": file})
        self._keep(content)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # as in `Settings`

    @model_validator(mode="after")
    def _consistent(self):
        check_shape_and_loss(self.shape, self.loss, self.huber_threshold)
        check_file("sensing_file", self.sensing_file)
        return self

    def tensor_shape(self) -> list[int]:
        """Return the shape of what is recovered."""
        return self.shape


class MovieLens(ProblemSettings):
    """Predict ratings of movies by users from some of them: MovieLens 100K (Arora et al., Fig. 3)."""

    same_in_group: ClassVar[tuple[str, ...]] = ("shape",)
    data_settings: ClassVar[tuple[str, ...]] = ("shape", "data_seed")
    files: ClassVar[tuple[str, ...]] = (ratings_file.FILE,)
    records_matrices: ClassVar[bool] = False
    has_growth: ClassVar[bool] = False  # spectra are recorded, not matrices

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

    def tensor_shape(self) -> list[int]:
        """Return movies and users."""
        return self.shape


def _check_batch_size(training: Training, train_size: int) -> None:
    if training.batch_size is not None and training.batch_size > train_size:
        raise ValueError(f"batch_size is {training.batch_size}; train_size allows at most {train_size}")


PIXELS = 784
# Arrays of (images of a minibatch, columns) that a step holds: products, their weights, and one more.
ARRAYS_BY_IMAGE = 3
# Arrays of (pixels, columns): two factors, each with its guarded copy, logarithm, gradient and Adam's two means.
ARRAYS_BY_PIXEL = 12


def _columns(runs: list[Run]) -> int:
    """Return the columns of a job on images: the components of all its runs."""
    return sum(run["tensor_rank"] for run in runs)


class ImageClassification(ProblemSettings):
    """Tell one class of 1-bit images from the rest, as completion of a tensor of order 784."""

    same_in_group: ClassVar[tuple[str, ...]] = ("dataset", "images", "train_size", "test_size", "data_seed")
    data_settings: ClassVar[tuple[str, ...]] = ("dataset", "images", "data_seed")
    only_with: ClassVar[str] = "binary_cp"
    minibatches: ClassVar[bool] = True
    records_matrices: ClassVar[bool] = False
    has_growth: ClassVar[bool] = False

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

    def check_schedule(self, name: str, training: Training) -> None:
        """Check the schedule, and that a minibatch is no larger than the training set."""
        super().check_schedule(name, training)
        _check_batch_size(training, self.train_size)

    @classmethod
    def job_bytes(cls, runs: list[Run]) -> int:
        """Return about how many bytes the arrays of a job take, its images and labels included."""
        run = runs[0]
        of_columns = _columns(runs) * (ARRAYS_BY_IMAGE * run["batch_size"] + ARRAYS_BY_PIXEL * PIXELS)
        of_images = (run["train_size"] + run["test_size"]) * (PIXELS + len(runs))
        return (of_columns + of_images) * {"float32": 4, "float64": 8}[run["dtype"]]

    @classmethod
    def memory_advice(cls, runs: list[Run]) -> str:
        """Return how a job on images can be made smaller."""
        return (
            f"its {_columns(runs)} columns are all components of its runs: split it by naming `tensor_rank` in"
            " `job_per`, or give it fewer labels, ranks or seeds, or a smaller `batch_size`"
        )


class Autoencoding(ProblemSettings):
    """Reconstruct images, resized to 32x32, in minibatches in the order of the file (Jing et al. 2020)."""

    same_in_group: ClassVar[tuple[str, ...]] = ("dataset", "train_size", "test_size")
    data_settings: ClassVar[tuple[str, ...]] = ("dataset", "train_size", "test_size")
    only_with: ClassVar[str] = "autoencoder"
    minibatches: ClassVar[bool] = True
    records_matrices: ClassVar[bool] = False
    has_growth: ClassVar[bool] = False

    dataset: Literal["mnist", "fashion_mnist"] = Field(description="which images")
    train_size: int = Field(default=60000, gt=0, le=60000, description="first so many training images")
    test_size: int = Field(
        default=10000, ge=2, le=10000, description="first so many test images, of which the latent codes are taken"
    )

    def check_schedule(self, name: str, training: Training) -> None:
        """Check the schedule, and that images are taken in the order of the file."""
        super().check_schedule(name, training)
        _check_batch_size(training, self.train_size)
        if training.order_seed:
            raise ValueError(f"{name} takes the images in the order of the file: no `order_seed`")


PROBLEMS: dict[str, type[ProblemSettings]] = {
    "completion": Completion,
    "huber_completion": HuberCompletion,
    "switched_completion": SwitchedCompletion,
    "sensing": Sensing,
    "own_sensing": OwnSensing,
    "movielens": MovieLens,
    "image_classification": ImageClassification,
    "autoencoding": Autoencoding,
}
