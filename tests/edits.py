"""Edits of a checkout's Python code that do not depend on how the code is worded."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

ENGINE = Path("workflow/greedyrank")
IMPORTS = (ast.Import, ast.ImportFrom)


class Source:
    """A Python file that is edited in place.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path):
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    def definition(self, name: str) -> ast.stmt:
        """Return the function, class or method (``Class.method``) of a name."""
        node: ast.AST = self.tree
        for part in name.split("."):
            (node,) = (found for found in node.body if getattr(found, "name", None) == part)
        return node

    def insert(self, line: int, text: str) -> None:
        """Insert text before a line, counted from 1."""
        lines = self.text.splitlines(keepends=True)
        lines.insert(line - 1, text)
        self.path.write_text("".join(lines), encoding="utf-8")

    def rewrite(self, wanted: Callable[[ast.AST], list[ast.expr]], added: str) -> int:
        """Put a word at the beginning of the texts that ``wanted`` finds in nodes; return how many were changed."""
        places = set()
        for node in ast.walk(self.tree):
            for found in wanted(node):
                # In a line, columns are counted in bytes.
                places.add((found.lineno, found.col_offset))
        lines = [line.encode() for line in self.text.splitlines(keepends=True)]
        for line, column in sorted(places, reverse=True):
            opening = re.match(rb"""[rRbBfF]*("{3}|'{3}|"|')""", lines[line - 1][column:])
            if opening:
                at = column + opening.end()
                lines[line - 1] = lines[line - 1][:at] + added.encode() + lines[line - 1][at:]
        self.path.write_text(b"".join(lines).decode(), encoding="utf-8")
        return len(places)


def _texts(arguments: list[ast.expr]) -> list[ast.expr]:
    return [
        part
        for part in arguments
        if isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
    ]


def change_errors(path: Path) -> None:
    """Reword every error of a file."""

    def messages(node: ast.AST) -> list[ast.expr]:
        return _texts(node.exc.args) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else []

    assert Source(path).rewrite(messages, "now: ")


def change_logs(path: Path) -> None:
    """Reword every log line of a file."""

    def messages(node: ast.AST) -> list[ast.expr]:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger")), args=arguments):
                return _texts(arguments[:1])
        return []

    assert Source(path).rewrite(messages, "now: ")


def change_docstrings(path: Path) -> None:
    """Reword every docstring of a file."""

    def docstring(node: ast.AST) -> list[ast.expr]:
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() if ast.get_docstring(node):
                return [node.body[0].value]
        return []

    assert Source(path).rewrite(docstring, "Now. ")


def add_comments(path: Path) -> None:
    """Write a comment before every definition of a module, and one at its end."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    marked = ["# A comment.\n" + line if re.match("def |class |@", line) else line for line in lines]
    path.write_text("".join([*marked, "# The end.\n"]), encoding="utf-8")


def add_helper(path: Path) -> None:
    """Append a function that nothing uses."""
    path.write_text(
        path.read_text(encoding="utf-8") + "\n\ndef an_unused_helper(x):\n    return x + 1\n", encoding="utf-8"
    )


def add_line(path: Path, function: str) -> None:
    """Let a function do something more, which has no effect, before everything else."""
    source = Source(path)
    node = source.definition(function)
    first = next(
        part for part in node.body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
    )
    source.insert(first.lineno, f"{' ' * first.col_offset}len([1, 2])\n")


def add_field(path: Path, name: str, field: str) -> None:
    """Append a line to the fields of a class of settings."""
    source = Source(path)
    fields = [part for part in source.definition(name).body if isinstance(part, ast.AnnAssign)]
    source.insert(fields[-1].end_lineno + 1, f"    {field}\n")


def python_files(folder: Path) -> list[Path]:
    """Return all Python files of a checkout that may import the library."""
    return [path for part in ("workflow", "scripts") for path in sorted((folder / part).rglob("*.py"))]


def rename_module(folder: Path, old: str, new: str) -> None:
    """Rename or move a module of greedyrank, such as ``training.loop``, and adapt whatever imports it."""
    source, target = (folder / ENGINE / f"{name.replace('.', '/')}.py" for name in (old, new))
    target.parent.mkdir(exist_ok=True)
    source.rename(target)
    *old_package, old_name = f"greedyrank.{old}".split(".")
    *new_package, new_name = f"greedyrank.{new}".split(".")
    old_from, new_from = ".".join(old_package), ".".join(new_package)
    for path in python_files(folder):
        text = path.read_text(encoding="utf-8")
        changed = text.replace(f"from {old_from}.{old_name} import ", f"from {new_from}.{new_name} import ")
        changed = re.sub(
            rf"^( *)from {re.escape(old_from)} import ((?:\w+(?: as \w+)?, )*){old_name}(, .*)?$",
            lambda match: _renamed_import(match, old_from, new_from, old_name, new_name),
            changed,
            flags=re.MULTILINE,
        )
        if changed != text:
            path.write_text(changed, encoding="utf-8")
    left = [path for path in python_files(folder) if _imports(path, f"{old_from}.{old_name}")]
    assert not left, f"{old} is still imported by {left}"


def _renamed_import(match: re.Match, old_from: str, new_from: str, old_name: str, new_name: str) -> str:
    indent, before, after = match[1], match[2], match[3] or ""
    others = ", ".join(filter(None, [before.removesuffix(", "), after.removeprefix(", ")]))
    kept = f"{indent}from {old_from} import {others}\n" if others else ""
    return f"{kept}{indent}from {new_from} import {new_name} as {old_name}"


def _imports(path: Path, module: str) -> bool:
    package, _, name = module.rpartition(".")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import) and any(alias.name == module for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (
            node.module == module or (node.module == package and any(alias.name == name for alias in node.names))
        ):
            return True
    return False


def split_module(folder: Path, module: str, function: str, new: str) -> None:
    """Move a function, which needs nothing else of its module, to a new module, and import it back."""
    path, target = (folder / ENGINE / f"{name.replace('.', '/')}.py" for name in (module, new))
    source = Source(path)
    node = source.definition(function)
    lines = source.text.splitlines(keepends=True)
    imports = [part for part in source.tree.body if isinstance(part, IMPORTS)]
    heads = ["".join(lines[part.lineno - 1 : part.end_lineno]) for part in imports]
    target.write_text("".join([*heads, "\n\n", *lines[node.lineno - 1 : node.end_lineno]]), encoding="utf-8")
    back = f"from greedyrank.{new} import {function}\n"
    rest = lines[: node.lineno - 1] + lines[node.end_lineno :]
    rest.insert(imports[-1].end_lineno, back)
    path.write_text("".join(rest), encoding="utf-8")
