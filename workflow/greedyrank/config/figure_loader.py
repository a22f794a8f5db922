"""One figure's folder: its settings, the code that draws it, its claims and their statistics."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache

from pydantic import ValidationError

from greedyrank import plugins
from greedyrank.code_digest import Code, CodeError
from greedyrank.config import arguments, claim_runs
from greedyrank.config.grammar import Claim, Figure
from greedyrank.config.messages import explain, nearest
from greedyrank.config.papers import CAPTION, CLAIMS, FIGURE, PUBLISHED, Paper
from greedyrank.config.settings.registry import full_name
from greedyrank.config.statistics import statistic_modules
from greedyrank.config.sweep_loader import ResolvedSweep, merge
from greedyrank.config.yaml_input import ConfigError, check_plain, read_yaml


@dataclass(frozen=True)
class LoadedFigure:
    """A figure, with everything that its folder holds.

    Attributes
    ----------
    name : str
        The figure's name, which is a target.
    paper : Paper
        The paper that it belongs to.
    block : Figure
        Its settings.
    drawn_by : str
        The figure of the paper whose draw.py draws it.
    claims : list of dict
        Its claims, with their controls resolved.
    published : dict
        Published values, as ``draw`` gets them.
    """

    name: str
    paper: Paper
    block: Figure
    drawn_by: str
    claims: list[dict]
    published: dict

    @property
    def draw_entry(self) -> str:
        """The drawing function, for `greedyrank.code_digest`."""
        return f"{self.paper.name}.{self.drawn_by}.draw:draw"

    @property
    def statistics(self) -> list[str]:
        """The names of the statistics that its claims ask for, as they stand in claims.yaml."""
        return sorted({part["statistic"] for claim in self.claims for part in (claim, claim["control"])})


@cache
def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def find_statistic(code: Code, paper: str, figure: str, reference: str) -> str:
    """Return a statistic as ``module:name``.

    Raises
    ------
    ConfigError
        If it is in none of the modules.
    """
    modules, name = statistic_modules(paper, figure, reference)
    there = [module for module in modules if code.path(module)]
    for module in there:
        if name in code.module(module).definitions:
            return f"{module}:{name}"
    known = {function for module in there for function in code.module(module).definitions if function[0] != "_"}
    hint = f"; {nearest(name, known)}" if known else ""
    raise ConfigError([f"no statistic `{reference}` in {', '.join(modules)}{hint}"])


def _imports(code: Code, module: str) -> list[str]:
    """Return why a module cannot be imported, if it cannot."""
    try:
        code.check_imports(module, _is_installed)
    except CodeError as error:
        return [str(error)]
    return []


def _draw(paper: Paper, name: str, figure: Figure, code: Code, place: str) -> tuple[str, list[str]]:
    """Return the figure whose draw.py draws this one, and what is wrong with it."""
    drawn_by = figure.draw or name
    module, file = f"{paper.name}.{drawn_by}.draw", paper.folder / drawn_by / "draw.py"
    if not file.is_file():
        return drawn_by, [f"{file} is missing" + (f": {place} names it" if figure.draw else "")]
    if errors := _imports(code, module):
        return drawn_by, errors
    if "draw" not in code.module(module).definitions:
        return drawn_by, [f"{file} has no function `draw`"]
    return drawn_by, arguments.wrong(code, f"{module}:draw", figure.options, f"{place}: options")


def add_plugin(code: Code, name: str) -> None:
    """Let digests see the code of a plug-in of one's own, which may be in a package of its own."""
    package = name.partition(":")[0].split(".")[0]
    if ":" in name and code.path(package) is None:
        code.add(package, plugins.package_folder(package))


def load_figure(
    paper: Paper, name: str, scale: str, sweeps: dict[str, ResolvedSweep], code: Code, override: dict
) -> LoadedFigure:
    """Read and check the folder of one figure.

    Parameters
    ----------
    paper : Paper
        The paper that has it.
    name : str
        Its folder.
    scale : str
        The scale that is built: at another one a claim may not be checkable.
    sweeps : dict
        All sweeps that were resolved.
    code : Code
        The code of the engine and of all papers.
    override : dict
        What the user's config changes in figure.yaml, key by key.

    Raises
    ------
    ConfigError
        Naming the file, the key, its value and what is allowed.
    """
    place = str(paper.folder / name / FIGURE)
    try:
        figure = Figure.model_validate(merge(paper.read(name, FIGURE), override))
    except ValidationError as error:
        raise ConfigError(explain(error, place, Figure, separator=": ")) from None
    errors = [
        f"{place}: sweeps: no sweep `{sweep}`; {nearest(sweep, sweeps)}"
        for sweep in figure.sweeps
        if sweep not in sweeps
    ]
    known = plugins.names("measures")
    figure = figure.model_copy(update={"measures": [full_name("measures", name) for name in figure.measures]})
    for measure in figure.measures:
        add_plugin(code, measure)
    errors += [
        f"{place}: measures: no measure `{measure}`; {nearest(measure, known)}"
        for measure in figure.measures
        if measure not in known and ":" not in measure
    ]
    if not (paper.folder / name / CAPTION).is_file():
        errors.append(f"{paper.folder / name / CAPTION} is missing: every figure needs a caption")
    drawn_by, wrong = _draw(paper, name, figure, code, place)
    errors += wrong
    published = paper.folder / name / PUBLISHED
    values = paper.read(name, PUBLISHED, numbers_as_keys=True) if published.exists() else {}
    claims: list[dict] = []
    if not errors:
        try:
            claims = load_claims(paper, name, figure, scale, sweeps, code)
        except ConfigError as error:
            errors += error.messages
    if errors:
        raise ConfigError(errors)
    return LoadedFigure(name, paper, figure, drawn_by, claims, values)


def resolve_control(asked: dict, changed: dict) -> dict:
    """Return what a control asks for: as the claim, but for what it changes, kept as ``variant``."""
    whole = {key: changed.get(key, asked[key]) for key in ("sweep", "statistic", "at")}
    runs = {key: value for key, value in changed.items() if key not in whole}
    return {**whole, "runs": {**asked["runs"], **runs}, "variant": changed}


def load_claims(
    paper: Paper, name: str, figure: Figure, scale: str, sweeps: dict[str, ResolvedSweep], code: Code
) -> list[dict]:
    """Validate the claims of one figure; parameters as in `load_figure`.

    Raises
    ------
    ConfigError
        For an unknown key, statistic, sweep or setting, or a figure without claims.
    """
    path = paper.folder / name / CLAIMS
    place = str(path)
    if not path.is_file():
        raise ConfigError([f"{place} is missing: a figure needs at least one claim"])
    blocks = read_yaml(path)
    if not isinstance(blocks, list) or not blocks:
        raise ConfigError([f"{place}: a figure needs at least one claim"])
    if wrong := check_plain(blocks, place):
        raise ConfigError(wrong)
    errors: list[str] = []
    claims: list[dict] = []
    for number, block in enumerate(blocks):
        try:
            claim = Claim.model_validate(block)
        except ValidationError as error:
            errors += explain(error, f"{place}[{number}]", Claim)
            continue
        asked = {
            "sweep": claim.sweep or figure.sweeps[0],
            "statistic": claim.statistic,
            "at": claim.at,
            "runs": claim.runs,
        }
        control = resolve_control(asked, claim.control)
        for part in (asked, control):
            errors += _wrong_part(f"{place}:{claim.id}", part, paper, name, figure, sweeps, code)
        loaded = {**claim.model_dump(exclude_none=True, exclude={"scale"}), **asked, "control": control}
        if claim.scale not in (None, scale):
            loaded["known"] = "not checkable at this scale"
        claims.append(loaded)
    if len({claim["id"] for claim in claims}) < len(claims):
        errors.append(f"{place}: two claims have the same id")
    if errors:
        raise ConfigError(list(dict.fromkeys(errors)))
    return claims


def _wrong_part(
    place: str, part: dict, paper: Paper, name: str, figure: Figure, sweeps: dict[str, ResolvedSweep], code: Code
) -> list[str]:
    """Return what is wrong with what a claim, or its control, asks for."""
    sweep = part["sweep"]
    if sweep not in figure.sweeps:
        return [f"{place}: no sweep `{sweep}` in this figure; {nearest(sweep, figure.sweeps)}"]
    errors = [f"{place}: {message}" for message in claim_runs.wrong(sweeps[sweep], part["runs"])]
    try:
        entry = find_statistic(code, paper.name, name, part["statistic"])
    except ConfigError as error:
        own = paper.folder / name / "statistics.py"
        if "." not in part["statistic"] and not own.is_file():
            return [*errors, f"{own} is missing: {CLAIMS} names statistics that are not shared ones"]
        return [*errors, *(f"{place}: {message}" for message in error.messages)]
    if wrong := _imports(code, entry.partition(":")[0]):
        return [*errors, *wrong]
    return errors + arguments.wrong(code, entry, part["at"], f"{place}.at")
