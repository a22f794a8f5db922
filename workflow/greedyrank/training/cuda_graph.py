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
    """A call that launches kernels, first as it is, then captured."""

    def __init__(self, call: Callable[[], None]):
        self._call, self._graph = call, torch.cuda.CUDAGraph()
        self._side = torch.cuda.Stream()

    def warm_up(self) -> None:
        """Make the call, on a stream beside the current one, as torch asks for before a capture."""
        current = torch.cuda.current_stream()
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            self._call()
        current.wait_stream(self._side)

    def capture(self) -> None:
        """Note what the call launches; nothing runs."""
        with torch.cuda.graph(self._graph):
            self._call()

    def replay(self) -> None:
        """Launch it all at once."""
        self._graph.replay()


class StepGraph:
    """Steps of which a few are made as they are, all others from a graph.

    Parameters
    ----------
    graph : CudaGraph
        Of one step, which must not wait for the GPU.
    """

    def __init__(self, graph: CudaGraph):
        self._graph, self._cold, self.captured = graph, WARM_UP, False

    def advance(self, steps: int) -> None:
        """Take so many steps."""
        cold = min(steps, self._cold)
        for _ in range(cold):
            self._graph.warm_up()
        self._cold -= cold
        if steps > cold and not self.captured:
            self._graph.capture()
            self.captured = True
        for _ in range(steps - cold):
            self._graph.replay()
