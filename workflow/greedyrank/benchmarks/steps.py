"""How fast a training step is: against the authors' formulation, plain autograd, and the machine.

Each case times three forms of the same step with the same optimizer: ``published``, our rewriting of the authors'
formulation (one-hot sensing tensors, one-hot products over 784 modes); ``plain``, the shortest idiomatic torch
autograd, without one-hot; ``engine``, the stepper that training uses.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.sweeps import Slice
from greedyrank.problems import completion, image_classification
from greedyrank.training import job, on_gpu
from greedyrank.training.devices import denormals_flushed
from greedyrank.training.stepper import TorchStepper

BATCH = 5000  # images of a minibatch

Form = Callable[[int], object]  # takes so many steps
Timed = tuple[
    "_Case", Form | None, Form, float
]  # a case, its published and plain forms, flops of a step; 0: not counted


def seconds(step: Callable[[int], object], at_least: float, repeats: int) -> float:
    """Return the median time of one step, over ``repeats`` blocks of at least so many seconds."""
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    step(1)
    count = 1
    while True:
        synchronize()
        begun = time.perf_counter()
        step(count)
        synchronize()
        if (spent := time.perf_counter() - begun) >= at_least / 2:
            break
        count *= 2
    count = max(1, round(count * at_least / spent))
    blocks = []
    for _ in range(repeats):
        begun = time.perf_counter()
        step(count)
        synchronize()
        blocks.append((time.perf_counter() - begun) / count)
    return statistics.median(blocks)


def product_seconds(
    shapes: list[tuple[int, int, int]], device: str, dtype: torch.dtype = torch.float32, repeats: int = 5
) -> float:
    """Return the time of plain matrix products of these (rows, inner, columns), one after the other."""
    drawn = [[torch.randn(pair, device=device, dtype=dtype) for pair in ((n, k), (k, m), (n, m))] for n, k, m in shapes]

    def step(count: int) -> None:
        for _ in range(count):
            for left, right, out in drawn:
                torch.mm(left, right, out=out)

    return seconds(step, 0.2, repeats)


def gemm_peak(device: str, dtype: torch.dtype = torch.float32) -> float:
    """Return this machine's matrix-product rate, flop/s, on 2000 x 2000 matrices."""
    size = 2000
    return 2 * size**3 / product_seconds([(size, size, size)], device, dtype)


# -- autograd forms --------------------------------------------------------------------------------


def _by_autograd(loss: Callable[[], torch.Tensor], optimizer: torch.optim.Optimizer) -> Form:
    @denormals_flushed()  # as the engine's steps in torch
    def step(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()

    return step


class _GroupRMSprop(torch.optim.Optimizer):
    """GroupRMSprop as the papers' repositories write it."""

    def __init__(self, parameters: list, lr: float):
        super().__init__(parameters, {"lr": lr})
        self._square: Any = 0.0
        self._step = 0

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # no closure here
        parameters = self.param_groups[0]["params"]
        self._step += 1
        self._square = 0.99 * self._square + 0.01 * sum((p.grad**2).sum() for p in parameters)
        effective = self.param_groups[0]["lr"] / ((self._square / (1 - 0.99**self._step)).sqrt() + 1e-6)
        for parameter in parameters:
            parameter -= effective * parameter.grad


# -- the cases -------------------------------------------------------------------------------------


def _leaf(array: np.ndarray, device: str, dtype: str = "float32") -> torch.Tensor:
    return torch.tensor(array, dtype=getattr(torch, dtype), device=device, requires_grad=True)


class _Case:
    """A group of runs and its stepper."""

    def __init__(self, slice_: Slice, device: str, data: dict | None = None):
        self.device = device
        self.runs = slice_.runs
        generated = data or completion.generate(self.runs[0])
        self.stepper = job.make_stepper(on_gpu.suited(slice_, device), [generated] * len(self.runs), device)
        self.data = generated

    def engine(self, count: int) -> None:
        """Take so many steps as training does."""
        self.stepper.advance(count)


def _slice(problem: str, factorization: str, optimizer: str, fixed: dict, axes: dict | None = None) -> Slice:
    """Return the slice of one group that never stops, with the defaults of every setting that is not given."""
    block = {
        "source": "settings of the figure that the case is named after",
        "problem": problem,
        "factorization": factorization,
        "optimizer": optimizer,
        "beyond_step_limit": True,  # how fast a step is does not depend on where it leads
        "fixed": fixed,
        "axes": axes or {},
    }
    return load_sweep(block).whole


FOR_EVER: dict[str, Any] = {"stop": {"max_steps": 10**9}, "record": {"every": 10**9}}


def _deep_matrix(optimizer: str, fixed: dict, axes: dict, device: str) -> tuple[_Case, None, Form]:
    from greedyrank.factorizations import deep_matrix

    case = _Case(_slice("completion", "deep_matrix", optimizer, {**FOR_EVER, **fixed}, axes), device)
    run = case.runs[0]
    seen = slice(run["observations"])
    rows, columns = torch.unravel_index(torch.tensor(case.data["entries"][seen], device=device), run["shape"])
    values = torch.tensor(case.data["values"][seen], dtype=getattr(torch, run["dtype"]), device=device)
    weight = completion.loss_weight(run, case.data)
    drawn = zip(*(deep_matrix.initial(run) for run in case.runs), strict=True)
    factors = [_leaf(np.squeeze(np.stack(layers)), device, run["dtype"]) for layers in drawn]

    def loss() -> torch.Tensor:
        product = factors[0]
        for factor in factors[1:]:
            product = factor @ product
        return weight * ((product[..., rows, columns] - values) ** 2).sum()

    rule: type[Any] = torch.optim.SGD if optimizer == "gd" else _GroupRMSprop
    return case, None, _by_autograd(loss, rule(factors, lr=run["learning_rate"]))


def tiny(device: str, runs: int = 1) -> Timed:
    """2x2, depth 3: Razin & Cohen 2020, Fig. 1; several runs as one group, also in the autograd form."""
    observed = [[0, 1, 1.0], [1, 0, 1.0], [1, 1, 0.0]]
    fixed: dict[str, Any] = {"shape": [2, 2], "observed": observed, "loss": "half_sum", "depth": 3}
    fixed |= {"product_std": 1e-5, "learning_rate": 6e-3}
    return *_deep_matrix("gd", fixed, {"seed": list(range(runs))}, device), 0.0


def deep_matrix_100(device: str, optimizer: str = "gd", depth: int = 3, dtype: str = "float32", runs: int = 1) -> Timed:
    """100x100, rank 5, 2000 observations: Arora et al. 2019."""
    fixed: dict[str, Any] = {
        "shape": [100, 100],
        "target_rank": 5,
        "target_norm": 100.0,
        "observations": 2000,
        "depth": depth,
    }
    fixed |= {"loss": "mean", "product_std": 1e-3, "learning_rate": 0.1 if optimizer == "gd" else 1e-3, "dtype": dtype}
    case, published, plain = _deep_matrix(optimizer, fixed, {"seed": list(range(runs))}, device)
    return case, published, plain, runs * 3 * (depth - 1) * 2 * 100.0**3


def _tensor(
    factorization: str, fixed: dict, device: str, runs: int = 1
) -> tuple[_Case, torch.Tensor, Callable[[Callable[[list], torch.Tensor]], Form]]:
    """Return the completion of a tensor by GroupRMSprop, its observed entries, and what makes an autograd form of it.

    The latter takes ``predictions(parameters)`` at the observed entries, of the parameters of the engine's model.
    """
    fixed = {**FOR_EVER, "loss": "mean", "learning_rate": 1e-2, **fixed}
    axes = {"seed": list(range(runs))}
    case = _Case(_slice("completion", factorization, "group_rmsprop", fixed, axes), device)
    run = case.runs[0]
    seen = slice(run["observations"])
    entries = torch.tensor(case.data["entries"][seen], device=device)
    values = torch.tensor(case.data["values"][seen], dtype=torch.float32, device=device)

    def form(predictions: Callable[[list], torch.Tensor]) -> Form:
        assert isinstance(case.stepper, TorchStepper), "tensors have no compiled steps"
        parameters = [_leaf(parameter[0].cpu().numpy(), device) for parameter in case.stepper.model.parameters]
        return _by_autograd(
            lambda: ((predictions(parameters) - values) ** 2).mean(), _GroupRMSprop(parameters, run["learning_rate"])
        )

    return case, entries, form


def _one_hot(entries: torch.Tensor, shape: list[int]) -> torch.Tensor:
    """Return the dense sensing tensor of each observed entry, (observations, *shape)."""
    one_hot = torch.zeros(len(entries), math.prod(shape), device=entries.device)
    one_hot[torch.arange(len(entries)), entries] = 1
    return one_hot.reshape(-1, *shape)


def cp_order4(device: str, length: int, components: int, observations: int, runs: int = 1) -> Timed:
    """CP of order 4: Razin, Maman & Cohen 2021, Fig. 3 (10, 1000, 2000); Razin & Cohen 2020 (8, 512, 1000)."""
    fixed: dict[str, Any] = {"shape": [length] * 4, "target_rank": 5, "target_norm": 1.0, "observations": observations}
    fixed |= {"components": components, "factor_std": 0.01}
    case, entries, form = _tensor("cp", fixed, device, runs)
    sensing = _one_hot(entries, fixed["shape"])

    def published(factors: list) -> torch.Tensor:
        return (torch.einsum("ar,br,cr,dr->abcd", *factors) * sensing).sum(dim=(1, 2, 3, 4))

    index = torch.unravel_index(entries, fixed["shape"])

    def plain(factors: list) -> torch.Tensor:
        first, second, third, fourth = (factor[i] for factor, i in zip(factors, index, strict=True))
        return (first * second * third * fourth).sum(dim=1)

    return case, form(published), form(plain), runs * 3 * 2.0 * length**4 * components


def tucker_25(device: str, depth: int, core_std: float) -> Timed:
    """Deep Tucker 25x25x25, 70 % observed: Hariz et al. 2024, with the inits that leave the start."""
    fixed: dict[str, Any] = {
        "shape": [25] * 3,
        "target_multilinear_rank": [5] * 3,
        "target_norm": 125.0,
        "observations": 10938,
    }
    fixed |= {"depth": depth, "core_std": core_std}
    case, entries, form = _tensor("tucker", fixed, device)
    sensing = _one_hot(entries, fixed["shape"])

    def published(parameters: list) -> torch.Tensor:
        core, vectors, *matrices = parameters
        columns = []
        for mode in range(3):
            products = []
            for j in range(25):  # as in TuckerLayer.py: the matrices of a column are multiplied first
                product = torch.linalg.multi_dot([matrix[mode, j] for matrix in matrices] + [vectors[mode, j]])
                products.append(product)
            columns.append(torch.stack(products))
        for letters, factor in zip(("ajk,ai->ijk", "iak,aj->ijk", "ija,ak->ijk"), columns, strict=True):
            core = torch.einsum(letters, core, factor)
        return torch.einsum("bijk,ijk->b", sensing, core)

    index = torch.unravel_index(entries, fixed["shape"])

    def plain(parameters: list) -> torch.Tensor:
        core, columns, *matrices = parameters
        for matrix in reversed(matrices):
            columns = torch.einsum("ncij,ncj->nci", matrix, columns)
        return torch.einsum("abc,ai,bj,ck->ijk", core, *columns)[index]

    return case, form(published), form(plain), 3 * 3 * 2.0 * 25**4


def hierarchical_8(device: str) -> Timed:
    """Hierarchical 8x8x8x8, widths 512 and 512: Razin, Maman & Cohen 2022, Fig. of the three dynamics."""
    fixed: dict[str, Any] = {"shape": [8] * 4, "target_widths": [5, 5], "target_norm": 64.0, "observations": 2048}
    fixed |= {"widths": [512, 512], "factor_std": 0.01}
    case, entries, form = _tensor("hierarchical", fixed, device)
    index = torch.stack(torch.unravel_index(entries, fixed["shape"]), dim=1)
    one_hot = torch.nn.functional.one_hot(index, 8).float()  # (observations, modes, 8)

    def published(parameters: list) -> torch.Tensor:
        leaves, weights, root = torch.stack(parameters[:4]), torch.stack(parameters[4:6]), parameters[6]
        activations = torch.einsum("bod,odr->bor", one_hot, leaves)
        activations = activations.unflatten(1, (2, 2)).prod(dim=2)
        return torch.einsum("bod,odr->bor", activations, weights).prod(dim=1) @ root

    def plain(parameters: list) -> torch.Tensor:
        first, second, third, fourth, left, right, root = parameters
        rows = (first[:, None] * second).flatten(0, 1) @ left
        columns = (third[:, None] * fourth).flatten(0, 1) @ right
        return ((rows * root) @ columns.T).flatten()[entries]

    return case, form(published), form(plain), 2 * 3 * 2.0 * 64 * 512**2 + 3 * 2.0 * 64 * 512 * 64


def image(device: str, axes: dict) -> Timed:
    """Classifiers of 1-bit images on minibatches of 5000: Razin, Maman & Cohen 2021, Fig. 4."""
    from greedyrank.factorizations import binary_cp

    rng = np.random.default_rng(0)
    data = {}
    for part, size in (("train", 4 * BATCH), ("test", BATCH)):
        data[f"{part}_bits"] = rng.integers(0, 256, (size, 98), dtype=np.uint8)
        data[f"{part}_labels"] = data[f"{part}_permuted"] = rng.integers(0, 10, size, dtype=np.uint8)
    fixed: dict[str, Any] = {"dataset": "mnist", "train_size": 4 * BATCH, "test_size": BATCH, "batch_size": BATCH}
    fixed |= {"learning_rate": 5e-4, "stop": {"max_epochs": 10**9}, "record": {"every_epochs": 10**9}}
    slice_ = _slice("image_classification", "binary_cp", "adam", fixed, axes)
    case = _Case(slice_, device, data)
    # The autograd forms train every run by itself, as published.
    bits = torch.tensor(np.unpackbits(data["train_bits"][:BATCH], axis=1), device=device)
    one_hot = torch.stack([1 - bits, bits], dim=-1).float()
    index = bits.long()
    target = torch.tensor(data["train_labels"][:BATCH] == 6, device=device) * image_classification.POSITIVE

    def forms(predictions: Callable[[torch.Tensor], torch.Tensor]) -> Form:
        steps = []
        for run in case.runs:
            factors = _leaf(np.stack(binary_cp.initial(run), axis=1), device)
            loss = lambda factors=factors: ((predictions(factors) - target) ** 2).mean()  # noqa: E731
            steps.append(_by_autograd(loss, torch.optim.Adam([factors], lr=5e-4)))
        return lambda count: [step(count) for step in steps]

    def published(factors: torch.Tensor) -> torch.Tensor:
        return torch.einsum("sab,abt->sat", one_hot, factors).prod(dim=1).sum(dim=1)

    modes = torch.arange(binary_cp.PIXELS, device=device)

    def plain(factors: torch.Tensor) -> torch.Tensor:
        return factors[modes, index].prod(dim=1).sum(dim=1)

    columns = sum(run["tensor_rank"] for run in case.runs)
    return case, forms(published), forms(plain), 2 * 2.0 * BATCH * binary_cp.PIXELS * columns


# The deep matrices with a depth and a precision in their names train as in Arora et al.'s Figs. 1 and 2.
CASES: dict[str, Callable[..., Timed]] = {
    "2x2 depth3": tiny,
    "2x2 sweep of 1000 runs": partial(tiny, runs=1000),
    "deep_matrix 100x100 depth3": deep_matrix_100,
    **{
        f"deep_matrix 100x100 depth{depth} {dtype}": partial(
            deep_matrix_100, optimizer="group_rmsprop", depth=depth, dtype=dtype
        )
        for dtype, depth in itertools.product(("float32", "float64"), (2, 3, 4))
    },
    "cp order4 R1000": partial(cp_order4, length=10, components=1000, observations=2000),
    "cp order4 R512": partial(cp_order4, length=8, components=512, observations=1000),
    "tucker 25 K2": partial(tucker_25, depth=2, core_std=0.004),
    "tucker 25 K4": partial(tucker_25, depth=4, core_std=0.036),
    "hierarchical 8^4": hierarchical_8,
    "image r15": partial(image, axes={"tensor_rank": [15], "label": [6]}),
    "image 120 columns": partial(image, axes={"tensor_rank": [15], "label": [0, 1, 2, 3, 4, 5, 6, 7]}),
}
TINY = ("2x2 depth3", "2x2 sweep of 1000 runs")  # always on the CPU


def run(device: str, names: list[str]) -> dict:
    """Time the named cases on a device and return the report.

    Returns
    -------
    dict
        ``gemm_gflops`` and ``gemm_gflops_float64``; for each case, seconds a step in each form (``None``
        where there is no published form), the ratios to the engine's, and the engine's
        matrix-product flops as a fraction of the peak in its precision.
    """
    peaks = {dtype: gemm_peak(device, getattr(torch, dtype)) for dtype in ("float32", "float64")}
    cases = []
    for name in names:
        where = "cpu" if name in TINY else device
        case, published, plain, flops = CASES[name](where)
        engine_s = seconds(case.engine, 0.5, 7)
        plain_s = seconds(plain, 0.5, 3)
        published_s = seconds(published, 0.5, 3) if published else None
        cases.append(
            {
                "case": name,
                "device": where,
                "published_s": published_s,
                "plain_s": plain_s,
                "engine_s": engine_s,
                "ratio_published": published_s / engine_s if published_s else None,
                "ratio": plain_s / engine_s,
                "gemm_fraction": flops / engine_s / peaks[case.runs[0]["dtype"]] if flops else None,
            }
        )
    rates = {"gemm_gflops": peaks["float32"] / 1e9, "gemm_gflops_float64": peaks["float64"] / 1e9}
    return {**rates, "cases": cases}
