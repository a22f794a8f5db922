"""A copy of the repository, and what tests run in it."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

import synthetic

REPOSITORY = Path(__file__).parents[1]

# What tests/pipeline builds: every stage and every kind of data. tests/figures draws all figures.
FIGURES = (
    "det_sign",
    "singular_values",
    "component_norms",
    "image_rank",
    "dmf_movielens",
    "dmf_sensing",
    "deep_cp",  # the only one with chains of small matrices
    "effective_rank_plateaus",  # the only one that reaches theory.recovery_times
)
PAPERS = Path("workflow/papers")

# What Snakemake says of rules that only name what is to be there.
TARGETS = re.compile(r"^all (figures|claims)|^the claims of all figures|: pictures and claims$")


def planned_jobs(dry_run: subprocess.CompletedProcess) -> set[str]:
    """Return the messages of the jobs of a dry run, such as ``det_sign: draw``; targets do nothing."""
    output = dry_run.stdout + dry_run.stderr
    assert dry_run.returncode == 0, output
    return {said for said in re.findall(r"^Job \d+: (.*)$", output, re.MULTILINE) if not TARGETS.search(said)}


class Checkout:
    """A copy of the files of the repository, and what is run in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.data = "data"  # of the copy, see `copy_repository`

    def environment(self) -> dict[str, str]:
        """Return the environment of what is run: the interpreter running the tests comes first on the path."""
        return {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}

    def command(self, cores: str, *words: str) -> list[str]:
        """Return a command line of Snakemake, at smoke scale."""
        return ["snakemake", "--cores", cores, *words, "--config", "scale=smoke", f"data_dir={self.data}"]

    def run(self, *words: str, **kwargs) -> subprocess.CompletedProcess:
        """Run a command to its end."""
        environment = {**self.environment(), **kwargs.pop("env", {})}
        return subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
            **kwargs,
        )

    def snakemake(self, *words: str, **kwargs) -> subprocess.CompletedProcess:
        """Run Snakemake on two cores, at smoke scale."""
        return self.run(*self.command("2", *words), **kwargs)

    def jobs(self, *words: str) -> set[str]:
        """Return the `planned_jobs` of a build at smoke scale."""
        return planned_jobs(self.snakemake("--dry-run", *words))

    def figure(self, name: str) -> Path:
        """Return the folder of a figure, relative to the checkout."""
        (found,) = (self.folder / PAPERS).glob(f"*/{name}")
        return found.relative_to(self.folder)

    def edit(self, path: str | Path, old: str, new: str) -> None:
        """Replace a text that stands in a file."""
        file = self.folder / path
        content = file.read_text(encoding="utf-8")
        assert old in content, f"{old!r} is not in {path}"
        file.write_text(content.replace(old, new), encoding="utf-8")

    def check_no_value_ran(self) -> None:
        """Check that no value of the config was run: those of tests would leave a file ``touched``, or so beginning."""
        assert not [path for path in self.folder.parent.rglob("*") if path.name.startswith("touched")]


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    """Tell whether a path, relative to the repository, is one that .gitignore names, or git's own."""
    return path.name == ".git" or any(
        fnmatch.fnmatch(f"/{path}" if pattern[0] == "/" else path.name, pattern) for pattern in patterns
    )


def repository_files() -> list[Path]:
    """Return the files of the repository, relative to it: all but those that .gitignore names, with or without git."""
    patterns = [line.rstrip("/") for line in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").split()]
    found = []
    for place, folders, files in os.walk(REPOSITORY):
        here = Path(place).relative_to(REPOSITORY)
        links = [name for name in folders if (REPOSITORY / here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in links and not _is_ignored(here / name, patterns)]
        found += [here / name for name in [*files, *links] if not _is_ignored(here / name, patterns)]
    return found


def copy_repository(folder: Path) -> Checkout:
    """Copy the files of the repository into a folder, with images and synthetic ratings as data.

    The images are those of the repository itself, so that they are fetched once.
    """
    for path in repository_files():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / path, target, follow_symlinks=False)
    for dataset in ("mnist", "fashion_mnist"):
        images = REPOSITORY / "data" / dataset
        images.mkdir(parents=True, exist_ok=True)
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data" / dataset).symlink_to(images)
    synthetic.write_ratings(folder / "data")
    return Checkout(folder)


def keep_figures(checkout: Checkout, figures: tuple[str, ...]) -> None:
    """Remove the folders of all other figures, and the sweeps that no figure shows then.

    So the tests' time does not grow with the papers. A figure whose code another one uses is to be named too.
    """
    for paper in sorted(path.parent for path in (checkout.folder / PAPERS).glob("*/sweeps.yaml")):
        kept = [name for name in figures if (paper / name).is_dir()]
        for folder in [path for path in paper.iterdir() if path.is_dir() and path.name not in kept]:
            shutil.rmtree(folder)
        if not kept:
            shutil.rmtree(paper)
            continue
        shown = {
            sweep
            for name in kept
            for sweep in yaml.safe_load((paper / name / "figure.yaml").read_text(encoding="utf-8"))["sweeps"]
        }
        file = paper / "sweeps.yaml"
        content = file.read_text(encoding="utf-8")
        for name in set(yaml.safe_load(content)) - shown:
            content = re.sub(rf"^{name}:\n(?:(?:[ #].*)?\n)*", "", content, flags=re.MULTILINE)
        file.write_text(content, encoding="utf-8")


def digests(folder: Path) -> dict[str, str]:
    """Return the checksum of every declared result: not logs, benchmarks, caches or the page."""
    kinds = ("data", "runs", "baselines", "spectra", "claims", "figures")
    files = (path for kind in kinds for path in sorted((folder / kind).rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
