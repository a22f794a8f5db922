"""The classes of settings by the names of their plug-ins: greedyrank's, and one's own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from greedyrank import plugins
from greedyrank.config.messages import nearest
from greedyrank.config.settings.base import FactorizationSettings, OptimizerSettings, ProblemSettings, Settings
from greedyrank.config.settings.factorizations import FACTORIZATIONS
from greedyrank.config.settings.optimizers import OPTIMIZERS
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.settings.training import variants
from greedyrank.config.sweeps import Slice
from greedyrank.errors import UserError

# By kind: what all settings of the kind derive from, and greedyrank's.
KINDS: dict[str, tuple[type[Settings], Mapping[str, type[Settings]]]] = {
    "problem": (ProblemSettings, PROBLEMS),
    "factorization": (FactorizationSettings, FACTORIZATIONS),
    "optimizer": (OptimizerSettings, OPTIMIZERS),
}
# The kinds of which there may be plug-ins of one's own, and the packages of greedyrank's.
OWN = {"factorization": "factorizations", "optimizer": "optimizers"}


def settings_class(kind: str, name: str) -> type[Settings]:
    """Return the class of the settings of a plug-in.

    Parameters
    ----------
    kind : {"problem", "factorization", "optimizer"}
        What it is.
    name : str
        One of greedyrank's; or one's own, as ``package.module:Class``.

    Raises
    ------
    UserError
        If there is none of that name, or it is no plug-in of the kind.
    """
    base, known = KINDS[kind]
    if name in known:
        return known[name]
    if kind not in OWN or ":" not in name:
        raise UserError(f"{kind} is {name!r}; {nearest(name, known)}")
    found = plugins.own(OWN[kind], name).Settings
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UserError(f"{kind} is {name!r}, which is no subclass of {base.__name__}")
    return found


def full_name(package: str, name: str) -> str:
    """Return a name, or for that of an entry point of an installed package what it stands for, ``module:name``.

    Parameters
    ----------
    package : {"factorizations", "optimizers", "measures"}
        The entry points are in the group ``greedyrank.<package>``.
    name : str
        As a config has it.
    """
    if name in plugins.names(package) or ":" in name:
        return name
    found = entry_points(group=f"greedyrank.{package}", name=name)
    return next(iter(found)).value if found else name


def trainer(slice_: Slice) -> str:
    """Return the module of `greedyrank.training` that trains a slice: ``job``, or ``variants`` what that cannot."""
    switches = "deficit_steps" in PROBLEMS[slice_.problem].model_fields
    return "variants" if variants(slice_) or switches else "job"
