"""Which settings of a sweep are others at its scale than in full."""

from __future__ import annotations

from math import prod

# Settings that follow from others, or say how runs are recorded and stopped and not what they are.
SILENT = {"record", "growth", "finish", "target_norm", "sensing_std", "target_file"}
RULES = {"max_steps", "max_epochs", "loss"}  # what of a stopping rule says how far a run is trained


def values(settings: dict) -> dict[str, list]:
    """Return all values that each setting of a sweep has, in ``fixed``, ``cases`` and ``axes``, in order.

    Those of the stopping rule have names such as ``stop.max_steps``, a list is text such as 8x8, and None no value. A
    fixed value that every case replaces is none.
    """
    found: dict[str, list] = {}
    cases = settings["cases"] or [{}]
    # In ``fixed`` a list is one value.
    fixed = {name: [value] for name, value in settings["fixed"].items() if not all(name in case for case in cases)}
    for block in (fixed, *cases, settings["axes"]):
        for name, entry in block.items():
            for value in entry if isinstance(entry, list) else [entry]:
                if isinstance(value, dict):
                    for rule in RULES & set(value):
                        found.setdefault(f"{name}.{rule}", []).append(value[rule])
                elif value is not None:
                    found.setdefault(name, []).append(_plain(value))
    return {name: sorted(set(several), key=_order) for name, several in found.items()}


def _plain(value: object) -> object:
    return "x".join(map(str, value)) if isinstance(value, list) else value


def _order(value: object) -> tuple[bool, object]:
    return isinstance(value, str), value


def _runs(settings: dict) -> int:
    return sum(
        prod(len(entry) for entry in {**settings["axes"], **case}.values() if isinstance(entry, list))
        for case in settings["cases"] or [{}]
    )


def differences(here: dict, full: dict) -> dict[str, list]:
    """Return the settings of a sweep that have other values at some scale than in full.

    Parameters
    ----------
    here, full : dict
        ``fixed``, ``cases`` and ``axes``, at that scale and in full.

    Returns
    -------
    dict
        For each setting, as `values` names them, its values here, and in full; none where it is not set.
    """
    ours, theirs = values(here), values(full)
    found = {name: [ours.get(name, []), theirs.get(name, [])] for name in {**ours, **theirs}}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def less(here: dict, full: dict) -> dict[str, list]:
    """Return the `differences` in settings that have values in full which they have not here, and in stopping rules.

    ``runs`` is how many there are here, and in full, where these are more.
    """
    found = {
        name: [ours, theirs]
        for name, (ours, theirs) in differences(here, full).items()
        if ours and name not in SILENT and (set(theirs) - set(ours) or name.startswith("stop."))
    }
    runs, most = _runs(here), _runs(full)
    return {**found, "runs": [[runs], [most]]} if runs < most else found
