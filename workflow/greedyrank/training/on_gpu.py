"""Which plug-ins have a form of their own for a GPU, and a slice that names it.

The form is in the package ``on_gpu`` beside the plug-ins of its kind, under the name of the plug-in. It trains the same
numbers in another way. Nothing that a job on a CPU reaches refers to it, so that a change of it reruns no such job.
"""

from __future__ import annotations

from dataclasses import replace

from greedyrank.config.sweeps import Slice

# Problem and factorization whose steps on minibatches are captured: see `greedyrank.training.minibatch_graph`.
CAPTURED = {("image_classification", "binary_cp")}


def suited(slice_: Slice, device: str) -> Slice:
    """Return a slice with the plug-ins that train it best on a device.

    Parameters
    ----------
    slice_ : Slice
        Runs with every setting.
    device : {"cpu", "cuda"}
        Where they will train.
    """
    if device != "cuda" or (slice_.problem, slice_.factorization) not in CAPTURED:
        return slice_
    # A captured step sees minibatches of one size.
    if any(run["train_size"] % run["batch_size"] for run in slice_.runs):
        return slice_
    return replace(slice_, problem=f"on_gpu.{slice_.problem}", factorization=f"on_gpu.{slice_.factorization}")
