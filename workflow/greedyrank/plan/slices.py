"""What each job depends on: the settings that it gets, and the digest of the code that it reaches.

A job gets the settings that are not at their default, as canonical JSON. The digest of its code holds the defaults
of the settings that this code may read, so that a changed default reruns exactly what reads it.
"""

from __future__ import annotations

from functools import cache

from greedyrank import clean_room, plugins, provenance
from greedyrank.code_digest import Code
from greedyrank.config import defaults, reductions, sweeps, target_files
from greedyrank.config.figure_loader import find_statistic
from greedyrank.config.loading import Project
from greedyrank.config.settings.base import Settings
from greedyrank.config.settings.baselines import BASELINES
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.settings.registry import trainer
from greedyrank.config.settings.training import variants
from greedyrank.config.sweep_loader import at_paper_scale
from greedyrank.plan.data_files import DataFiles

Models = tuple[type[Settings], ...]
SEEN = ("observations", "observed_fraction")  # the settings that say how many entries a run sees


def code_identity(code: Code, models: Models, entries: tuple[str, ...]) -> str:
    """Return the digest of the code that some definitions reach, and of the defaults of settings that it may read.

    Parameters
    ----------
    code : Code
        The packages.
    models : tuple of type
        The classes of the settings that the code is given.
    entries : tuple of str
        ``module:definition``.
    """
    mentioned = code.mentions(entries)
    usual = {
        f"{model.__name__}.{name}": value
        for model in models
        for name, value in defaults.nested_defaults(model).items()
        if name.split(".")[-1] in mentioned
    }
    return provenance.digest(provenance.canonical([code.digest(entries), usual]))[:16]


class Slices:
    """The settings and the code of every job.

    Parameters
    ----------
    project : Project
        What can be built.
    files : DataFiles
        The files of the data folder that sweeps need.
    """

    def __init__(self, project: Project, files: DataFiles):
        self._project, self._files = project, files
        self._identity = cache(self._uncached_identity)

    def _uncached_identity(self, models: Models, *entries: str) -> str:
        return code_identity(self._project.code, models, entries)

    def _engine(self, models: Models, *entries: str) -> str:
        return self._identity(models, *(f"greedyrank.{entry}" for entry in entries))

    # -- data ------------------------------------------------------------------------------------

    def data(self, sweep: str, instances: list[dict]) -> str:
        """Return the settings of the instances in one file, as canonical JSON.

        For those that are read from a file, with the SHA-256 of each file and with how much of a target the runs see.
        """
        whole = self._project.sweeps[sweep].whole
        problem = whole.problem
        found: dict[str, object] = {
            "problem": problem,
            "instances": [defaults.instance_without(problem, instance) for instance in instances],
        }
        if files := {file for instance in instances for file in target_files.named(instance)}:
            found["files"] = {file: self._files.checksum(file) for file in files}
            if seen := [name for name in SEEN if name in PROBLEMS[problem].model_fields]:
                found["seen"] = [sweeps.choices(sweeps.narrow(whole, instance), seen) for instance in instances]
        return provenance.canonical(found)

    def data_code(self, sweep: str) -> str:
        """Return the digest of the code that generates data."""
        whole = self._project.sweeps[sweep].whole
        entries = [f"problems.{whole.problem}:generate"]
        if "target_file" in target_files.of(whole).values():
            entries += [f"problems.{whole.problem}:given", "data.target_files:read"]
        return self._engine((PROBLEMS[whole.problem],), *entries)

    def released(self) -> str:
        """Return address and SHA-256 of every file that papers' authors released, as canonical JSON."""
        return provenance.canonical({name: file.model_dump() for name, file in self._project.released.items()})

    # -- training --------------------------------------------------------------------------------

    def training(self, part: sweeps.Slice) -> str:
        """Return the settings of the runs of a job, as canonical JSON."""
        return provenance.canonical(defaults.without(part).to_json())

    def training_code(self, sweep: str) -> str:
        """Return the digest of the training loop and of the plug-ins that a sweep names."""
        whole = self._project.sweeps[sweep].whole
        asked = variants(whole)
        return self._identity(
            tuple(defaults.models(whole)),
            f"greedyrank.training.{trainer(whole)}:train",
            *([f"greedyrank.factorizations.{whole.factorization}:compose"] if "engine" in asked else []),
            plugins.entry("problems", whole.problem, "Problem"),
            plugins.entry("factorizations", whole.factorization, "Model"),
            plugins.entry("optimizers", whole.optimizer, "Optimizer"),
        )

    # -- baselines -------------------------------------------------------------------------------

    def baseline(self, name: str) -> str:
        """Return the settings of a sweep's baseline and of the distinct problems it has, as canonical JSON."""
        sweep = self._project.sweeps[name]
        problem = sweep.whole.problem
        views = sweeps.choices(sweep.whole, list(defaults.view_settings(problem)))
        return provenance.canonical(
            {
                "problem": problem,
                "factorization": sweep.whole.factorization,
                "baseline": defaults.baseline_without(sweep.baseline),
                "views": [defaults.instance_without(problem, view) for view in views],
            }
        )

    def baseline_code(self, name: str) -> str:
        """Return the digest of the code that solves a baseline."""
        sweep = self._project.sweeps[name]
        kind, problem = sweep.baseline["kind"], sweep.whole.problem
        model = BASELINES[kind]
        called = [f"problems.{problem}:{function}" for function in model.problem_functions]
        return self._engine((model, PROBLEMS[problem]), f"baselines.{kind}:compute", *called)

    # -- spectra ---------------------------------------------------------------------------------

    def measures(self, sweep: str) -> list[str]:
        """Return what the figures that show a sweep measure on it."""
        asked = (figure.block.measures for figure in self._project.figures.values() if sweep in figure.block.sweeps)
        return sorted({measure for measures in asked for measure in measures})

    def spectra_code(self, sweep: str) -> str:
        """Return the digest of the extraction, the problem and the measures asked for."""
        whole = self._project.sweeps[sweep].whole
        context = plugins.entry("problems", whole.problem, "context")
        measures = (plugins.entry("measures", measure, "measure") for measure in self.measures(sweep))
        return self._identity(
            tuple(defaults.models(whole)), "greedyrank.spectra.extraction:extract", context, *measures
        )

    # -- figures and claims ----------------------------------------------------------------------

    def record(self, sweep: str) -> dict:
        """Return what a picture and the page say of a sweep's settings."""
        found = defaults.without(self._project.sweeps[sweep].whole).to_json()
        return {key: found[key] for key in (*sweeps.PLUGIN_KINDS, "fixed", "cases", "axes")}

    def figure(self, name: str) -> str:
        """Return what drawing depends on: options, published values, settings of the sweeps, and what is less there."""
        figure = self._project.figures[name]
        shown = self._files.shown(figure.block.sweeps)
        return provenance.canonical(
            {
                "scale": self._project.config.scale,
                "draw": figure.block.options,
                "published": figure.published,
                "sweeps": {sweep: self.record(sweep) for sweep in shown},
                "reduced": {sweep: reductions.less(*self._here_and_in_full(sweep)) for sweep in shown},
            }
        )

    def figure_code(self, name: str) -> str:
        """Return the digest of the drawing function and of the style."""
        entry = self._project.figures[name].draw_entry
        engine = ("style:set_up", "saving:named", "saving:stamp", "lettering:finish", "saving:save")
        return self._identity((), *(f"greedyrank.figures.{name}" for name in engine), entry)

    def claims(self, name: str) -> str:
        """Return the claims of a figure, as canonical JSON."""
        figure = self._project.figures[name]
        found: dict[str, object] = {"scale": self._project.config.scale, "claims": figure.claims}
        if left_out := self._files.left_out(figure.block.sweeps):
            found["left_out"] = left_out
        return provenance.canonical(found)

    def claims_code(self, name: str) -> str:
        """Return the digest of the judging and of the figure's statistics."""
        figure = self._project.figures[name]
        entries = [
            find_statistic(self._project.code, figure.paper.name, name, reference) for reference in figure.statistics
        ]
        return self._identity((), "greedyrank.claims.judging:judge", "greedyrank.claims.judged_files:save", *entries)

    def _here_and_in_full(self, name: str) -> tuple[dict, dict]:
        """Return the settings of a sweep at its scale, and at the paper scale; twice the former if that has none."""
        here, full = self._project.sweeps[name].whole.to_json(), at_paper_scale(self._project.blocks[name])
        return here, full or here

    def reduced(self, name: str) -> dict[str, list]:
        """Return the settings of a sweep that have other values at the paper scale: the values here, and there."""
        return reductions.differences(*self._here_and_in_full(name))

    def page(self) -> str:
        """Return what the page shows of the config, as JSON."""
        figures = {
            name: {
                "title": figure.block.title,
                "paper": figure.block.paper,
                "folder": figure.paper.name,
                "caption": clean_room.as_in_jobs(figure.paper.folder / name / "caption.rst"),
                "sweeps": {sweep: self.record(sweep) for sweep in figure.block.sweeps},
                "reduced": {sweep: self.reduced(sweep) for sweep in figure.block.sweeps},
            }
            for name, figure in self._project.figures.items()
        }
        papers = {paper.name: clean_room.as_in_jobs(paper.folder / "README.md") for paper in self._project.papers}
        return provenance.canonical({"scale": self._project.config.scale, "papers": papers, "figures": figures})
