"""One job by itself: what it gets, and running it in this process, for instance under a debugger."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from greedyrank.config.messages import nearest
from greedyrank.errors import UserError
from greedyrank.plan.graph import FORMATS, Plan


@dataclass(frozen=True)
class Job:
    """A job of the pipeline.

    Attributes
    ----------
    rule, name : str
        Such as ``train`` and ``det_sign/depth-2_dtype-float32``.
    settings : dict
        What it gets, without what is left at its default.
    inputs : dict
        The files that it reads, by their role.
    outputs : list of Path
        The files that it writes.
    options : dict
        What else its stage takes.
    """

    rule: str
    name: str
    settings: dict[str, Any]
    inputs: dict[str, list[Path]]
    outputs: list[Path]
    options: dict[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """Return the job as JSON can hold it."""
        return {
            "rule": self.rule,
            "job": self.name,
            "settings": self.settings,
            "inputs": {role: list(map(str, files)) for role, files in self.inputs.items()},
            "outputs": list(map(str, self.outputs)),
        }

    def run(self) -> None:
        """Run the job in this process.

        Raises
        ------
        UserError
            If a file that it reads is missing, naming the command that makes it.
        """
        from greedyrank import stages

        check_there([path for files in self.inputs.values() for path in files])
        files, (out, *_) = self.inputs, self.outputs
        match self.rule:
            case "generate":
                stages.generate(self.settings, self.options["data_dir"], out)
            case "train":
                stages.train(self.settings, files["data"], out, **self.options)
            case "baseline":
                stages.baseline(self.settings, files["data"], out)
            case "extract":
                stages.extract(files["runs"], files["data"], files["baselines"], self.settings["measures"], out)
            case "plot":
                stages.plot(self.name, self.settings, files["spectra"], self.outputs, **self.options)
            case "check_claims":
                stages.check_claims(self.name, self.settings, files["spectra"], out)


def check_there(files: list[Path]) -> None:
    """Check that files exist.

    Raises
    ------
    UserError
        Naming the first that does not, and the command that makes it.
    """
    from greedyrank import storage

    for path in files:
        if not path.exists():
            raise UserError(f"{path} is missing; make it with: {storage.build_command(str(path))}")


def _paths(files: list[str]) -> list[Path]:
    return [Path(file) for file in files]


def _generate(plan: Plan, sweep: str, instance: str) -> Job:
    wildcards = SimpleNamespace(sweep=sweep, instance=instance)
    out = Path(plan.results, "data", sweep, f"{instance}.npz")
    inputs = {"data": _paths(plan.data_inputs(wildcards))}
    options = {"data_dir": Path(plan.data_dir)}
    return Job("generate", f"{sweep}/{instance}", json.loads(plan.data_slice(wildcards)), inputs, [out], options)


def _train(plan: Plan, sweep: str, job: str) -> Job:
    wildcards = SimpleNamespace(sweep=sweep, job=job)
    out = Path(plan.results, "runs", sweep, f"{job}.npz")
    options = {
        "code": plan.slices.training_code(sweep),
        "device": plan.resources.device(sweep),
        "checkpoints": Path(plan.results, ".checkpoints"),
    }
    inputs = {"data": _paths(plan.train_inputs(wildcards))}
    return Job("train", f"{sweep}/{job}", json.loads(plan.train_slice(wildcards)), inputs, [out], options)


def _baseline(plan: Plan, sweep: str) -> Job:
    inputs = {"data": _paths(plan.spectra_data(SimpleNamespace(sweep=sweep)))}
    out = Path(plan.results, "baselines", f"{sweep}.npz")
    return Job("baseline", sweep, json.loads(plan.slices.baseline(sweep)), inputs, [out])


def _extract(plan: Plan, sweep: str) -> Job:
    wildcards = SimpleNamespace(sweep=sweep)
    inputs = {
        "runs": _paths(plan.spectra_inputs(wildcards)),
        "data": _paths(plan.spectra_data(wildcards)),
        "baselines": _paths(plan.spectra_baselines(wildcards)),
    }
    out = Path(plan.results, "spectra", f"{sweep}.nc")
    return Job("extract", sweep, {"measures": plan.slices.measures(sweep)}, inputs, [out])


def _plot(plan: Plan, figure: str) -> Job:
    inputs = {"spectra": _paths(plan.figure_inputs(SimpleNamespace(figure=figure)))}
    outputs = [Path(plan.results, "figures", f"{figure}.{ending}") for ending in FORMATS]
    options = {"drawn_by": plan.figures[figure].drawn_by, "code": plan.slices.figure_code(figure)}
    return Job("plot", figure, json.loads(plan.slices.figure(figure)), inputs, outputs, options)


def _check_claims(plan: Plan, figure: str) -> Job:
    inputs = {"spectra": _paths(plan.figure_inputs(SimpleNamespace(figure=figure)))}
    out = Path(plan.results, "claims", f"{figure}.json")
    return Job("check_claims", figure, json.loads(plan.slices.claims(figure)), inputs, [out])


def names(plan: Plan, rule: str) -> list[str]:
    """Return the names of all jobs of a rule.

    Raises
    ------
    UserError
        If there is no such rule.
    """
    known: dict[str, Callable[[], list[str]]] = {
        "generate": lambda: [f"{sweep}/{name}" for sweep, files in plan.instances.items() for name in files],
        "train": lambda: [f"{sweep}/{job}" for sweep, jobs in plan.jobs.items() for job in jobs],
        "baseline": lambda: [name for name, sweep in plan.sweeps.items() if sweep.baseline],
        "extract": lambda: list(plan.sweeps),
        "plot": lambda: list(plan.figures),
        "check_claims": lambda: list(plan.figures),
    }
    if rule not in known:
        raise UserError(f"no rule `{rule}`; {nearest(rule, known)}")
    return known[rule]()


def job(plan: Plan, rule: str, name: str) -> Job:
    """Return one job.

    Parameters
    ----------
    plan : Plan
        The job graph.
    rule : {"generate", "train", "baseline", "extract", "plot", "check_claims"}
        What it does.
    name : str
        ``<sweep>/<instance>``, ``<sweep>/<job>``, a sweep or a figure, as Snakemake's messages and logs name it.

    Raises
    ------
    UserError
        If there is no such rule or job.
    """
    known = names(plan, rule)
    if name not in known:
        raise UserError(f"no job `{name}` of {rule}; {nearest(name, known)}")
    make: dict[str, Callable[..., Job]] = {
        "generate": _generate,
        "train": _train,
        "baseline": _baseline,
        "extract": _extract,
        "plot": _plot,
        "check_claims": _check_claims,
    }
    return make[rule](plan, *name.split("/", 1))
