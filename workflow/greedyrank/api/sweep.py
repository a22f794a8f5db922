"""A paper's sweep, as the arguments of `greedyrank.train`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from greedyrank import plugins
from greedyrank.config import defaults
from greedyrank.config.messages import nearest
from greedyrank.config.settings.base import Settings
from greedyrank.config.settings.baselines import BASELINES
from greedyrank.config.settings.training import Finish, Growth, Record, Stop, Training
from greedyrank.config.sweeps import PLUGIN_KINDS, Run, Slice, product
from greedyrank.errors import UserError
from greedyrank.plan.graph import Plan

BLOCKS: dict[str, type[Settings]] = {"stop": Stop, "record": Record, "growth": Growth, "finish": Finish}


def plan(scale: str, papers: Iterable[str | Path], results: str | Path = "results") -> Plan:
    """Return the job graph of the papers that come with greedyrank, and of further folders."""
    folders = [str(plugins.PAPERS), *map(str, papers)]
    return Plan({"scale": scale, "papers": folders, "results_dir": str(results)}, here=False)


def sweep(name: str, scale: str = "laptop", *, papers: Iterable[str | Path] = ()) -> dict[str, Any]:
    """Return a paper's sweep as the arguments of `greedyrank.train`, to change and to train.

    Parameters
    ----------
    name : str
        The sweep, as in the sweeps.yaml of its paper.
    scale : {"smoke", "laptop", "paper"}
        How much of it.
    papers : iterable of path
        Further folders of papers.

    Returns
    -------
    dict
        ``problem``, ``factorization``, ``optimizer``, with the settings of the first run; ``cases`` and ``axes``, which
        have those of all; ``stop``, ``record`` and what else the sweep sets; ``measure``: what figures show of it.

    Raises
    ------
    UserError
        If there is no such sweep.

    Examples
    --------
    >>> import greedyrank as gr
    >>> arguments = gr.sweep("singular_values", scale="smoke")
    >>> arguments["factorization"]
    DeepMatrix(depth=1, identity_scale=0.001)
    >>> runs = gr.train(**(arguments | {"stop": gr.Stop(max_steps=20), "cases": (), "axes": {"depth": [2, 3]}}))
    >>> runs.sizes["depth"]
    2
    """
    found = plan(scale, papers)
    if name not in found.sweeps:
        raise UserError(f"no sweep {name}; {nearest(name, found.sweeps)}")
    resolved = found.sweeps[name]
    whole, first = resolved.whole, resolved.whole.runs[0]
    parts = dict(zip(("training", *PLUGIN_KINDS), defaults.models(whole), strict=True))
    arguments: dict[str, Any] = {kind: _made(parts[kind], first) for kind in PLUGIN_KINDS}
    training = defaults.default_values(Training)
    for setting in Training.model_fields:
        if setting not in training or first[setting] != training[setting]:
            arguments[setting] = _block(setting, first[setting])
    if resolved.baseline:
        options = dict(resolved.baseline)
        arguments["baseline"] = BASELINES[options.pop("kind")](**options)
    if cases := _cases(whole):
        arguments["cases"] = cases
    return {**arguments, "axes": dict(whole.axes), "measure": found.slices.measures(name)}


def _made(model: type[Settings], run: Run) -> Settings:
    """Return the settings of a run that are of a class, without those that have their default."""
    usual = defaults.default_values(model)
    names = (name for name in model.model_fields if name not in usual or run[name] != usual[name])
    return model(**{name: run[name] for name in names})


def _block(setting: str, value: Any) -> Any:
    if setting not in BLOCKS or value is None:
        return value
    return BLOCKS[setting](**{name: part for name, part in value.items() if part is not None})


def _cases(whole: Slice) -> list[dict[str, list]]:
    """Return the settings that vary together, one case after the other, each with all of these settings."""
    names = dict.fromkeys(name for block in whole.cases for name in block)
    cases = (case for block in whole.cases for case in product(block))
    return [{name: [case.get(name, whole.fixed.get(name))] for name in names} for case in cases]
