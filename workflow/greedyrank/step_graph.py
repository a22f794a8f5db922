"""A training step captured once as a CUDA graph, then replayed: one launch a step instead of one a kernel.

The steps of small batches are dozens of kernels of microseconds each, so that launching them is what
takes the time. A graph runs the same kernels on the same memory: what a step reads from one step to
the next must stay where it is, and any number that changes must be on the GPU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

# Steps before the capture: the libraries make their handles and choose their kernels when first called.
WARM_UP = 3


class CudaGraph:
    """What a call would launch, captured without running it."""

    def __init__(self, call: Callable[[], None]):
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            call()

    def replay(self) -> None:
        """Run it once."""
        self._graph.replay()

    @staticmethod
    def warm_up(call: Callable[[], None]) -> None:
        """Run a call as it is, on a stream of its own, as torch asks for before a capture."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            call()
        torch.cuda.current_stream().wait_stream(stream)


class StepGraph:
    """Steps that count from the first on: a few as they are, the others from the graph.

    Parameters
    ----------
    step : callable
        Takes one step. It must not wait for the GPU.
    graph : type
        `CudaGraph`, or what stands in for it.
    """

    def __init__(self, step: Callable[[], None], graph: type = CudaGraph):
        self._step, self._make = step, graph
        self._cold, self._graph = WARM_UP, None

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        for _ in range(min(steps, self._cold)):
            self._make.warm_up(self._step)
            self._cold -= 1
            steps -= 1
        if steps and self._graph is None:
            self._graph = self._make(self._step)
        for _ in range(steps):
            self._graph.replay()
