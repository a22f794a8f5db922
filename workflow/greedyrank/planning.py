"""The job graph: which files, which slices of config, which digests of code, which resources.

The rules only wire: every parameter and input is a method of `Plan`, called with the wildcards.
Nothing here imports torch, numpy or anything else that is slow to load.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time
from functools import cache
from pathlib import Path

from greedyrank import config as configuration
from greedyrank import defaults, memory, plain, provenance, settings, sweeps
from greedyrank.code_digest import Code

WORKFLOW = Path(__file__).parent.parent
CLAIMS, PUBLISHED, REPORT = WORKFLOW / "claims", WORKFLOW / "published", WORKFLOW / "report"
FORMATS = ("png", "pdf", "svg", "csv")
# What training jobs are given, beside the arrays of those on images. Measured at laptop scale on a CPU: at most 464 MB,
# 14 minutes, and 70 seconds where the whole figure takes a minute. CUDA's own memory on the host was not measured.
# Too little is no loss: with `retries` a job gets more, and goes on from its checkpoint.
TRAIN_MB = {"cpu": 2000, "cuda": 4000}
TRAIN_MINUTES = {"smoke": 60, "laptop": 60, "paper": 1440}
SHORT_MINUTES = 5
# On a cluster, where starting a job takes seconds, figures of at most so many minutes are one job, if the sweeps have
# no more training jobs than this.
SHORT_FIGURE, SHORT_JOBS = 1, 20


def growing(amount: int):
    """Return a resource: the amount, and as much again at every retry."""
    return lambda wildcards, attempt: amount * attempt


def gpu_is_here() -> bool:
    """Tell whether this machine has an NVIDIA GPU, without importing torch."""
    # The driver's device, or what it brings along in the Windows Subsystem for Linux.
    driver = any(Path(path).exists() for path in ("/dev/nvidiactl", "/usr/lib/wsl/lib/nvidia-smi"))
    return driver and os.environ.get("CUDA_VISIBLE_DEVICES") != ""


CODE = Code({"greedyrank": Path(__file__).parent})


@cache
def _code(models: tuple[type[settings.Settings], ...], *entries: str) -> str:
    """Return the digest of the code that some definitions reach, and of the defaults of settings that it may read.

    Parameters
    ----------
    models : tuple of type
        The classes of the settings that the code is given.
    *entries : str
        ``module:definition``, below ``greedyrank``.
    """
    names = tuple(f"greedyrank.{entry}" for entry in entries)
    mentioned = CODE.mentions(names)
    usual = {
        f"{model.__name__}.{name}": value
        for model in models
        for name, value in defaults.nested_defaults(model).items()
        if name.split(".")[-1] in mentioned
    }
    return provenance.digest(provenance.canonical([CODE.digest(names), usual]))[:16]


def _has(module: str, name: str) -> bool:
    """Tell whether a module below ``greedyrank`` defines a name."""
    return name in CODE.module(f"greedyrank.{module}").definitions


class Plan:
    """Everything the rules ask for, from a validated config.

    Parameters
    ----------
    raw : dict
        The mapping read from the config file, command-line overrides included.
    here : bool
        Whether the jobs run on this machine, so that its memory and its GPU count. On a cluster they
        do not: neither that of the machine that submits, nor that of the node of another job.

    Raises
    ------
    ConfigError
        Naming every wrong key, its value and what is allowed.
    """

    def __init__(self, raw: dict, here: bool = True):
        self.config, self.sweeps = configuration.load(raw)
        self.here = here
        results = Path(self.config.results_dir)
        self.results = str(results if self.config.scale == "laptop" else results / self.config.scale)
        self.data_dir = self.config.data_dir
        self.batches: dict[str, dict[str, dict]] = {}
        self.instances: dict[str, dict[str, list[dict]]] = {}
        self._reads: dict[str, dict[str, list[str]]] = {}
        for name in self.sweeps:
            self.batches[name] = self._batches(name)
            self.instances[name], self._reads[name] = self._instances(name)
        if here:
            self._check_memory()
        self.missing = sorted({f for name in self.sweeps for f in self._files(name) if not Path(f).exists()})
        self.skipped = [
            name
            for name, figure in self.config.figures.items()
            if any(f in self.missing for sweep in figure.sweeps for f in self._files(sweep))
        ]
        self.claims = self._load_claims()
        self._published = {
            figure: plain.read_yaml(path)
            for figure in self.config.figures
            if (path := PUBLISHED / f"{figure}.yaml").exists()
        }

    def export_environment(self, files: list[Path], overrides: dict) -> None:
        """Let the jobs find the library, keep their caches with Snakemake's own files, and name whole commands.

        The caches are not in the results, which are data alone, safe to pass on and to read: numba's is pickles.

        Parameters
        ----------
        files : list of Path
            Config files named on the command line.
        overrides : dict
            Settings given on the command line.
        """
        inherited = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(WORKFLOW), *filter(None, [inherited])])
        cache = Path(".snakemake", "cache").absolute()
        os.environ["MPLCONFIGDIR"] = str(cache / "matplotlib")
        os.environ["NUMBA_CACHE_DIR"] = str(cache / "numba")
        pairs = [f"{key}={v if isinstance(v, str) else provenance.canonical(v)}" for key, v in overrides.items()]
        words = [*(["--configfile", *map(str, files)] if files else []), *(["--config", *pairs] if pairs else [])]
        os.environ["GREEDYRANK_CONFIG"] = shlex.join(words)

    def mend_times(self) -> None:
        """Give results from the future, which a clock that was set back leaves, the present time.

        Snakemake lets no job read them: its output would be older than its input.
        """
        now = time.time()
        for stage in ("data", "runs", "baselines", "spectra"):
            for path in Path(self.results, stage).rglob("*"):
                with contextlib.suppress(FileNotFoundError):  # a job of a Snakemake that was killed may be renaming it
                    if path.stat().st_mtime > now:
                        os.utime(path)

    def _load_claims(self) -> dict[str, list[dict]]:
        claims, errors = {}, []
        for figure in self.config.figures:
            if not (REPORT / f"{figure}.rst").exists():
                errors.append(f"figures.{figure}: no caption; write {REPORT / figure}.rst")
            path = CLAIMS / f"{figure}.yaml"
            try:
                blocks = plain.read_yaml(path) if path.exists() else None
                claims[figure] = configuration.load_claims(figure, self.config, self.sweeps, blocks)
            except configuration.ConfigError as error:
                errors += error.messages
        if errors:
            raise configuration.ConfigError(errors)
        return claims

    # -- groups: what one job of a cluster does ------------------------------------------------

    def is_short(self, sweep: str) -> bool:
        """Tell whether all figures that show a sweep take a minute, its training included."""
        shown = [figure.minutes for figure in self.config.figures.values() if sweep in figure.sweeps]
        return max(shown, default=SHORT_FIGURE + 1) <= SHORT_FIGURE and len(self.batches[sweep]) <= SHORT_JOBS

    def figure_group(self) -> str | None:
        """Return the group of measuring, drawing and judging, on a cluster: one job for figures that share sweeps."""
        return None if self.here else "figures"

    def train_group(self, sweep: str) -> str | None:
        """Return the group in which a sweep trains: that of its figures if they are short, else each job is its own.

        A job that holds a GPU does nothing else.
        """
        return self.figure_group() if self.is_short(sweep) and self.device(sweep) == "cpu" else None

    # -- data --------------------------------------------------------------------------------

    def _files(self, name: str) -> list[str]:
        """Return the files of the data folder that a sweep needs and the user provides."""
        return [str(Path(self.data_dir) / file) for file in settings.PROBLEMS[self.sweeps[name]["problem"]].files]

    def skip_message(self) -> str:
        """Return one line that says what is skipped, and what it takes to have it."""
        return (
            f"Skipped unless asked for by name: {', '.join(self.skipped)}. {', '.join(self.missing)} is missing, and"
            " may not be redistributed: put it there, or download it with: snakemake --cores 1 movielens"
        )

    def _data_settings(self, name: str) -> tuple[str, ...]:
        return settings.PROBLEMS[self.sweeps[name]["problem"]].data_settings

    def _instances(self, name: str) -> tuple[dict[str, list[dict]], dict[str, list[str]]]:
        """Return the data files of a sweep, and which each training job reads.

        What the same jobs read stands in one file. A file is labelled by the settings in which it differs
        from the others.
        """
        sweep, keys = self.sweeps[name], list(self._data_settings(name))
        readers: dict[str, list[str]] = {}
        for batch, settled in self.batches[name].items():
            for data in sweeps.batches(sweeps.narrow(sweep, settled), keys):
                readers.setdefault(repr(data), []).append(batch)
        files: dict[tuple, list[dict]] = {}
        for data in sweeps.batches(sweep, keys):
            files.setdefault(tuple(readers[repr(data)]), []).append(data)
        common = [
            {key: group[0][key] for key in keys if len({repr(data[key]) for data in group}) == 1}
            for group in files.values()
        ]
        apart = [key for key in keys if len({repr(shared.get(key)) for shared in common}) > 1]
        labels = [sweeps.label({key: shared[key] for key in apart if key in shared}) for shared in common]
        # Where settings alone do not tell them apart, or take more than a file's name holds.
        if len(set(labels)) < len(files) or max(map(len, labels)) > configuration.LONGEST_NAME:
            labels = [f"file-{number}" for number in range(len(files))]
        reads: dict[str, list[str]] = {batch: [] for batch in self.batches[name]}
        for label, batches in zip(labels, files, strict=True):
            for batch in batches:
                reads[batch].append(label)
        return dict(zip(labels, files.values(), strict=True)), reads

    def data_inputs(self, wildcards) -> list[str]:
        """Return what a generation job waits for: the verified images, the user's files, or nothing."""
        group = self.instances[wildcards.sweep][wildcards.instance]
        datasets = sorted({data["dataset"] for data in group if "dataset" in data})
        return [f"{self.results}/data/{dataset}.sha256" for dataset in datasets] + self._files(wildcards.sweep)

    def data_slice(self, wildcards) -> str:
        """Return the settings of the data instances in one file, as canonical JSON."""
        group = self.instances[wildcards.sweep][wildcards.instance]
        problem = self.sweeps[wildcards.sweep]["problem"]
        return provenance.canonical(
            {"problem": problem, "instances": [defaults.instance_without(problem, data) for data in group]}
        )

    def data_code(self, wildcards) -> str:
        """Return the digest of the code that generates data."""
        problem = self.sweeps[wildcards.sweep]["problem"]
        return _code((settings.PROBLEMS[problem],), f"problems.{problem}:generate")

    # -- training ----------------------------------------------------------------------------

    def priority(self, sweep: str) -> int:
        """Return a sweep's priority: below 0, so that what can follow training does; cheap figures first."""
        order = sorted(self.config.figures.values(), key=lambda figure: figure.minutes)
        return -next((i + 1 for i, figure in enumerate(order) if sweep in figure.sweeps), len(order) + 1)

    def _batches(self, name: str) -> dict[str, dict]:
        """Return the training jobs of a sweep, each with the settings that split it from the others."""
        sweep = self.sweeps[name]
        found = {sweeps.label(settled): settled for settled in sweeps.batches(sweep, sweep["batch"])}
        if len(longest := max(found, key=len)) > configuration.LONGEST_NAME:
            message = f"sweeps.{name}.batch gives a job the name {longest}; allowed: {configuration.LONGEST_NAME}"
            raise configuration.ConfigError([f"{message} characters"])
        return found

    def train_inputs(self, wildcards) -> list[str]:
        """Return the data files of a batch."""
        names = self._reads[wildcards.sweep][wildcards.batch]
        return [f"{self.results}/data/{wildcards.sweep}/{name}.npz" for name in names]

    def train_slice(self, wildcards) -> str:
        """Return the settings of the runs of a batch, as canonical JSON."""
        sweep = self.sweeps[wildcards.sweep]
        part = sweeps.narrow(sweep, self.batches[wildcards.sweep][wildcards.batch])
        return provenance.canonical(defaults.without(part))

    def _image_memory(self, sweep: str, batch: str) -> int:
        """Return the bytes that a job on images takes; 0 for every other job."""
        if self.sweeps[sweep]["problem"] != "image_classification":
            return 0
        return memory.of_job(sweeps.expand(sweeps.narrow(self.sweeps[sweep], self.batches[sweep][batch])))

    def train_memory(self, wildcards, attempt: int = 1) -> int:
        """Return the memory of a training job in MB."""
        general = TRAIN_MB[self.device(wildcards.sweep)]
        return attempt * (general + self._image_memory(wildcards.sweep, wildcards.batch) // 1_000_000)

    def train_minutes(self, sweep: str) -> int:
        """Return the minutes that a training job may take at its first attempt."""
        return SHORT_MINUTES if self.is_short(sweep) else TRAIN_MINUTES[self.config.scale]

    def _check_memory(self) -> None:
        """Refuse jobs on images with more columns than this machine's memory holds; a GPU has its own."""
        errors, there = [], memory.of_machine()
        for name, batches in self.batches.items():
            if self.device(name) == "cuda":
                continue
            for batch, settled in batches.items():
                if (needed := self._image_memory(name, batch)) > there:
                    runs = sweeps.expand(sweeps.narrow(self.sweeps[name], settled))
                    errors.append(
                        f"sweeps.{name}.batch: the {memory.columns(runs)} columns of the job {batch}, all components of"
                        f" its {len(runs)} runs, need about {needed / 1e9:.1f} GB; this machine has"
                        f" {there / 1e9:.1f} GB: split it by naming `tensor_rank` in `batch`, or give it fewer labels,"
                        " ranks or seeds, or a smaller `batch_size`"
                    )
        if errors:
            raise configuration.ConfigError(errors)

    def train_code(self, name: str) -> str:
        """Return the digest of the training loop and of the tenants that a sweep names."""
        sweep = self.sweeps[name]
        factorization = f"factorizations.{sweep['factorization']}"
        compiled = [f"{factorization}:compiled"] if _has(factorization, "compiled") else []
        return _code(
            tuple(defaults.models(sweep)),
            "training:train",
            f"problems.{sweep['problem']}:Problem",
            f"{factorization}:Model",
            *compiled,
            f"optimizers.{sweep['optimizer']}:Optimizer",
        )

    def device(self, sweep: str) -> str:
        """Return where a sweep trains: ``auto`` is a GPU where there is one."""
        wanted = self.config.device
        if self.sweeps[sweep]["device"] == "cpu" or wanted == "cpu":
            return "cpu"
        return "cuda" if wanted == "cuda" or (self.here and gpu_is_here()) else "cpu"

    def gpus(self, sweep: str) -> int:
        """Return how many GPUs each job of a sweep needs."""
        return int(self.device(sweep) == "cuda")

    # -- baselines ---------------------------------------------------------------------------

    def baseline_slice(self, wildcards) -> str:
        """Return the settings of a sweep's baseline and of the distinct problems it has, as canonical JSON."""
        sweep = self.sweeps[wildcards.sweep]
        problem = sweep["problem"]
        views = sweeps.batches(sweep, list(defaults.view_settings(problem)))
        chosen = {key: sweep[key] for key in ("problem", "factorization", "baseline")}
        return provenance.canonical({**chosen, "views": [defaults.instance_without(problem, view) for view in views]})

    def baseline_code(self, wildcards) -> str:
        """Return the digest of the code that solves a baseline."""
        sweep = self.sweeps[wildcards.sweep]
        kind, problem = sweep["baseline"]["kind"], sweep["problem"]
        model = settings.BASELINES[kind]
        called = [f"problems.{problem}:{name}" for name in model.problem_functions]
        return _code((model, settings.PROBLEMS[problem]), f"baselines.{kind}:compute", *called)

    # -- spectra -----------------------------------------------------------------------------

    def spectra_inputs(self, wildcards) -> list[str]:
        """Return the run files of a sweep."""
        return [f"{self.results}/runs/{wildcards.sweep}/{batch}.npz" for batch in self.batches[wildcards.sweep]]

    def spectra_data(self, wildcards) -> list[str]:
        """Return the data files of a sweep."""
        return [f"{self.results}/data/{wildcards.sweep}/{name}.npz" for name in self.instances[wildcards.sweep]]

    def spectra_baselines(self, wildcards) -> list[str]:
        """Return the baseline file of a sweep, if it has a baseline."""
        named = self.sweeps[wildcards.sweep]["baseline"]
        return [f"{self.results}/baselines/{wildcards.sweep}.npz"] if named else []

    def extract_runtime(self, wildcards, attempt: int = 1) -> int:
        """Return the minutes that measuring a sweep may take: at laptop scale 2 were the most."""
        return attempt * (SHORT_MINUTES if self.is_short(wildcards.sweep) else 30)

    def measures(self, wildcards) -> list[str]:
        """Return what the figures that show a sweep measure on it."""
        asked = (f.measures for f in self.config.figures.values() if wildcards.sweep in f.sweeps)
        return sorted({measure for measures in asked for measure in measures})

    def spectra_code(self, wildcards) -> str:
        """Return the digest of the extraction, the problem and the measures asked for."""
        sweep = self.sweeps[wildcards.sweep]
        problem = f"problems.{sweep['problem']}"
        context = [f"{problem}:context"] if _has(problem, "context") else []
        measures = (f"measures.{measure}:measure" for measure in self.measures(wildcards))
        return _code(tuple(defaults.models(sweep)), "extraction:extract", *context, *measures)

    # -- figures and claims ------------------------------------------------------------------

    def figure_inputs(self, wildcards) -> list[str]:
        """Return the spectra that a figure and its claims read."""
        return [f"{self.results}/spectra/{sweep}.nc" for sweep in self.config.figures[wildcards.figure].sweeps]

    def figure_slice(self, wildcards) -> str:
        """Return what drawing depends on: draw settings, published values, settings of the sweeps."""
        name = wildcards.figure
        figure = self.config.figures[name]
        return provenance.canonical(
            {
                "scale": self.config.scale,
                "draw": figure.draw,
                "published": self._published.get(name, {}),
                "sweeps": {sweep: self._sweep_record(sweep) for sweep in figure.sweeps},
            }
        )

    def _sweep_record(self, name: str) -> dict:
        sweep = defaults.without(self.sweeps[name])
        return {key: sweep[key] for key in (*sweeps.TENANTS, "fixed", "cases", "axes")}

    def figure_code(self, wildcards) -> str:
        """Return the digest of the drawing function and the style."""
        return _code((), "style:stamp", "style:save", f"figures.{wildcards.figure}:draw")

    def claims_slice(self, wildcards) -> str:
        """Return the claims of a figure, as canonical JSON."""
        return provenance.canonical({"scale": self.config.scale, "claims": self.claims[wildcards.figure]})

    def claims_code(self, wildcards) -> str:
        """Return the digest of the verdicts and of the figure's statistics."""
        claims = self.claims[wildcards.figure]
        names = sorted({part["statistic"] for claim in claims for part in (claim, claim["control"])})
        return _code((), "verdicts:judge", *(f"claims.{wildcards.figure}:{name}" for name in names))

    def figure_files(self, figure: str) -> list[str]:
        """Return the outputs of one figure: pictures, drawn data and verdicts."""
        pictures = [f"{self.results}/figures/{figure}.{ending}" for ending in FORMATS]
        return [*pictures, f"{self.results}/claims/{figure}.json"]

    def all_files(self) -> list[str]:
        """Return the outputs of every figure that is not skipped, cheapest figure first."""
        order = sorted(self.config.figures, key=lambda name: self.config.figures[name].minutes)
        return [path for figure in order if figure not in self.skipped for path in self.figure_files(figure)]

    def claims_files(self) -> list[str]:
        """Return the verdicts of every figure that is not skipped."""
        return [f"{self.results}/claims/{figure}.json" for figure in self.config.figures if figure not in self.skipped]

    def page_slice(self) -> str:
        """Return what the page shows of the config."""
        figures = {
            name: {"title": f.title, "paper": f.paper, "sweeps": {s: self._sweep_record(s) for s in f.sweeps}}
            for name, f in self.config.figures.items()
        }
        return provenance.canonical({"scale": self.config.scale, "figures": figures})
