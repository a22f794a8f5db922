"""Edit one thing, and see exactly which jobs a build would run again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import edits
from checkout import PAPERS, Checkout
from edits import ENGINE

JOBS = {
    "det_sign": [f"depth-{depth}_dtype-{dtype}" for depth in (2, 3, 4) for dtype in ("float32", "float64")],
    "det_sign_larger_init": ["depth-3", "depth-4"],
    "det_sign_seeds": ["depth-2", "depth-3", "depth-4"],
    "singular_values": [f"depth-{depth}" for depth in (1, 2, 3, 4)],
    "dmf_sensing": [f"measurements-60_depth-{depth}" for depth in (2, 3)],
    "dmf_movielens": [f"depth-{depth}" for depth in (1, 2, 3)],
    "effective_rank_plateaus": ["all"],
    "component_norms": [f"factor_std-{std}_data_seed-0" for std in (0.05, 0.1, 0.3)],
    "deep_cp": ["all"],
}
MEASURES = {
    "det_sign": "determinant effective_rank nuclear_norm unobserved_entry",
    "det_sign_larger_init": "determinant effective_rank nuclear_norm unobserved_entry",
    "det_sign_seeds": "determinant effective_rank nuclear_norm unobserved_entry",
    "singular_values": "alignment reconstruction_error singular_value_growth singular_values",
    "dmf_sensing": "effective_rank minimum_nuclear_norm nuclear_norm reconstruction_error",
    "dmf_movielens": "ratings",
    "effective_rank_plateaus": "nuclear_rank target_eigenvalues",
    "component_norms": "component_growth component_norms reconstruction_error",
    "deep_cp": "component_norms reconstruction_error",
}
# The figure that shows a sweep, where not the one of its name.
SHOWN = {"det_sign_larger_init": "det_sign", "det_sign_seeds": "det_sign"}
DEEP_MATRICES = [sweep for sweep in JOBS if sweep not in ("component_norms", "deep_cp")]
GROUP_RMSPROP = ["component_norms", "deep_cp", "dmf_sensing"]


def trains(sweep: str, *jobs: str) -> set[str]:
    """Return the messages of some training jobs of a sweep, or of all."""
    return {f"{sweep}: train {job} on cpu" for job in jobs or JOBS[sweep]}


def redraws(figure: str) -> set[str]:
    """Return the messages of drawing and checking a figure."""
    return {f"{figure}: draw", f"{figure}: check the claims"}


def follows(*sweeps: str) -> set[str]:
    """Return what follows once sweeps have been trained again."""
    return {f"{sweep}: measure {MEASURES[sweep]}" for sweep in sweeps}.union(
        *(redraws(SHOWN.get(sweep, sweep)) for sweep in sweeps)
    )


def retrains(*sweeps: str) -> set[str]:
    """Return all jobs of sweeps but those of their data and baselines."""
    return set().union(*(trains(sweep) for sweep in sweeps)) | follows(*sweeps)


# -- what reruns nothing -----------------------------------------------------------------------------


def add_plugin(folder: Path, kind: str, settings: str, base: str, registry: str) -> None:
    """Write a plug-in beside those of its kind, with settings of its own, and register it."""
    (folder / ENGINE / kind / "newcomer.py").write_text("def initial(run):\n    return []\n", encoding="utf-8")
    path = folder / ENGINE / "config/settings" / settings
    text = path.read_text(encoding="utf-8")
    added = f"\n\nclass Newcomer({base}):\n    pass\n\n\n{registry}['newcomer'] = Newcomer\n"
    path.write_text(text + added, encoding="utf-8")


def add_measure(folder: Path) -> None:
    (folder / ENGINE / "measures/newcomer.py").write_text("def measure(runs):\n    return runs\n", encoding="utf-8")


def rename_paper(folder: Path) -> None:
    renamed = folder / PAPERS / "hariz_and_others"
    (folder / PAPERS / "hariz_2022").rename(renamed)
    for path in renamed.rglob("*.py"):
        path.write_text(
            path.read_text(encoding="utf-8").replace("from hariz_2022", "from hariz_and_others"), encoding="utf-8"
        )


def replace(path: str | Path, old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: Checkout(folder).edit(path, old, new)


def in_engine(edit: Callable, path: str, *arguments: str) -> Callable[[Path], None]:
    return lambda folder: edit(folder / ENGINE / path, *arguments)


SETTINGS = "config/settings"


def add_setting(file: str, kind: str) -> Callable[[Path], None]:
    """Return an edit that gives a class of settings one more, of a name that no other kind has."""
    field = f'newcomer_of_{kind.lower()}: int = Field(default=3, ge=0, description="new")'
    return in_engine(edits.add_field, f"{SETTINGS}/{file}", kind, field)


DET_SIGN = PAPERS / "razin_cohen_2020/det_sign"
NOTHING: dict[str, Callable[[Path], None]] = {
    "a comment in config.yaml": replace("config.yaml", "scale: laptop  ", "# one more comment\nscale: laptop  "),
    "a comment in sweeps.yaml": replace(DET_SIGN.parent / "sweeps.yaml", "det_sign:\n", "# A comment.\ndet_sign:\n"),
    "a comment in figure.yaml": replace(DET_SIGN / "figure.yaml", "title:", "# one more comment\ntitle:"),
    "a comment in claims.yaml": replace(DET_SIGN / "claims.yaml", "- id: on_the_", "# A comment.\n- id: on_the_"),
    "comments in the loop": in_engine(edits.add_comments, "training/loop.py"),
    "comments in a draw.py": lambda folder: edits.add_comments(folder / DET_SIGN / "draw.py"),
    "docstrings of a factorization": in_engine(edits.change_docstrings, "factorizations/cp.py"),
    "docstrings of a script": lambda folder: edits.change_docstrings(folder / "scripts/train.py"),
    "the device": replace("config.yaml", "device: auto", "device: cpu"),
    "an error of the loop": in_engine(edits.change_errors, "training/loop.py"),
    "an error of the data": in_engine(edits.change_errors, "data/ratings.py"),
    "an error of a baseline": in_engine(edits.change_errors, "baselines/minimum_nuclear_norm.py"),
    "an error of the settings": in_engine(edits.change_errors, f"{SETTINGS}/factorizations.py"),
    "log lines of the loop": in_engine(edits.change_logs, "training/loop.py"),
    "log lines of a job": in_engine(edits.change_logs, "training/job.py"),
    "a new setting of training": add_setting("training.py", "Training"),
    "a new setting of records": add_setting("training.py", "Record"),
    "a new setting of targets": add_setting("problems.py", "Target"),
    "a new setting of images": add_setting("problems.py", "ImageClassification"),
    "a new setting of a factorization": add_setting("factorizations.py", "DeepMatrix"),
    "a new setting of an optimiser": add_setting("optimizers.py", "GroupRMSprop"),
    "a new setting of a baseline": add_setting("baselines.py", "MinimumNuclearNorm"),
    "a problem": lambda folder: add_plugin(folder, "problems", "problems.py", "Completion", "PROBLEMS"),
    "a factorization": lambda folder: add_plugin(folder, "factorizations", "factorizations.py", "CP", "FACTORIZATIONS"),
    "an optimiser": lambda folder: add_plugin(folder, "optimizers", "optimizers.py", "GD", "OPTIMIZERS"),
    "a baseline": lambda folder: add_plugin(folder, "baselines", "baselines.py", "MinimumNuclearNorm", "BASELINES"),
    "a measure": add_measure,
    "an unused helper of storage": in_engine(edits.add_helper, "storage.py"),
    "an unused helper of the loop": in_engine(edits.add_helper, "training/loop.py"),
    "an unused helper of the stepper": in_engine(edits.add_helper, "training/stepper.py"),
    "an unused helper of the extraction": in_engine(edits.add_helper, "spectra/extraction.py"),
    "an unused helper of a measure": in_engine(edits.add_helper, "measures/determinant.py"),
    "an unused helper of a theory": in_engine(edits.add_helper, "theory/recovery_times.py"),
    "an unused helper of a figure": lambda folder: edits.add_helper(folder / DET_SIGN / "draw.py"),
    "an unused helper of statistics": lambda folder: edits.add_helper(folder / DET_SIGN / "statistics.py"),
    "errors.py renamed": lambda folder: edits.rename_module(folder, "errors", "refusals"),
    "recorder.py renamed": lambda folder: edits.rename_module(folder, "training.recorder", "training.records"),
    "cuda_graph.py renamed": lambda folder: edits.rename_module(folder, "training.cuda_graph", "training.captured"),
    "a theory renamed": lambda folder: edits.rename_module(folder, "theory.growth_laws", "theory.laws"),
    "a kernel moved to another package": lambda folder: edits.rename_module(
        folder, "kernels.khatri_rao", "factorizations.products"
    ),
    "selection.py moved": lambda folder: edits.rename_module(folder, "spectra.selection", "chosen"),
    "a theory split in two": lambda folder: edits.split_module(
        folder, "theory.recovery_times", "plateau_heights", "theory.heights"
    ),
    "the training of a job split in two": lambda folder: edits.split_module(
        folder, "training.job", "_out_of_memory", "training.full_memory"
    ),
    "a paper renamed": rename_paper,
}


def test_nothing_changed(built):
    assert built.jobs() == set()


def test_what_changes_no_behaviour_reruns_nothing(built, tmp_path):
    """All these edits at once; where something would rerun, one after the other, to name those that are why."""

    def edited(name: str, *chosen: str) -> set[str]:
        folder = tmp_path / name
        shutil.copytree(built.folder, folder, symlinks=True)
        for edit in chosen:
            NOTHING[edit](folder)
        return Checkout(folder).jobs()

    if jobs := edited("all", *NOTHING):
        found = {name: edited(f"edit-{number}", name) for number, name in enumerate(NOTHING)}
        alone = {name: jobs for name, jobs in found.items() if jobs}
        pytest.fail(f"these edits rerun: {alone or f'none alone, but all of them together {sorted(jobs)}'}")


def test_where_and_on_how_many_cores_a_job_ran_is_no_reason_to_run_it_again(built):
    config = ("--config", "scale=smoke", "device=cuda", f"data_dir={built.data}")
    result = built.run("snakemake", "--cores", "1", "--dry-run", *config)
    assert "Nothing to be done" in result.stdout + result.stderr


# -- what reruns something ---------------------------------------------------------------------------

SINGULAR_VALUES = PAPERS / "arora_2019/sweeps.yaml"
SOMETHING: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "a colour": (replace(DET_SIGN / "draw.py", '("blue", "sky")', '("blue", "green")'), {"det_sign: draw"}),
    "an option of a figure": (
        replace(DET_SIGN / "figure.yaml", "entry_max: 80.0", "entry_max: 75.0"),
        {"det_sign: draw"},
    ),
    "a user's option of a figure": (
        replace("config.yaml", "figures: {}", "figures: {det_sign: {options: {entry_max: 75.0}}}"),
        {"det_sign: draw"},
    ),
    "a published value": (
        lambda folder: (folder / DET_SIGN / "published.yaml").write_text("points: {}\nmore: 1\n", encoding="utf-8"),
        {"det_sign: draw"},
    ),
    "a tolerance of a claim": (
        replace(DET_SIGN / "claims.yaml", "relative: 0.15", "relative: 0.16"),
        {"det_sign: check the claims"},
    ),
    "a statistic": (
        lambda folder: edits.add_line(folder / DET_SIGN / "statistics.py", "norm_growth"),
        {"det_sign: check the claims"},
    ),
    "a statistic that figures of a paper share": (
        lambda folder: edits.add_line(folder / PAPERS / "arora_2019/common.py", "effective_rank"),
        {"dmf_sensing: check the claims"},
    ),
    "a seed": (
        replace(DET_SIGN.parent / "sweeps.yaml", "axes: {seed: [0, 1]}", "axes: {seed: [0, 1, 2]}"),
        retrains("det_sign_larger_init"),
    ),
    "a user's seed": (
        replace("config.yaml", "sweeps: {}", "sweeps: {det_sign_larger_init: {axes: {seed: {count: 3}}}}"),
        retrains("det_sign_larger_init"),
    ),
    "a data seed": (
        replace("config.yaml", "sweeps: {}", "sweeps: {singular_values: {axes: {data_seed: [0, 1]}}}"),
        {"singular_values: generate data all"} | retrains("singular_values"),
    ),
    "a depth": (
        replace(SINGULAR_VALUES, "{depth: [1, 2, 3, 4], repl", "{depth: [1, 2, 3, 4, 5], repl"),
        trains("singular_values", "depth-5") | follows("singular_values"),
    ),
    "a tolerance of a baseline": (
        replace("config.yaml", "sweeps: {}", "sweeps: {dmf_sensing: {baseline: {tolerance: 2.0e-3}}}"),
        {"dmf_sensing: solve the baselines"} | follows("dmf_sensing"),
    ),
    "the default of a baseline's setting": (
        replace(ENGINE / SETTINGS / "baselines.py", "default=1.0e-3", "default=2.0e-3"),
        {"dmf_sensing: solve the baselines"} | follows("dmf_sensing"),
    ),
    "the default of a setting": (
        replace(
            ENGINE / SETTINGS / "optimizers.py",
            "decay: float = Field(default=0.99",
            "decay: float = Field(default=0.98",
        ),
        retrains(*GROUP_RMSPROP),
    ),
    "a factorization": (
        in_engine(edits.add_line, "factorizations/deep_matrix.py", "initial"),
        retrains(*DEEP_MATRICES),
    ),
    "a kernel of one factorization": (
        in_engine(edits.add_line, "kernels/chains.py", "Chains.multiply"),
        retrains("deep_cp"),
    ),
    "a kernel of CP factorizations": (
        in_engine(edits.add_line, "kernels/khatri_rao.py", "KhatriRao.__init__"),
        retrains("component_norms", "deep_cp"),
    ),
    "a measure": (
        in_engine(edits.add_line, "measures/determinant.py", "measure"),
        follows("det_sign", "det_sign_larger_init", "det_sign_seeds"),
    ),
    "a theory of a figure and its statistics": (
        in_engine(edits.add_line, "theory/recovery_times.py", "plateau_heights"),
        redraws("effective_rank_plateaus"),
    ),
    "a theory of a figure": (
        in_engine(edits.add_line, "theory/counterexample.py", "unobserved_entry"),
        {"det_sign: draw"},
    ),
    "a theory of a measure": (
        in_engine(edits.add_line, "theory/growth_laws.py", "singular_value_growth"),
        follows("singular_values"),
    ),
}


@pytest.mark.parametrize("edit", SOMETHING)
def test_what_changes_behaviour_reruns_what_has_it(checkout, edit):
    change, expected = SOMETHING[edit]
    change(checkout.folder)
    assert checkout.jobs() == expected


def test_one_figure_or_paper_can_be_built_alone(checkout):
    checkout.edit(DET_SIGN / "draw.py", '("blue", "sky")', '("blue", "green")')
    checkout.edit(PAPERS / "razin_2021/component_norms/figure.yaml", "learned: 0.01", "learned: 0.02")
    assert checkout.jobs("component_norms") == {"component_norms: draw"}
    assert checkout.jobs("razin_cohen_2020") == {"det_sign: draw"}


@pytest.mark.parametrize("factor", ["1.0", "2.0"])
def test_figures_follow_a_measure_where_its_values_change(checkout, factor):
    checkout.edit(ENGINE / "measures/determinant.py", "np.linalg.det(", f"{factor} * np.linalg.det(")
    measured = {f"{sweep}: measure {MEASURES[sweep]}" for sweep in ("det_sign", *SHOWN)}
    assert checkout.jobs() == measured | redraws("det_sign")
    result = checkout.snakemake("--until", "extract")
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(re.findall(r"^Job \d+: (.*)$", result.stdout + result.stderr, re.MULTILINE)) == measured
    assert checkout.jobs() == (set() if factor == "1.0" else redraws("det_sign"))
