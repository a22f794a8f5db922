"""A training step captured once as a CUDA graph, then replayed: one launch a step instead of one a kernel.

The steps of small groups are dozens of kernels of microseconds each, and most of the time goes into launching them. A
graph runs the same kernels on the same memory. Therefore what a step reads must stay where it is from step to step,
and any number that changes must be on the GPU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

# Steps before the capture: libraries create their handles and choose their kernels in the first calls.
WARM_UP = 3


class CudaGraph:
    """A call that launches kernels: made as it is at first, then captured.

    Parameters
    ----------
    call : callable
        Launches the kernels of one step, without waiting for the GPU.
    """

    def __init__(self, call: Callable[[], None]):
        self._call, self._graph = call, torch.cuda.CUDAGraph()
        self._side = torch.cuda.Stream()

    def warm_up(self) -> None:
        """Make the call on a second stream, as torch requires before a capture."""
        current = torch.cuda.current_stream()
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            self._call()
        current.wait_stream(self._side)

    def capture(self) -> None:
        """Record what the call launches; nothing runs."""
        with torch.cuda.graph(self._graph):
            self._call()

    def replay(self) -> None:
        """Launch everything that was captured."""
        self._graph.replay()


class StepGraph:
    """Steps: the first few as they are, all others by replaying a graph.

    Parameters
    ----------
    graph : CudaGraph
        The graph of one step.
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
