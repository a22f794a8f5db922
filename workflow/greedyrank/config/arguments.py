"""The keyword arguments of functions of papers, typed by their annotations; no code of a paper is run for it.

An annotation may be what YAML can hold: ``float``, ``int``, ``bool``, ``str``, ``list[float]``, ``dict[str, int]``,
``Literal["a", "b"]``, unions of these, types of pydantic such as ``PositiveFloat``, and names that a module gives to
any of them. Where there is another annotation, or none, every value is taken.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from typing import Any, Literal, Union

from pydantic import TypeAdapter, ValidationError

from greedyrank import provenance
from greedyrank.code_digest import Code, CodeError, Definition
from greedyrank.config.messages import explain, nearest

BUILT_IN = {"bool": bool, "dict": dict, "float": float, "int": int, "list": list, "str": str}
OF_TYPES = ("typing", "collections.abc", "pydantic")  # their names stand for types


def type_of(code: Code, module: str, node: ast.expr | None) -> Any:
    """Return the type that an annotation in a module stands for; ``Any`` where it is none that is checked.

    Parameters
    ----------
    code : Code
        The packages, ``module`` among them.
    module : str
        Where the annotation stands.
    node : ast.expr, optional
        The annotation.
    """
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str() as text):
            return type_of(code, module, ast.parse(text, mode="eval").body)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[type_of(code, module, left), type_of(code, module, right)]  # noqa: UP007
        case ast.Subscript(value=generic, slice=inner):
            of = type_of(code, module, generic)
            if of is Literal:
                return Literal[ast.literal_eval(inner)]
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            types = tuple(type_of(code, module, part) for part in parts)
            return Any if of is Any else of[types if len(types) > 1 else types[0]]
        case ast.Name(id=name):
            return _named(code, module, name)
    return Any


def _named(code: Code, module: str, name: str) -> Any:
    try:
        target = code.resolve(module, name)
    except CodeError:
        return BUILT_IN.get(name, Any)
    if isinstance(target, Definition):
        for statement in code.module(target.module).definitions.get(target.name, []):
            if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                return type_of(code, target.module, statement.value)
        return Any
    package, _, attribute = target.path.rpartition(".")
    return getattr(importlib.import_module(package), attribute, Any) if package in OF_TYPES else Any


def wrong(code: Code, entry: str, given: Mapping[str, object], place: str) -> list[str]:
    """Return what is wrong with keyword arguments of a function, one line each.

    Parameters
    ----------
    code : Code
        The packages.
    entry : str
        The function, as ``module:name``.
    given : mapping
        The arguments, as jobs get them: through JSON.
    place : str
        What messages begin with.
    """
    known = {keyword.name: keyword for keyword in code.keywords(entry)}
    errors = [f"{place}.{name}: unknown key; {nearest(name, known)}" for name in given if name not in known]
    errors += [f"{place}.{name}: missing key" for name in known if known[name].is_required and name not in given]
    for name in known.keys() & given.keys():
        adapter = TypeAdapter(type_of(code, known[name].module, known[name].annotation))
        try:
            adapter.validate_json(provenance.canonical(given[name]), strict=True)
        except ValidationError as error:
            errors += explain(error, f"{place}.{name}", None)
    return errors
