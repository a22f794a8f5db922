"""The job graph: which files there are, and which job reads and writes them.

Nothing here imports torch, numpy or anything else that is slow to load.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import yaml

from greedyrank.config import loading, sweeps, target_files
from greedyrank.config.grammar import LONGEST_NAME, is_name_of_files
from greedyrank.config.papers import CAPTION
from greedyrank.config.settings.problems import PROBLEMS
from greedyrank.config.yaml_input import ConfigError
from greedyrank.plan.data_files import DataFiles
from greedyrank.plan.resources import Resources
from greedyrank.plan.slices import Slices

logger = logging.getLogger(__name__)

FORMATS = ("png", "pdf", "svg", "csv", "js")


def _jobs(sweep: loading.ResolvedSweep) -> dict[str, sweeps.Slice]:
    """Return the training jobs of a sweep: the slice of each, by its name."""
    whole = sweep.whole
    found = {sweeps.label(choice): sweeps.narrow(whole, choice) for choice in sweeps.choices(whole, sweep.job_per)}
    if len(longest := max(found, key=len)) > LONGEST_NAME:
        message = f"sweeps.{sweep.name}.job_per gives a job the name {longest}; allowed: {LONGEST_NAME} characters"
        raise ConfigError([message])
    return found


def _instances(
    whole: sweeps.Slice, jobs: dict[str, sweeps.Slice]
) -> tuple[dict[str, list[dict]], dict[str, list[str]]]:
    """Return the data files of a sweep, and which of them each training job reads.

    What the same jobs read stands in one file. A file is labelled by the settings in which it differs from the
    others.
    """
    keys = list(PROBLEMS[whole.problem].data_settings)
    readers: dict[str, list[str]] = {}
    for job, part in jobs.items():
        for data in sweeps.choices(part, keys):
            readers.setdefault(repr(data), []).append(job)
    files: dict[tuple, list[dict]] = {}
    for data in sweeps.choices(whole, keys):
        files.setdefault(tuple(readers[repr(data)]), []).append(data)
    common = [
        {key: group[0][key] for key in keys if len({repr(data[key]) for data in group}) == 1}
        for group in files.values()
    ]
    apart = [key for key in keys if len({repr(shared.get(key)) for shared in common}) > 1]
    labels = [sweeps.label({key: shared[key] for key in apart if key in shared}) for shared in common]
    # Where settings alone do not tell them apart, or take more than a file's name holds.
    if len(set(labels)) < len(files) or max(map(len, labels)) > LONGEST_NAME:
        labels = [f"file-{number}" for number in range(len(files))]
    reads: dict[str, list[str]] = {job: [] for job in jobs}
    for name, asking in zip(labels, files, strict=True):
        for job in asking:
            reads[job].append(name)
    return dict(zip(labels, files.values(), strict=True)), reads


class Plan:
    """The files and jobs of a validated config.

    Parameters
    ----------
    raw : dict
        The mapping read from the config files, command-line overrides included.
    here : bool
        Whether the jobs run on this machine, so that its memory and its GPU count. On a cluster they do not: the
        machine that submits is not the one that trains.
    files_of : callable
        Makes, of the project, what is known of the data folder; another one where no data are needed.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """

    def __init__(self, raw: dict, here: bool = True, files_of: Callable[[loading.Project], DataFiles] = DataFiles):
        self.project = loading.load(raw)
        self.config, self.sweeps, self.figures = self.project.config, self.project.sweeps, self.project.figures
        self.results, self.data_dir = self.config.folder, self.config.data
        self.jobs = {name: _jobs(sweep) for name, sweep in self.sweeps.items()}
        self.instances: dict[str, dict[str, list[dict]]] = {}
        self._reads: dict[str, dict[str, list[str]]] = {}
        for name, sweep in self.sweeps.items():
            self.instances[name], self._reads[name] = _instances(sweep.whole, self.jobs[name])
        self.files = files_of(self.project)
        self.slices = Slices(self.project, self.files)
        self.resources = Resources(self.project, self.jobs, here)
        if here:
            self.resources.check_memory()
        self.missing = sorted(
            self.files.path(name)
            for name in {file for sweep in self.sweeps.values() for file in PROBLEMS[sweep.whole.problem].files}
            if name in self.files.missing
        )
        self.skipped = [name for name, figure in self.figures.items() if self.files.lacks_all(figure.block.sweeps)]

    # -- messages ----------------------------------------------------------------------------------

    def skip_message(self) -> str:
        """Return one line that says which figures are skipped for want of the user's files, and how to get these."""
        lacking = {
            sweep for sweep in self.sweeps for file in self.files.of(sweep) if self.files.path(file) in self.missing
        }
        skipped = [name for name in self.skipped if lacking & set(self.figures[name].block.sweeps)]
        return (
            f"Skipped unless asked for by name: {', '.join(skipped)}. {', '.join(self.missing)} is missing and"
            " may not be redistributed: put it there, or download it with: snakemake --cores 1 movielens"
        )

    def left_out_message(self) -> str:
        """Return one line for each sweep that lacks files which authors released, and how to get them; or nothing."""
        lines = [f"Left out: {sweep}. {reason}." for sweep, reason in self.files.lacking_released().items()]
        how = "Put the files that the authors released there, or download them with: snakemake --cores 1 released"
        return "\n".join([*lines, how]) if lines else ""

    def broken_message(self) -> str:
        """Return what is wrong in the folders of figures, one line each, and which figures are left out."""
        lines = dict.fromkeys(message for messages in self.project.broken.values() for message in messages)
        names = ", ".join(self.project.broken)
        return "\n".join([f"These figures cannot be built: {names}. All others can.", *(f"  {line}" for line in lines)])

    def resolved(self) -> str:
        """Return the config that is built, as YAML: what the user set, every sweep and figure with all overrides."""
        content = {
            **self.config.model_dump(),
            "sweeps": {name: sweep.to_json() for name, sweep in self.sweeps.items()},
            "figures": {name: figure.block.model_dump() for name, figure in self.figures.items()},
        }
        return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)

    def write_config(self) -> None:
        """Write the config that is built.

        It is a record that no job reads. So a full disk is only logged here, and the job that meets it names its file.
        """
        path = Path(self.results, "config.yaml")
        temporary = path.with_name(f".{os.getpid()}.{path.name}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(self.resolved(), encoding="utf-8")
            os.replace(temporary, path)
        except OSError as error:
            logger.warning("%s cannot be written: %s", path, error.strerror)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    # -- data --------------------------------------------------------------------------------------

    def data_inputs(self, wildcards) -> list[str]:
        """Return what a generation job waits for: the verified images, the user's files, or nothing."""
        group = self.instances[wildcards.sweep][wildcards.instance]
        datasets = sorted({data["dataset"] for data in group if "dataset" in data})
        named = [*PROBLEMS[self.sweeps[wildcards.sweep].whole.problem].files]
        named += dict.fromkeys(file for data in group for file in target_files.named(data))
        return [f"{self.results}/data/{dataset}.sha256" for dataset in datasets] + list(map(self.files.path, named))

    def data_slice(self, wildcards) -> str:
        """Return the settings of the instances in one file."""
        return self.slices.data(wildcards.sweep, self.instances[wildcards.sweep][wildcards.instance])

    # -- training and spectra ----------------------------------------------------------------------

    def train_inputs(self, wildcards) -> list[str]:
        """Return the data files of a training job."""
        names = self._reads[wildcards.sweep][wildcards.job]
        return [f"{self.results}/data/{wildcards.sweep}/{name}.npz" for name in names]

    def train_slice(self, wildcards) -> str:
        """Return the settings of the runs of a job."""
        return self.slices.training(self.jobs[wildcards.sweep][wildcards.job])

    def spectra_inputs(self, wildcards) -> list[str]:
        """Return the run files of a sweep."""
        return [f"{self.results}/runs/{wildcards.sweep}/{job}.npz" for job in self.jobs[wildcards.sweep]]

    def spectra_data(self, wildcards) -> list[str]:
        """Return the data files of a sweep."""
        return [f"{self.results}/data/{wildcards.sweep}/{name}.npz" for name in self.instances[wildcards.sweep]]

    def spectra_baselines(self, wildcards) -> list[str]:
        """Return the baseline file of a sweep, if it has a baseline."""
        has_one = self.sweeps[wildcards.sweep].baseline
        return [f"{self.results}/baselines/{wildcards.sweep}.npz"] if has_one else []

    # -- figures and claims ------------------------------------------------------------------------

    def figure_inputs(self, wildcards) -> list[str]:
        """Return the spectra that a figure and its claims read."""
        shown = self.files.shown(self.figures[wildcards.figure].block.sweeps)
        return [f"{self.results}/spectra/{sweep}.nc" for sweep in shown]

    def figure_files(self, figure: str) -> list[str]:
        """Return the outputs of one figure: pictures, drawn data and verdicts."""
        pictures = [f"{self.results}/figures/{figure}.{ending}" for ending in FORMATS]
        return [*pictures, f"{self.results}/claims/{figure}.json"]

    def caption(self, figure: str) -> str:
        """Return the file of a figure's caption."""
        return str(self.figures[figure].paper.folder / figure / CAPTION)

    def paper_files(self, paper: loading.Paper) -> list[str]:
        """Return the outputs of all figures of a paper that are not skipped."""
        return self._files_of([name for name in self.project.owners if self.project.owners[name] == paper])

    def all_files(self) -> list[str]:
        """Return the outputs of every figure that is not skipped, cheapest figure first."""
        order = sorted(self.figures, key=lambda name: self.figures[name].block.minutes)
        return self._files_of([*order, *self.project.broken])

    def _files_of(self, figures: list[str]) -> list[str]:
        """Return the outputs of some figures; one that cannot be built stands for itself, and one is skipped alone."""
        built = [name for name in figures if name in self.figures and name not in self.skipped]
        broken = [self.never_there(name) for name in figures if name in self.project.broken]
        return [*(path for name in built for path in self.figure_files(name)), *broken]

    def broken_target(self, figure: str) -> str:
        """Return the target of a figure that cannot be built: its name, unless this is no target, or another one."""
        taken = {*loading.RESERVED, *(paper.name for paper in self.project.papers)}
        is_free = is_name_of_files(figure) and figure not in taken
        return figure if is_free else f"broken_{list(self.project.broken).index(figure)}"

    def never_there(self, figure: str) -> str:
        """Return the file that a figure that cannot be built would have to make, so that asking for it fails."""
        return f"{self.results}/logs/broken/{self.broken_target(figure)}"

    @property
    def cheap(self) -> list[str]:
        """The figures that take at most a minute on two cores."""
        return [name for name, figure in self.figures.items() if figure.block.minutes <= 1 and name not in self.skipped]

    def cheap_files(self) -> list[str]:
        """Return the verdicts of the figures that take at most a minute."""
        return [f"{self.results}/claims/{figure}.json" for figure in self.cheap]

    def claims_files(self) -> list[str]:
        """Return the verdicts of every figure that is not skipped."""
        return [f"{self.results}/claims/{figure}.json" for figure in self.figures if figure not in self.skipped]
