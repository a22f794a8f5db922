"""Digests of what code does: the definitions that a job reaches, and nothing else.

A definition is a function, a class or a constant of a module. Starting from the entry points of a job, every
definition that is reached through names, attributes of modules and imports counts. Names of modules and of
definitions, import lines, annotations, comments, docstrings, layout, order, log lines and the texts of errors do
not. So moving and renaming code changes no digest, nor does adding code that the job does not reach.

A module that defines ``FORMAT_VERSION`` writes or reads a format. It counts by that number alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from greedyrank.provenance import canonical, digest

FORMAT = "FORMAT_VERSION"
EFFECTS = "<statements>"  # those of a module that bind no name
LOGGERS = ("logger", "logging", "warnings")
LOG_CALLS = ("debug", "info", "warning", "warn", "error", "exception", "critical", "log")
# What no behaviour depends on, or what is not the same in all versions of Python.
IGNORED_FIELDS = ("ctx", "kind", "returns", "type_comment", "type_params", "type_ignores")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class CodeError(ValueError):
    """Code that cannot be imported: the message names file, line and reason."""


class _NotDefined(CodeError):
    """A name that a module does not have."""


class Definition(NamedTuple):
    """A definition, by the module that has it; an empty name stands for the whole module."""

    module: str
    name: str


class External(NamedTuple):
    """A name of a package that is not ours, such as ``numpy.linalg``."""

    path: str


class Keyword(NamedTuple):
    """A keyword-only argument of a function, and the module in which its annotation stands."""

    name: str
    annotation: ast.expr | None
    is_required: bool
    module: str


@dataclass(frozen=True)
class _Module:
    """A parsed module: its statements by the names they define, and what its imports bind."""

    name: str
    path: Path
    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, tuple[str, str | None, int]]  # name -> module, attribute of it or None, line
    statements: tuple[ast.stmt, ...] = ()
    lazy: dict[str, tuple[str, str | None, int]] = field(
        default_factory=dict
    )  # the same, of names given by __getattr__

    @cached_property
    def format_version(self) -> str | None:
        """The version of the format that the module reads or writes, if it has one."""
        if FORMAT not in self.definitions:
            return None
        (statement,) = self.definitions[FORMAT]
        assert isinstance(statement, ast.Assign)
        return ast.unparse(statement.value)


@dataclass
class _Analysis:
    """What one definition does: its text, what it refers to in order, and the settings it may read."""

    text: str = ""
    refers: list[Definition] = field(default_factory=list)
    mentions: set[str] = field(default_factory=set)


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_log_line(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=call))):
            return name in LOGGERS and call in LOG_CALLS
    return False


def _is_for_type_checkers(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.If):
        return False
    test = statement.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _does_nothing(statement: ast.stmt, in_class: bool = False) -> bool:
    """Tell whether a statement has no part in what code computes."""
    return (
        isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass))
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        or (isinstance(statement, ast.AnnAssign) and statement.value is None and not in_class)
        or _is_log_line(statement)
        or _is_for_type_checkers(statement)
    )


def _names_bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds in its own scope, imports excluded."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        yield node.name
        return
    if isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
        # Their scope is their own, but for names that ``:=`` binds.
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                yield part.target.id
        return
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from _names_bound(child)


def _imports(node: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, tuple[str, str | None, int]]]:
    """Yield what an import statement binds: the name; the module, its attribute or None, and the line."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.split(".")[0]
            yield alias.asname or whole, (whole, None, node.lineno)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parents = module.split(".")[: -(node.level - is_package) or None]
            base = ".".join([*parents, *filter(None, [base])])
        for alias in node.names:
            yield alias.asname or alias.name, (base, alias.name, node.lineno)


def _scope_imports(body: list[ast.stmt], module: str, is_package: bool) -> dict[str, tuple[str, str | None, int]]:
    """Return what the imports among some statements bind, without those of inner functions and classes."""
    found: dict[str, tuple[str, str | None, int]] = {}
    waiting: list[ast.AST] = [statement for statement in body if not _is_for_type_checkers(statement)]
    while waiting:
        node = waiting.pop()
        found |= dict(_imports(node, module, is_package))
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            waiting += [
                child
                for child in ast.iter_child_nodes(node)
                if not (isinstance(child, ast.stmt) and _is_for_type_checkers(child))
            ]
    return found


class _Reader:
    """Reads one definition into an `_Analysis`.

    Parameters
    ----------
    code : Code
        Finds modules and what names stand for.
    module : _Module
        The module that has the definition.
    """

    def __init__(self, code: Code, module: _Module):
        self._code, self._module = code, module
        # One mapping a scope, innermost last: None for a variable, or what an import binds. Second: is it a class?
        self._scopes: list[tuple[dict[str, tuple[str, str | None, int] | None], bool]] = []
        self.found = _Analysis()

    def read(self, statements: list[ast.stmt]) -> _Analysis:
        """Return what the statements of one definition do."""
        self.found.text = canonical([self._dump(statement, top=True) for statement in statements])
        return self.found

    # -- names -----------------------------------------------------------------------------------

    def _resolved(self, name: str) -> Definition | External | None:
        """Return what a name stands for, or None for a variable or a builtin."""
        for depth, (scope, is_class) in enumerate(reversed(self._scopes)):
            if name in scope and (not is_class or depth == 0):
                bound = scope[name]
                return self._code.imported(self._module, bound) if bound else None
        if name in self._module.definitions or name in self._module.imports:
            return self._code.resolve(self._module.name, name)
        return None

    def _refer(self, target: Definition) -> str:
        version = self._code.module(target.module).format_version
        if version is not None:
            return f"format {version}"
        if target not in self.found.refers:
            self.found.refers.append(target)
        return f"definition {self.found.refers.index(target)}"

    def _name(self, node: ast.Name) -> object:
        match self._resolved(node.id):
            case Definition() as target:
                return self._refer(target)
            case External(path):
                return f"external {path}"
        return f"name {node.id}"

    def _attribute(self, node: ast.Attribute) -> object:
        """Dump an attribute; through modules it is a definition of one of them."""
        names, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            names.insert(0, base.attr)
            base = base.value
        target = self._resolved(base.id) if isinstance(base, ast.Name) else None
        if isinstance(target, External):
            return "external " + ".".join([target.path, *names])
        if isinstance(target, Definition) and not target.name:
            while names and isinstance(target, Definition) and not target.name:
                target = self._code.resolve(target.module, names.pop(0))
            dumped: object = self._refer(target) if isinstance(target, Definition) else f"external {target.path}"
            for name in names:
                self.found.mentions.add(name)
                dumped = ["attribute", dumped, name]
            return dumped
        self.found.mentions.add(node.attr)
        return ["attribute", self._dump(node.value), node.attr]

    # -- scopes ----------------------------------------------------------------------------------

    def _scope_of(self, body: list[ast.stmt], names: Iterable[str] = ()) -> dict:
        declared = {
            name
            for statement in body
            for node in ast.walk(statement)
            if isinstance(node, (ast.Global, ast.Nonlocal))
            for name in node.names
        }
        bound = {name for statement in body for name in _names_bound(statement)}
        is_package = self._module.path.name == "__init__.py"
        imports = _scope_imports(body, self._module.name, is_package)
        return dict.fromkeys({*names, *bound} - declared) | imports

    @staticmethod
    def _parameters(arguments: ast.arguments) -> list[str]:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        return [argument.arg for argument in every if argument is not None]

    def _inside(self, scope: dict, is_class: bool, parts: list) -> list:
        self._scopes.append((scope, is_class))
        dumped = [self._dump(part) for part in parts]
        self._scopes.pop()
        return dumped

    # -- nodes -----------------------------------------------------------------------------------

    def _body(self, statements: list[ast.stmt]) -> list:
        return [self._dump(statement) for statement in statements if not _does_nothing(statement)]

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, top: bool) -> object:
        outside = [self._dump(part) for part in getattr(node, "decorator_list", [])]
        defaults = [
            self._dump(part) if part is not None else None for part in [*node.args.defaults, *node.args.kw_defaults]
        ]
        body = node.body if isinstance(node.body, list) else [ast.Return(node.body)]
        body = [statement for statement in body if not _does_nothing(statement)]
        whole = node.body if isinstance(node.body, list) else []
        inside = self._inside(self._scope_of(whole, self._parameters(node.args)), False, body)
        kinds = [
            [argument.arg for argument in part]
            for part in (node.args.posonlyargs, node.args.args, node.args.kwonlyargs)
        ]
        rest = [argument.arg if argument else None for argument in (node.args.vararg, node.args.kwarg)]
        name = "" if top or isinstance(node, ast.Lambda) else node.name
        return [type(node).__name__, name, kinds, rest, defaults, outside, inside]

    def _class(self, node: ast.ClassDef, top: bool) -> object:
        outside = [self._dump(part) for part in [*node.decorator_list, *node.bases, *node.keywords]]
        self._scopes.append((self._scope_of(node.body), True))
        body = [statement for statement in node.body if not _does_nothing(statement, in_class=True)]
        methods = sorted(canonical(self._dump(part)) for part in body if isinstance(part, FUNCTIONS))
        others = [self._dump(part, in_class=True) for part in body if not isinstance(part, FUNCTIONS)]
        self._scopes.pop()
        return ["ClassDef", "" if top else node.name, outside, others, methods]

    def _comprehension(self, node: Comprehension) -> object:
        targets = {name for generator in node.generators for name in _names_bound(generator.target)}
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        # The first iterable is evaluated outside, but seeing it inside differs only if it has a target's own name.
        first = self._dump(node.generators[0].iter)
        self._scopes.append((dict.fromkeys(targets), False))
        inside = [self._dump(part) for part in parts]
        loops = [
            [
                self._dump(generator.target),
                first if number == 0 else self._dump(generator.iter),
                [self._dump(test) for test in generator.ifs],
                generator.is_async,
            ]
            for number, generator in enumerate(node.generators)
        ]
        self._scopes.pop()
        return [type(node).__name__, inside, loops]

    def _dump(self, node: ast.AST, top: bool = False, in_class: bool = False) -> object:
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Constant(value=value):
                if isinstance(value, str):
                    self.found.mentions.add(value)
                return f"{type(value).__name__} {value!r}"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return self._function(node, top)
            case ast.ClassDef():
                return self._class(node, top)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.AnnAssign(target=target, value=value):
                kind = "Assign" if not in_class else "Field"
                if in_class and any(
                    getattr(part, "id", getattr(part, "attr", "")) == "ClassVar" for part in ast.walk(node.annotation)
                ):
                    kind = "Assign"
                return [kind, self._target(target, top), None if value is None else self._dump(value)]
            case ast.Assign(targets=targets, value=value):
                return ["Assign", *(self._target(target, top) for target in targets), self._dump(value)]
            case ast.Raise(exc=ast.Call(func=raised), cause=cause):
                return ["Raise", self._dump(raised), None if cause is None else self._dump(cause)]
            case ast.Assert(test=test):
                return ["Assert", self._dump(test)]
        return [type(node).__name__, *self._fields(node)]

    def _target(self, target: ast.expr, top: bool) -> object:
        """Dump what is assigned to; the name of a constant of a module does not count."""
        if top and isinstance(target, ast.Name):
            return "constant"
        if top and isinstance(target, (ast.Tuple, ast.List)):
            return ["constants", len(target.elts)]
        return self._dump(target)

    def _fields(self, node: ast.AST) -> Iterator[object]:
        for name in node._fields:
            value = getattr(node, name, None)
            if name in IGNORED_FIELDS or value is None or value == []:
                continue
            if isinstance(value, list):
                is_body = all(isinstance(part, ast.stmt) for part in value)
                dumped = self._body(value) if is_body else [self._part(part) for part in value]
                yield [name, dumped]
            else:
                yield [name, self._part(value)]

    def _part(self, value: object) -> object:
        return self._dump(value) if isinstance(value, ast.AST) else value


class Code:
    """The modules of some packages, and the digests of what they do.

    Parameters
    ----------
    packages : mapping
        The folder of each top-level package, by its name.
    """

    def __init__(self, packages: Mapping[str, Path]):
        self._packages = dict(packages)
        self.module = cache(self._parse)
        self.analysis = cache(self._analyse)
        self.resolve = cache(self._resolve)
        self.digest = cache(self._digest)
        self.imported_modules = cache(self._imported_modules)
        self._importable: set[str] = set()

    # -- modules ---------------------------------------------------------------------------------

    def add(self, package: str, folder: Path) -> None:
        """Add a top-level package to those whose code counts."""
        self._packages[package] = folder

    def path(self, module: str) -> Path | None:
        """Return the file of a module, or its folder if it is a package without ``__init__.py``; None if not ours."""
        top, *rest = module.split(".")
        if top not in self._packages:
            return None
        base = self._packages[top].joinpath(*rest)
        candidates = (base / "__init__.py", base.with_name(f"{base.name}.py"), base)
        return next((path for path in candidates if path.is_file() or (path is base and path.is_dir())), None)

    def _parse(self, name: str) -> _Module:
        path = self.path(name)
        if path is None:
            raise CodeError(f"there is no module {name}")
        if path.is_dir():
            return _Module(name, path, {}, {})
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
            raise CodeError(f"{path}{line} is not Python: {error.args[0]}") from None
        definitions: dict[str, list[ast.stmt]] = {}
        for statement in tree.body:
            if _does_nothing(statement):
                continue
            # A statement that binds nothing acts on what is there: it belongs to all definitions of the module.
            for bound in set(_names_bound(statement)) or {EFFECTS}:
                definitions.setdefault(bound, []).append(statement)
        imports = _scope_imports(tree.body, name, path.name == "__init__.py")
        own = {bound: statements for bound, statements in definitions.items() if bound not in imports}
        # What a module imports at the first use of a name, it imports at once for type checkers.
        is_lazy = "__getattr__" in definitions
        checked = [part for block in tree.body if is_lazy and isinstance(block, ast.If) for part in block.body]
        lazy = _scope_imports(checked, name, path.name == "__init__.py")
        return _Module(name, path, own, imports, tuple(tree.body), lazy)

    def every_import(self, module: _Module) -> Iterator[tuple[str, str | None, int]]:
        """Yield what is imported anywhere in a module: the module, its attribute or None, and the line."""
        for statement in module.statements:
            for node in ast.walk(statement):
                if isinstance(node, ast.Import):
                    yield from ((alias.name, None, node.lineno) for alias in node.names)
                else:
                    is_package = module.path.name == "__init__.py"
                    yield from (bound for _, bound in _imports(node, module.name, is_package))

    def imported(self, module: _Module, bound: tuple[str, str | None, int]) -> Definition | External:
        """Return what an import binds.

        Raises
        ------
        CodeError
            If one of our modules does not have what is imported from it.
        """
        source, attribute, line = bound
        if self.path(source) is None:
            if source.split(".")[0] in self._packages:
                raise CodeError(f"{module.path}:{line}: there is no module {source}")
            return External(".".join(filter(None, [source, attribute])))
        if attribute is None:
            return Definition(source, "")
        try:
            return self.resolve(source, attribute)
        except _NotDefined as error:
            raise CodeError(f"{module.path}:{line}: {error}") from None

    def _resolve(self, module: str, name: str) -> Definition | External:
        """Return what a name of a module stands for, through the imports of that module."""
        parsed = self.module(module)
        if name in parsed.definitions:
            return Definition(module, name)
        if name in parsed.imports:
            return self.imported(parsed, parsed.imports[name])
        if self.path(f"{module}.{name}") is not None:
            return Definition(f"{module}.{name}", "")
        if name in parsed.lazy:
            return self.imported(parsed, parsed.lazy[name])
        if name.startswith("__") and name.endswith("__"):
            return External(name)
        raise _NotDefined(f"{parsed.path} has no `{name}`")

    # -- definitions -----------------------------------------------------------------------------

    def _analyse(self, definition: Definition) -> _Analysis:
        module = self.module(definition.module)
        if not definition.name:
            found = _Analysis("module", [Definition(definition.module, name) for name in sorted(module.definitions)])
        else:
            found = _Reader(self, module).read(module.definitions[definition.name])
            if EFFECTS in module.definitions and definition.name != EFFECTS:
                found.refers.append(Definition(definition.module, EFFECTS))
        return found

    def reached(self, entries: Iterable[str]) -> list[Definition]:
        """Return every definition that is reached from some entry points.

        Parameters
        ----------
        entries : iterable of str
            ``module:name``, such as ``greedyrank.storage:check``.

        Raises
        ------
        CodeError
            If a module cannot be parsed, or has not what is imported from it.
        """
        waiting = [self._entry(entry) for entry in entries]
        found: dict[Definition, None] = {}
        while waiting:
            definition = waiting.pop()
            if definition not in found and self.module(definition.module).format_version is None:
                found[definition] = None
                waiting += self.analysis(definition).refers
        return list(found)

    def _entry(self, entry: str) -> Definition:
        module, _, name = entry.partition(":")
        target = self.resolve(module, name)
        if not isinstance(target, Definition):
            raise CodeError(f"{entry} is no definition of {module}")
        return target

    def keywords(self, entry: str) -> list[Keyword]:
        """Return the keyword-only arguments of a function, none of what is no function."""
        target = self._entry(entry)
        (definition, *_) = self.module(target.module).definitions[target.name]
        if not isinstance(definition, FUNCTIONS):
            return []
        arguments = zip(definition.args.kwonlyargs, definition.args.kw_defaults, strict=True)
        return [Keyword(each.arg, each.annotation, default is None, target.module) for each, default in arguments]

    def mentions(self, entries: tuple[str, ...]) -> set[str]:
        """Return the names of settings that code may read, among others.

        These are the texts and the names of attributes in the code that is reached, and the keyword-only arguments of
        the entry points.
        """
        keywords = {keyword.name for entry in entries for keyword in self.keywords(entry)}
        return keywords.union(*(self.analysis(definition).mentions for definition in self.reached(entries)))

    def _digest(self, entries: tuple[str, ...]) -> str:
        """Return the digest of what is reached from some entry points.

        Every definition is coloured by its text, then again and again by its colour and those of what it refers to,
        until no more definitions are told apart. The names of definitions play no part in it.
        """
        reached = self.reached(entries)
        colours = {definition: digest(self.analysis(definition).text) for definition in reached}
        classes = 0
        while len(set(colours.values())) > classes:
            classes = len(set(colours.values()))
            colours = {
                definition: digest(
                    canonical([colour, [colours.get(other, "") for other in self.analysis(definition).refers]])
                )
                for definition, colour in colours.items()
            }
        roots = [colours.get(self._entry(entry), "") for entry in entries]
        return digest(canonical([roots, sorted(set(colours.values()))]))[:16]

    # -- imports ---------------------------------------------------------------------------------

    def check_imports(self, module: str, is_installed: Callable[[str], bool]) -> None:
        """Check that all imports of a module, and of ours that it imports, can be resolved, without running any.

        Parameters
        ----------
        module : str
            The module to check.
        is_installed : callable
            Tells whether a top-level package that is not ours is there.

        Raises
        ------
        CodeError
            Naming the file, the line and what is missing.
        """
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name not in seen and name not in self._importable and self.path(name) is not None:
                seen.add(name)
                ours, others = self.imported_modules(name)
                waiting += ours
                for package, line in others:
                    if not is_installed(package):
                        raise CodeError(f"{self.path(name)}:{line}: no package `{package}` is installed")
        self._importable |= seen

    def _imported_modules(self, name: str) -> tuple[list[str], list[tuple[str, int]]]:
        """Return our modules that a module imports, and other top-level packages with the lines that import them."""
        parsed = self.module(name)
        ours, others = [], []
        for bound in self.every_import(parsed):
            target = self.imported(parsed, bound)
            if isinstance(target, Definition):
                ours.append(target.module)
            else:
                others.append((target.path.split(".")[0], bound[2]))
        return ours, others
