"""A CUDA graph as a CPU can have one: the operations of a call, on their memory, with their numbers.

It tells what a real graph would: a number of Python's that should have changed is the captured one, a
tensor that was replaced is still the captured one, capturing runs nothing, and a call that waits for
the GPU, or that brings data from the CPU, cannot be captured.
"""

import contextlib
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten
# Their results' sizes or values are needed by the CPU, which has to wait for them.
WAITS = {
    aten._local_scalar_dense,
    aten.bincount,
    aten.equal,
    aten.masked_select,
    aten.nonzero,
    aten.repeat_interleave,
    aten._unique2,
}
COPIES = [(torch.Tensor, ("cpu", "cuda", "numpy", "tolist")), (torch, ("as_tensor", "tensor", "from_numpy"))]


class Waits(Exception):
    """An operation that no graph can hold."""


def _tensors(values) -> list:
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


class _Recorder(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls, self.overwritten, self.made = [], [], []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        masks = function.overloadpacket in (aten.index, aten.index_put, aten.index_put_) and any(
            index.dtype == torch.bool for index in _tensors(args[1])
        )
        if function.overloadpacket in WAITS or masks or kwargs.get("device") not in (None, torch.device("cpu")):
            raise Waits(str(function))
        schema = function._schema.arguments
        given = {argument.name: value for argument, value in zip(schema, args, strict=False)} | kwargs
        written = [given[a.name] for a in schema if a.alias_info is not None and a.alias_info.is_write]
        self.overwritten += [(tensor, tensor.clone()) for tensor in _tensors(written)]
        known = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
        found = function(*args, **kwargs)
        self.made += [new for new in _tensors(found) if new.untyped_storage().data_ptr() not in known]
        self.calls.append((function, args, kwargs, found))
        return found


class RecordedGraph:
    """Stands in for `greedyrank.training.cuda_graph.CudaGraph`."""

    def __init__(self, call):
        self._call = call

    def warm_up(self) -> None:
        self._call()

    def capture(self) -> None:
        def waits(*args, **kwargs):
            raise Waits("a copy between CPU and GPU")

        recorder = _Recorder()
        with contextlib.ExitStack() as stack:
            for owner, names in COPIES:
                for name in names:
                    stack.enter_context(mock.patch.object(owner, name, waits))
            with recorder:
                self._call()
        self._calls = recorder.calls
        # A capture runs nothing: what was there is there again, and the new is not yet anything.
        for tensor, before in reversed(recorder.overwritten):
            tensor.copy_(before)
        for tensor in recorder.made:
            if tensor.is_floating_point():
                tensor.fill_(torch.nan)

    def replay(self) -> None:
        for function, args, kwargs, found in self._calls:
            for into, new in zip(_tensors(found), _tensors(function(*args, **kwargs)), strict=True):
                if into.data_ptr() != new.data_ptr():
                    into.copy_(new)
