"""greedyrank: rebuild, and check, the figures on implicit regularization in factorizations.

For a notebook: `train` runs one experiment, `sweep`, `open` and `figure` give those of the papers, and `check` tests a
factorization, an optimiser or a measure of one's own. The settings are the same as in a sweeps.yaml.

>>> import greedyrank as gr
>>> runs = gr.train(
...     gr.Completion(shape=(10, 10), target_rank=2, target_norm=10, observations=60),
...     gr.DeepMatrix(depth=3, product_std=1e-3),
...     gr.GD(learning_rate=0.1),
...     stop=gr.Stop(max_steps=1500),
...     record=gr.Record(every=100),
...     seeds=range(2),
...     measure=["effective_rank"],
... )
>>> dict(runs.effective_rank.sizes)
{'seed': 2, 'record': 16}
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import Field

    from greedyrank.api.checking import check
    from greedyrank.api.results import figure, open
    from greedyrank.api.sweep import sweep
    from greedyrank.api.train import train
    from greedyrank.config.settings.base import FactorizationSettings, OptimizerSettings
    from greedyrank.config.settings.baselines import LeastSquares, MinimumNuclearNorm, TubalLeastNorm
    from greedyrank.config.settings.factorizations import (
        CP,
        PSD,
        Autoencoder,
        BinaryCP,
        DeepCP,
        DeepMatrix,
        Hierarchical,
        LinearNetwork,
        Tubal,
        Tucker,
    )
    from greedyrank.config.settings.optimizers import GD, Adam, GroupRMSprop, KerasAdam
    from greedyrank.config.settings.problems import (
        Autoencoding,
        Completion,
        HuberCompletion,
        ImageClassification,
        MovieLens,
        OwnSensing,
        Sensing,
        SwitchedCompletion,
    )
    from greedyrank.config.settings.training import Finish, Growth, Record, Stop
    from greedyrank.errors import UserError
    from greedyrank.training.own_model import AutogradModel

__version__ = "0.2.0"

_SETTINGS = "greedyrank.config.settings"
# Where each public name stands. Nothing is imported before it is used: torch alone takes a second.
_PLACES = {
    "greedyrank.api.train": ("train",),
    "greedyrank.api.sweep": ("sweep",),
    "greedyrank.api.results": ("figure", "open"),
    "greedyrank.api.checking": ("check",),
    "greedyrank.errors": ("UserError",),
    "greedyrank.training.own_model": ("AutogradModel",),
    "pydantic": ("Field",),
    f"{_SETTINGS}.base": ("FactorizationSettings", "OptimizerSettings"),
    f"{_SETTINGS}.baselines": ("LeastSquares", "MinimumNuclearNorm", "TubalLeastNorm"),
    f"{_SETTINGS}.factorizations": (
        "Autoencoder", "BinaryCP", "CP", "DeepCP", "DeepMatrix", "Hierarchical", "LinearNetwork", "PSD", "Tubal",
        "Tucker",
    ),
    f"{_SETTINGS}.optimizers": ("GD", "Adam", "GroupRMSprop", "KerasAdam"),
    f"{_SETTINGS}.problems": (
        "Autoencoding", "Completion", "HuberCompletion", "ImageClassification", "MovieLens", "OwnSensing",
        "Sensing", "SwitchedCompletion",
    ),
    f"{_SETTINGS}.training": ("Finish", "Growth", "Record", "Stop"),
}  # fmt: skip
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "CP", "GD", "PSD", "Adam", "Autoencoder", "Autoencoding", "AutogradModel", "BinaryCP", "Completion", "DeepCP",
    "DeepMatrix", "FactorizationSettings", "Field", "Finish", "GroupRMSprop", "Growth", "Hierarchical",
    "HuberCompletion", "ImageClassification", "KerasAdam", "LeastSquares", "LinearNetwork", "MinimumNuclearNorm",
    "MovieLens", "OptimizerSettings", "OwnSensing", "Record", "Sensing", "Stop", "SwitchedCompletion", "Tubal",
    "TubalLeastNorm", "Tucker", "UserError", "check", "figure", "open", "sweep", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
