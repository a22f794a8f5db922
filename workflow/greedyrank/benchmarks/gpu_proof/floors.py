"""What a step must cost at least: the operations and bytes of each of its kernels against a card's ceilings."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

# What makes or looks at a tensor without a kernel.
FREE = {"empty", "empty_like", "new_empty", "empty_strided", "new_empty_strided", "detach", "_unsafe_view"}


@dataclass(frozen=True)
class Kernel:
    """One call: the operations of its matrix product, if it is one, and the bytes it reads and writes."""

    name: str
    dtype: str
    operations: int
    bytes: int


@dataclass(frozen=True)
class Card:
    """The ceilings of a card.

    Operations and bytes a second; seconds of the smallest kernel and of a small matrix product, both in a graph; and
    seconds of a call from Python.
    """

    rates: dict[str, float]
    bandwidth: float
    kernel: float
    product: float
    call: float


# What an H100 is taken to give where it was not measured; float64 runs on its matrix units.
H100 = Card(
    {"float32": 50e12, "float64": 55e12, "bfloat16": 650e12}, bandwidth=3.0e12, kernel=1.8e-6, product=4e-6, call=5e-6
)


class Counted(TorchDispatchMode):
    """Notes every call that launches a kernel."""

    def __init__(self):
        super().__init__()
        self.kernels: list[Kernel] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Make the call, and note it."""
        found = func(*args, **(kwargs or {}))
        packet = func.overloadpacket
        if packet.__name__ not in FREE and not _is_view(func):
            given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
            made = [leaf for leaf in tree_leaves(found) if isinstance(leaf, torch.Tensor)]
            dtype = str((given or made)[0].dtype).removeprefix("torch.") if given or made else ""
            # Of what rows are picked from, no more than those are read.
            moved = (*made, *made) if packet.__name__ == "index_select" else (*given, *made)
            size = sum(tensor.numel() * tensor.element_size() for tensor in moved)
            self.kernels.append(Kernel(packet.__name__, dtype, _operations(func, args, kwargs, found), size))
        return found


def _operations(func, args: tuple, kwargs: dict | None, found) -> int:
    """Return the operations of a matrix product; of another call, none."""
    # torch knows the formulas of the forms that write into a tensor of their own.
    packet = getattr(torch.ops.aten, func.overloadpacket.__name__.removesuffix("_"), None)
    return int(flop_registry[packet](*args, **(kwargs or {}), out_val=found)) if packet in flop_registry else 0


def _is_view(func) -> bool:
    """Return whether a call gives a view of what it was given, and writes nothing."""
    return any(result.alias_info is not None and not result.alias_info.is_write for result in func._schema.returns)


def count(step: Callable[[], None]) -> list[Kernel]:
    """Return the kernels that a call launches."""
    with Counted() as counted:
        step()
    return counted.kernels


def kernels_of(stepper) -> list[Kernel]:
    """Return the kernels of one step of torch's stepper, taken uncaptured."""
    stepper.advance(1)  # what is known of the present parameters is not computed anew
    graph, stepper._graph = stepper._graph, None
    try:
        return count(lambda: stepper.advance(1))
    finally:
        stepper._graph = graph


def total(kernels: list[Kernel]) -> dict:
    """Return the sums over kernels: operations by precision, bytes, and how many there are."""
    operations: dict[str, int] = {}
    for kernel in kernels:
        if kernel.operations:
            operations[kernel.dtype] = operations.get(kernel.dtype, 0) + kernel.operations
    return {"kernels": len(kernels), "bytes": sum(kernel.bytes for kernel in kernels), "operations": operations}


def seconds(kernels: list[Kernel], card: Card, captured: bool) -> float:
    """Return the least time of a step: of each kernel the largest of its floors, or what calling them takes."""
    on_card = math.fsum(
        max(
            card.product if kernel.operations else card.kernel,
            kernel.bytes / card.bandwidth,
            kernel.operations / card.rates.get(kernel.dtype, math.inf),
        )
        for kernel in kernels
    )
    return on_card if captured else max(on_card, len(kernels) * card.call)


def measured(machine: dict) -> Card | None:
    """Return the ceilings in the report of the part ``machine``, or None where it measured no card."""
    launch = machine.get("launch", {})
    if "in_graph" not in launch:
        return None
    return Card(
        machine["product_rates"], machine["bandwidth"], launch["in_graph"], launch["small_product"], launch["call"]
    )
