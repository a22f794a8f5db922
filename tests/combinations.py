"""What trains with what: every factorization, optimiser, loss and way to observe, on a few entries."""

from pathlib import Path
from unittest import mock

import synthetic
from greedyrank.config.sweeps import Slice
from greedyrank.data import images, instances
from greedyrank.training.stepper import TorchStepper

RANK_ONE = {"problem": "sensing", "ensemble": "rank_one", "sensing_std": None}
HUBER = {"loss": "huber", "huber_threshold": 0.1}
FRACTION = {"observations": None, "observed_fraction": 0.6}
MULTILINEAR = {"target_rank": None, "target_multilinear_rank": [2, 2, 2]}
TREE = {"target_rank": None, "target_widths": [2, 2], "target_root_spectrum": [2.0, 1.0]}
TUBAL = {"target_rank": None, "target_norm": None, "target_tubal_rank": 2}
FULL_BATCH = [
    ("deep_matrix", "gd", {}),
    ("deep_matrix", "adam", {"depth": 1}),
    ("deep_matrix", "gd", {"problem": "sensing"}),
    ("linear_network", "gd", {"width": 6}),
    ("linear_network", "gd", {"shape": [4, 4], "compressed_width": 3, "outer_rate": 2.0}),
    ("psd", "gd", {}),
    ("cp", "group_rmsprop", {}),
    ("cp", "group_rmsprop", {"balanced": True, **RANK_ONE, **HUBER}),
    ("deep_cp", "gd", {"depth": 1, **FRACTION}),
    ("deep_cp", "group_rmsprop", {"shape": [3, 4, 3], "depth": 3, "balanced": True, **RANK_ONE}),
    ("tucker", "adam", {"depth": 0, **HUBER}),
    ("tucker", "gd", {"depth": 1, "core_shape": [2, 3, 2], **FRACTION, **MULTILINEAR}),
    ("tucker", "adam", {"shape": [4, 4, 4], "depth": 3, "problem": "sensing"}),
    ("hierarchical", "group_rmsprop", {**HUBER, **TREE}),
    ("hierarchical", "gd", {"shape": [4, 5], "widths": [3], "balanced": True, **RANK_ONE}),
    ("tubal", "gd", {"problem": "sensing", **TUBAL}),
    ("tubal", "adam", {"shape": [3, 3, 4], "columns": 3, "width": 7, **HUBER}),
]


def stepper(slice_: Slice, device: str) -> TorchStepper:
    """Return the torch stepper of a slice, at its initial factors; images are synthetic."""
    generate = instances.generator(slice_.problem, Path("nowhere"))
    with mock.patch.object(images, "load", lambda data_dir, dataset: synthetic.pictures(train=40, test=20)):
        return TorchStepper(slice_, [generate(run) for run in slice_.runs], device)
