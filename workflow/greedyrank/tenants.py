"""Tenants are found by name, so that adding one touches no file that exists."""

from __future__ import annotations

import importlib
from types import ModuleType


def tenant(room: str, name: str) -> ModuleType:
    """Import ``greedyrank.<room>.<name>``."""
    return importlib.import_module(f"greedyrank.{room}.{name}")
