"""The wheel and the sdist: what is in them, and that they run without the repository and without Snakemake."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def run(words: list[str], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        words, cwd=folder, env=environment or None, capture_output=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """Build the sdist, and from it the wheel."""
    out = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(REPOSITORY)], out, **os.environ)
    return out


@pytest.fixture(scope="module")
def python(built, tmp_path_factory) -> str:
    """Install the wheel into an empty environment; its dependencies are those of this one, without those of extras."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    (wheel,) = built.glob("*.whl")
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    for name in ("snakemake", "torchvision"):
        (packages / f"{name}.py").write_text(f"raise ImportError('there is no {name} here')\n", encoding="utf-8")
    return str(folder / "bin" / "python")


def papers() -> set[str]:
    folder = REPOSITORY / "workflow" / "papers"
    return {
        f"greedyrank/papers/{path.relative_to(folder)}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_has_the_package_and_the_papers_and_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    own = {name for name in files if name.startswith("greedyrank/papers/")}
    assert own == papers()
    assert "greedyrank/py.typed" in files
    assert {name.split("/")[0] for name in files} == {"greedyrank"}


def test_the_sdist_has_what_the_wheel_is_built_from(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", "workflow/greedyrank/py.typed"} <= files
    assert {name.replace("greedyrank/", "workflow/", 1) for name in papers()} <= files


def test_snakemake_is_an_extra(built):
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    needed = email.message_from_bytes(archive.read(metadata)).get_all("Requires-Dist") or []
    assert {"extra" in requirement for requirement in needed if "snakemake" in requirement} == {True}
    assert [requirement for requirement in needed if requirement.startswith("torch<") and "extra" not in requirement]


def test_the_snippet_of_the_readme_and_a_papers_sweep_run_installed(python, tmp_path):
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## In a notebook")[2]
    snippet = re.findall("```python\n(.*?)```", text, re.DOTALL)[0]
    code = snippet + (
        "\nassert runs.attrs['result'] == 'finished'\n"
        "import sys\nassert not any(name.startswith('snakemake') for name in sys.modules)\n"
        "arguments = gr.sweep('det_sign', scale='smoke') | {'stop': gr.Stop(max_steps=10)}\n"
        "print(gr.__file__, gr.train(**arguments).sizes['record'] > 1)\n"
    )
    found = run([python, "-c", code], tmp_path, PATH="", MPLBACKEND="Agg", HOME=str(tmp_path)).split()
    assert found[-1] == "True"
    assert found[-2].startswith(str(Path(python).parents[1]))
