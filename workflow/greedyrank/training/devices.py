"""Put a training job on its device: which GPU it takes, and how its numbers are rounded."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from greedyrank.errors import UserError

_held: list[TextIO] = []  # the lock on this process's GPU; it is released when the process ends


def take_card(cards: list[str], folder: Path) -> int:
    """Return the index of the GPU that the fewest processes have taken in this way.

    Snakemake counts GPUs, but does not tell a job which one to use. So each job locks a file: the first free one of
    "first job on each GPU", then "second job on each GPU", and so on. The lock is held until the process ends. Where
    files cannot be locked, jobs are spread over the GPUs by the numbers of their processes.

    Parameters
    ----------
    cards : list of str
        An identifier of each GPU of this machine.
    folder : Path
        Where the locked files are.
    """
    for number in itertools.count():
        for index, card in enumerate(cards):
            file = (folder / f"greedyrank-{os.getuid()}-{card}-{number}.lock").open("w", encoding="utf-8")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            except OSError:
                # A file system without locks: any GPU is right, and which are free cannot be told.
                file.close()
                return os.getpid() % len(cards)
            else:
                _held.append(file)
                return index
    raise AssertionError("there is always one more file")


def _flushes_denormals() -> bool:
    # torch sets this state of the processor but cannot tell it: a denormal number tells.
    return sys.float_info.min / 2 == 0.0


@contextlib.contextmanager
def denormals_flushed() -> Iterator[None]:
    """Let this thread's CPU treat denormal numbers as zero, in torch and numpy; restore its state afterwards.

    Squares of the gradients of small inits underflow. As denormal numbers they would make a step up to thirty times
    slower, and they are far below the rounding of any sum that matters. It imports torch.
    """
    import torch

    before = _flushes_denormals()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def prepare(device: str) -> str:
    """Set up this process for training on a device, and describe the device.

    For a GPU: take one of the machine's, and let torch compute in full float32 precision, in a fixed order.

    Raises
    ------
    UserError
        If a GPU is asked for and torch sees none.
    """
    if device == "cpu":
        return "cpu"  # nothing to set up, and a job of compiled kernels must not import torch
    import torch

    if not torch.cuda.is_available():
        raise UserError(
            f"a GPU is asked for, but torch {torch.__version__} sees none here: set `device: cpu`, or install a torch"
            " that is built for CUDA and fits the driver"
        )
    # In TF32 the sums of logarithms of binary_cp would lose their last digits; the environment could ask for TF32.
    torch.set_float32_matmul_precision("highest")
    # Sums of bfloat16 products are float32 throughout, also where a product is taken in pieces.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    # Convolutions have a switch of their own, on by default, and algorithms that add in an order of their own.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    cards = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    torch.cuda.set_device(take_card(cards, Path(tempfile.gettempdir())))
    return torch.cuda.get_device_name()
