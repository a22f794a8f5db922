"""Put a training job on its device, in full float32 precision."""

from __future__ import annotations

import fcntl
import itertools
import os
import tempfile
from pathlib import Path

from greedyrank.errors import UserError

_held = []  # the lock on this process's card, until the process ends, however it does


def take_card(cards: list[str], folder: Path) -> int:
    """Return the index of a card that no more processes have taken so than any other.

    Snakemake counts GPUs, but tells no job which one is its own. So each job locks a file, the first that
    is free of: first job on each card, second job on each card, and so on.

    Parameters
    ----------
    cards : list of str
        What identifies each card on this machine.
    folder : Path
        Where the locked files are.
    """
    for number in itertools.count():
        for index, card in enumerate(cards):
            file = (folder / f"greedyrank-{os.getuid()}-{card}-{number}.lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                _held.append(file)
                return index
    raise AssertionError("there is always one more file")


def prepare(device: str) -> str:
    """Set up torch for a job that uses it, and describe the device.

    Raises
    ------
    UserError
        If a GPU is asked for and torch sees none.
    """
    if device == "cpu":
        return "cpu"  # torch takes its threads from OMP_NUM_THREADS; the compiled kernels need no torch
    import torch

    if not torch.cuda.is_available():
        raise UserError(
            f"this is to train on a GPU, but torch {torch.__version__} sees none here: set `device: cpu`, or install a"
            " torch that is built for CUDA and fits the driver"
        )
    # The logarithm sums of binary_cp lose their last digits in TF32. Set whatever the environment says.
    torch.set_float32_matmul_precision("highest")
    # Sums of bfloat16 products are float32 throughout, also where a product is taken in pieces.
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    # Convolutions have a switch of their own, which is on by default, and algorithms that add in any order.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    cards = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    torch.cuda.set_device(take_card(cards, Path(tempfile.gettempdir())))
    return torch.cuda.get_device_name()
