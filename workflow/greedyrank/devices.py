"""Put a training job on its device, in full float32 precision."""

from __future__ import annotations

from greedyrank.errors import Explained


def prepare(device: str) -> str:
    """Set up torch for a job that uses it, and describe the device.

    Raises
    ------
    Explained
        If a GPU is asked for and torch sees none.
    """
    if device == "cpu":
        return "cpu"  # torch takes its threads from OMP_NUM_THREADS; the compiled kernels need no torch
    import torch

    if not torch.cuda.is_available():
        raise Explained("device is cuda, but torch sees no GPU here; set `device: cpu` or `auto`")
    # The logarithm sums of binary_cp lose their last digits in TF32.
    torch.backends.cuda.matmul.allow_tf32 = False
    # Convolutions have a switch of their own, which is on by default, and algorithms that add in any order.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    return torch.cuda.get_device_name()
