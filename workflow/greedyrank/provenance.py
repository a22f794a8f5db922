"""What a result depends on: canonical slices, digests of code, versions.

Only the standard library is used.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent
PACKAGE = ROOT.name


def canonical(value: object) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str | bytes) -> str:
    """Return the SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _path(module: str) -> Path | None:
    """Return the file of ``greedyrank.a.b``, given ``a.b``, or None where it is no module."""
    base = ROOT.joinpath(*module.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists()), None)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
    return tree


@cache
def _parsed(module: str) -> tuple[str, tuple[str, ...]]:
    """Return the code of a module without comments, docstrings and layout, and what it imports."""
    tree = ast.parse(_path(module).read_text())
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    prefix = PACKAGE + "."
    inside = sorted({name.removeprefix(prefix) for name in names if name.startswith(prefix)})
    return ast.dump(_without_docstrings(tree)), tuple(name for name in inside if _path(name))


def modules_behind(names: list[str]) -> list[str]:
    """Return the modules of the package that the named ones consist of, imports included."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _parsed(name)[1]
    return sorted(found)


def code_digest(names: list[str]) -> str:
    """Return a digest of modules and of what they import from the package.

    Comments, docstrings and layout do not count, so only a change of behaviour changes it.
    """
    return digest(canonical([[name, _parsed(name)[0]] for name in modules_behind(names)]))[:16]


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of the packages that are installed, without suffixes such as ``+cpu``."""
    installed = {}
    for name in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name).split("+")[0]
    return installed
