"""Which way imports go: papers import the engine, and no package imports upwards; see docs/architecture.md."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from greedyrank.code_digest import Code

WORKFLOW = Path(__file__).parents[2] / "workflow"
PAPERS = sorted(path.parent for path in (WORKFLOW / "papers").glob("*/sweeps.yaml"))
CODE = Code({"greedyrank": WORKFLOW / "greedyrank", **{paper.name: paper for paper in PAPERS}})

# What each package may import of the engine, beside itself and modules of the top level.
NUMERICAL = {"kernels", "data", "theory"}
MAY_IMPORT = {
    "theory": set(),
    "config": {"theory"},
    "data": {"config", "theory"},
    "kernels": {"data", "problems", "config"},
    "problems": {*NUMERICAL, "spectra", "config", "training"},
    # Of a problem a factorization may draw the data again: those that its start depends on.
    "factorizations": {*NUMERICAL, "config", "training", "problems"},
    "optimizers": {*NUMERICAL, "config", "training"},
    "baselines": {*NUMERICAL, "config", "problems"},
    "training": {*NUMERICAL, "config"},
    "spectra": {*NUMERICAL, "config"},
    "measures": {"spectra", "theory"},
    "claims": {"spectra", "config", "theory"},
    "figures": {"spectra", "config", "theory"},
    "plan": {"config"},
    "api": {
        *NUMERICAL, "baselines", "config", "figures", "measures", "plan", "problems", "factorizations", "optimizers",
        "spectra", "training",
    },
    "report": {"claims", "config", "figures", "spectra"},
    "archive": {"claims", "config", "plan"},
    "benchmarks": {
        *NUMERICAL, "config", "problems", "factorizations", "optimizers", "training", "figures", "spectra", "plan",
    },
}  # fmt: skip


def modules(package: str, folder: Path) -> list[str]:
    """Return the modules of a package, by their dotted names."""
    files = (path for path in folder.rglob("*.py") if path.name != "__init__.py")
    return [".".join([package, *path.relative_to(folder).with_suffix("").parts]) for path in files]


def imported(module: str) -> set[str]:
    """Return what a module imports of ours, anywhere in it."""
    return set(CODE.imported_modules(module)[0])


def test_every_package_is_in_the_table():
    folders = {p.name for p in (WORKFLOW / "greedyrank").iterdir() if p.is_dir() and p.name[0] not in "._"}
    assert folders == set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_package_imports_upwards(package):
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{module} imports {other}"
        for module in modules(f"greedyrank.{package}", WORKFLOW / "greedyrank" / package)
        for other in imported(module)
        if len(parts := other.split(".")) > 2 and parts[1] not in allowed
    ]
    assert not wrong


def test_the_engine_imports_no_paper():
    papers = {paper.name for paper in PAPERS}
    wrong = [
        f"{module} imports {other}"
        for module in modules("greedyrank", WORKFLOW / "greedyrank")
        for other in imported(module)
        if other.split(".")[0] in papers
    ]
    assert not wrong


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_a_paper_imports_no_other(paper):
    wrong = [
        f"{module} imports {other}"
        for module in modules(paper.name, paper)
        for other in imported(module)
        if other.split(".")[0] not in (paper.name, "greedyrank")
    ]
    assert not wrong


@pytest.mark.parametrize("module", [module for paper in PAPERS for module in modules(paper.name, paper)])
def test_the_code_of_papers_can_be_imported(module):
    CODE.check_imports(module, lambda name: importlib.util.find_spec(name) is not None)


def test_planning_imports_nothing_slow():
    script = (
        "import sys, greedyrank.plan.graph, greedyrank.plan.jobs\n"
        "print(*{'numpy', 'torch', 'xarray', 'matplotlib', 'scipy', 'numba'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.split() == []
