"""Settings without their defaults, as jobs get them, and with their defaults, as code reads them.

A job's settings do not name what is left at its default. So a new setting changes no job, as long as no code that
the job reaches reads it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from pydantic import BaseModel, TypeAdapter

from greedyrank.config.settings.base import Settings
from greedyrank.config.settings.baselines import BASELINES
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.settings.registry import settings_class
from greedyrank.config.settings.training import Training
from greedyrank.config.sweeps import PLUGIN_KINDS, Slice

FORMAT_VERSION = 1  # of settings without their defaults; see `greedyrank.code_digest`


def models(slice_: Slice) -> list[type[Settings]]:
    """Return the classes of settings of the runs of a slice."""
    return [Training, *(settings_class(kind, getattr(slice_, kind)) for kind in PLUGIN_KINDS)]


def default_values(model: type[BaseModel]) -> dict[str, object]:
    """Return the default of each setting that has one."""
    return {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if not field.is_required()
    }


def block_of(annotation: object) -> type[BaseModel] | None:
    """Return the class of settings that a field holds, or None where it holds a plain value."""
    parts = getattr(annotation, "__args__", (annotation,))
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


@cache
def _blocks(*of: type[Settings]) -> dict[str, TypeAdapter]:
    """Return what validates each setting that is a block of settings itself."""
    fields = {name: field.annotation for model in of for name, field in model.model_fields.items()}
    return {name: TypeAdapter(block) for name, annotation in fields.items() if (block := block_of(annotation))}


def nested_defaults(model: type[BaseModel], prefix: str = "") -> dict[str, object]:
    """Return the default of each setting, and of the settings in its blocks, by a dotted name."""
    found = {f"{prefix}{name}": value for name, value in default_values(model).items()}
    for name, field in model.model_fields.items():
        if block := block_of(field.annotation):
            found |= nested_defaults(block, f"{prefix}{name}.")
    return found


def _with_blocks(slice_: Slice, exclude_defaults: bool) -> Slice:
    """Return a slice with every block of settings written with or without its defaults."""
    adapters = _blocks(*models(slice_))

    def value(name: str, given: object) -> object:
        if name not in adapters or given is None:
            return given
        block = adapters[name].validate_python(given, strict=True)
        return adapters[name].dump_python(block, exclude_defaults=exclude_defaults)

    def entry(name: str, given: object) -> object:
        return [value(name, each) for each in given] if isinstance(given, list) else value(name, given)

    return replace(
        slice_,
        fixed={name: value(name, given) for name, given in slice_.fixed.items()},
        cases=[{name: entry(name, given) for name, given in case.items()} for case in slice_.cases],
        axes={name: entry(name, given) for name, given in slice_.axes.items()},
    )


def _usual(slice_: Slice) -> dict[str, object]:
    return {name: value for model in models(slice_) for name, value in default_values(model).items()}


def without(slice_: Slice) -> Slice:
    """Return a slice without the fixed settings that have their default."""
    usual, written = _usual(slice_), _with_blocks(slice_, exclude_defaults=True)
    kept = {name for name, value in slice_.fixed.items() if name not in usual or value != usual[name]}
    return replace(written, fixed={name: value for name, value in written.fixed.items() if name in kept})


def filled(slice_: Slice) -> Slice:
    """Return a slice with every setting of its runs in ``fixed``, ``cases`` or ``axes``."""
    written = _with_blocks(slice_, exclude_defaults=False)
    return replace(written, fixed=_usual(slice_) | written.fixed)


def instance_without(problem: str, instance: dict) -> dict:
    """Return the settings of an instance, or of a view of one, without those that have their default."""
    usual = default_values(PROBLEMS[problem])
    return {name: value for name, value in instance.items() if name not in usual or usual[name] != value}


def instance_filled(problem: str, instance: dict, names: tuple[str, ...] | None = None) -> dict:
    """Return the settings of an instance, those named or all that its data depend on."""
    model = PROBLEMS[problem]
    usual = default_values(model)
    return {name: instance.get(name, usual.get(name)) for name in names or model.data_settings}


def baseline_without(baseline: dict) -> dict:
    """Return the kind of a baseline, and those of its settings that do not have their default."""
    usual = default_values(BASELINES[baseline["kind"]])
    return {name: value for name, value in baseline.items() if name not in usual or usual[name] != value}


def baseline_filled(baseline: dict) -> dict:
    """Return the kind of a baseline, and all its settings."""
    return default_values(BASELINES[baseline["kind"]]) | baseline


def view_settings(problem: str) -> tuple[str, ...]:
    """Return the settings on which a baseline of a problem may depend: all but the loss."""
    return tuple(name for name in PROBLEMS[problem].model_fields if name != "loss")
