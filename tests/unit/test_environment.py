"""When `make environment` makes .venv anew, and the paths that `make` hands on.

The interpreter only notes what it is asked to do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("papers", "my papers", "l'été", 'two "quotes"', "a $HOME `b`", "-dashed", "tab\there")

# As much of Python as the script uses. It notes what it installs, and fails there where `pip-fails` exists; what else
# it is asked to run, it notes word by word.
INTERPRETER = """#!/bin/sh
case "$1 $2" in
  "-Ic "*version_info*) echo VERSION ;;
  "-Ic "*) ;;
  "-Im venv") rm -rf .venv; mkdir -p .venv/bin; cp "$0" .venv/bin/python; echo "venv VERSION" >> made ;;
  "-Im pip") echo "$@" >> calls; [ ! -e pip-fails ] || exit 1; echo "pip ${PIP_TARGET-} $PIP_USER $4 $5" >> made ;;
  *) printf '%s\\n' "$@" >> started ;;
esac
"""
# It notes which build of torch it is to take, and what it is asked to do.
UV = """#!/bin/sh
echo "uv ${UV_TORCH_BACKEND-} $@" >> calls
"""


class Clone:
    """A folder with what makes the environment, and interpreters of several versions on the path."""

    def __init__(self, folder: Path):
        self.folder, self.programs = folder, folder.parent / "programs"
        (folder / "envs").mkdir(parents=True)
        shutil.copy(REPOSITORY / "envs/environment.sh", folder / "envs")
        shutil.copy(REPOSITORY / "Makefile", folder)
        (folder / "envs/requirements.lock").write_text("torch==1\n", encoding="utf-8")
        self.programs.mkdir()
        for version in ("3.10", "3.11", "3.12", "3.13"):
            self.interpreter(f"python{version}", version)
        self.interpreter("python3", "3.11")

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def interpreter(self, name: str, version: str) -> None:
        self.program(name, INTERPRETER.replace("VERSION", version))

    def make(self, *words: str, target: str = "environment", **variables: str) -> subprocess.CompletedProcess:
        """Call `make` with a target."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHON" and name[:2] != "UV"}
        environment |= variables
        environment["PATH"] = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(
            ["make", target, *words], cwd=self.folder, env=environment, capture_output=True, encoding="utf-8"
        )

    def make_with_few_programs(self, *names: str, **variables: str) -> subprocess.CompletedProcess:
        """Call what `make environment` calls, with nothing on the path but an interpreter and what is named."""
        folder = self.folder.with_name("few")
        folder.mkdir()
        for name in names:
            (folder / name).symlink_to(shutil.which(name))
        (folder / "python3").symlink_to(self.programs / "python3")
        return subprocess.run(
            [shutil.which("sh"), "envs/environment.sh"],
            cwd=self.folder, env={"PATH": str(folder)} | variables, capture_output=True, encoding="utf-8",
        )  # fmt: skip

    def calls(self) -> str:
        """Return how pip was called since this was last asked, one call a line."""
        notes = self.folder / "calls"
        found = notes.read_text(encoding="utf-8") if notes.exists() else ""
        notes.unlink(missing_ok=True)
        return found

    def made(self) -> list[str]:
        """Return what was made since this was last asked."""
        notes = self.folder / "made"
        found = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        notes.unlink(missing_ok=True)
        return found


@pytest.fixture
def clone(tmp_path) -> Clone:
    return Clone(tmp_path / "clone")


@pytest.fixture
def finished(clone) -> Clone:
    """A clone with an environment of Python 3.11."""
    assert clone.make().returncode == 0
    assert clone.made()[0] == "venv 3.11"
    return clone


@pytest.mark.parametrize("name", FOLDERS)
def test_any_folder(tmp_path, name):
    clone = Clone(tmp_path / name / "clone")
    done = clone.make()
    assert done.returncode == 0, done.stderr
    assert clone.made() == ["venv 3.11", "pip  0 --quiet --requirement", "pip  0 --quiet --no-deps"]
    assert clone.make().returncode == 0
    assert clone.made() == []


@pytest.mark.parametrize("words", [[], ["PYTHON=python3.11"]])
def test_what_fits_is_left_alone(finished, words):
    done = finished.make(*words)
    assert (done.returncode, done.stderr, finished.made()) == (0, "", [])


def test_the_default_python_does_not_matter_to_what_is_there(finished):
    finished.interpreter("python3", "3.10")
    assert finished.make().returncode == 0
    assert finished.made() == []


@pytest.mark.parametrize("words, variables", [(["PYTHON=python3.13"], {}), ([], {"PYTHON": "python3.13"})])
def test_another_python(finished, words, variables):
    done = finished.make(*words, **variables)
    assert done.returncode == 0
    assert "made anew: it has Python 3.11, not python3.13" in done.stderr
    assert finished.made()[0] == "venv 3.13"
    assert finished.make().returncode == 0
    assert finished.made() == []


def move(clone: Clone) -> str:
    new = clone.folder.with_name("moved")
    clone.folder.rename(new)
    clone.folder = new
    return "it was made in "


def lose_python(clone: Clone) -> str:
    python = clone.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    return "its Python is gone"


def upgrade_python(clone: Clone) -> str:
    path = clone.folder / ".venv/bin/python"
    path.write_text(path.read_text(encoding="utf-8").replace("3.11", "3.12"), encoding="utf-8")
    return "it was made with Python 3.11, and has 3.12"


def change_lock(clone: Clone) -> str:
    (clone.folder / "envs/requirements.lock").write_text("torch==2\n", encoding="utf-8")
    return "envs/requirements.lock has changed"


def interrupt(clone: Clone) -> str:
    (clone.folder / "envs/requirements.lock").write_text("torch==2\n", encoding="utf-8")
    (clone.folder / "pip-fails").touch()
    assert clone.make().returncode != 0
    (clone.folder / "pip-fails").unlink()
    clone.made()
    return "it was not finished"


def old_stamp(clone: Clone) -> str:
    (clone.folder / ".venv/.made").unlink()
    (clone.folder / ".venv/.made-from-lock").touch()  # of version 0.1
    return "it was not finished"


def cut_stamp(clone: Clone) -> str:
    (clone.folder / ".venv/.made").write_text("3.11\n", encoding="utf-8")  # the disk was full
    return "it was not finished"


@pytest.mark.parametrize("change", [move, lose_python, upgrade_python, change_lock, interrupt, old_stamp, cut_stamp])
def test_what_does_not_fit_is_made_anew(finished, change):
    reason = change(finished)
    done = finished.make()
    assert done.returncode == 0, done.stderr
    assert f"made anew: {reason}" in done.stderr
    assert finished.made()[0] == "venv 3.11"
    assert finished.make().returncode == 0
    assert finished.made() == []


def test_a_link_is_used_but_never_changed(finished, tmp_path):
    other = Clone(tmp_path / "other" / "clone")
    (other.folder / ".venv").symlink_to(finished.folder / ".venv")
    assert other.make().returncode == 0
    (other.folder / "envs/requirements.lock").write_text("torch==2\n", encoding="utf-8")
    done = other.make()
    assert done.returncode != 0
    assert "which does not fit: envs/requirements.lock has changed" in done.stderr
    assert other.made() == []
    assert (finished.folder / ".venv/.made").exists()


def test_a_link_to_nothing_is_replaced(clone):
    (clone.folder / ".venv").symlink_to("/nowhere/at/all")
    assert clone.make().returncode == 0
    assert clone.made()[0] == "venv 3.11"


@pytest.mark.parametrize("python, message", [("python3.10", "python3.10 is 3.10"), ("/no/python", "does not start")])
def test_a_python_that_cannot_be_used_is_named(clone, python, message):
    done = clone.make(f"PYTHON={python}")
    assert done.returncode != 0
    assert message in done.stderr
    assert clone.made() == []


def test_packages_go_nowhere_else(clone):
    clone.make(PIP_TARGET="/tmp/elsewhere", PIP_USER="1", PYTHONPATH="/tmp/elsewhere")
    assert clone.made()[1] == "pip  0 --quiet --requirement"


def test_from_a_folder_of_wheels(clone):
    assert "there is no folder my wheels" in clone.make("WHEELS=my wheels").stderr
    (clone.folder / "my wheels").mkdir()
    done = clone.make("WHEELS=my wheels", "HASHES=1")
    assert done.returncode != 0 and "HASHES does not go with WHEELS" in done.stderr
    assert clone.made() == []
    done = clone.make("WHEELS=my wheels")
    assert done.returncode == 0, done.stderr
    offline = "--no-index --find-links my wheels"
    assert f"install --quiet --requirement envs/requirements.lock {offline}" in clone.calls()
    assert clone.make("WHEELS=my wheels").returncode == 0
    assert "pip" not in clone.calls()


def test_hashes_come_first_and_torch_is_the_build_asked_for(clone):
    done = clone.make("HASHES=1", "TORCH=cpu")
    assert done.returncode == 0, done.stderr
    first, second, third, _ = clone.calls().splitlines()
    assert first.endswith("--require-hashes --no-deps --requirement envs/requirements.hashes")
    assert second.endswith("--no-deps torch==1+cpu torchvision==+cpu")
    assert third.endswith("--requirement envs/requirements.lock")


def test_an_installer_that_is_not_there_is_named(clone):
    done = clone.make("INSTALLER=poetry")
    assert done.returncode != 0 and "INSTALLER is poetry; allowed: pip, uv" in done.stderr
    done = clone.make_with_few_programs("dirname", "cksum", "which", INSTALLER="uv")
    assert done.returncode == 1 and done.stderr.startswith("INSTALLER is uv, and there is no uv on the path")
    assert clone.made() == []


def test_uv_gets_what_pip_gets(clone):
    clone.program("uv", UV)
    words = ("HASHES=1", "TORCH=cpu")
    assert clone.make(*words, "INSTALLER=uv").returncode == 0
    with_uv = clone.calls()
    shutil.rmtree(clone.folder / ".venv")
    assert clone.make(*words).returncode == 0
    assert with_uv == clone.calls().replace("-Im pip install", "uv cpu pip install --python .venv/bin/python")


@pytest.mark.parametrize(
    ("variables", "build"),
    [({}, "auto"), ({"UV_TORCH_BACKEND": "cu130"}, "cu130"), ({"UV_FIND_LINKS": "wheels"}, ""),
     ({"UV_INDEX": "https://example.org"}, ""), ({"WHEELS": "envs"}, "")],
)  # fmt: skip
def test_uv_takes_the_torch_that_fits_the_driver_unless_told_of_indexes(clone, variables, build):
    clone.program("uv", UV)
    done = clone.make("INSTALLER=uv", **variables)
    assert done.returncode == 0, done.stderr
    assert [line.split(" ")[1] for line in clone.calls().splitlines()] == [build, build]


def pins(name: str) -> dict[str, str]:
    """Return the versions that a file of envs pins, by the names of packages as indexes write them."""
    lines = (REPOSITORY / "envs" / name).read_text(encoding="utf-8").splitlines()
    found = (line.removesuffix("\\").strip().split("==") for line in lines if re.match("[A-Za-z0-9]", line))
    return {re.sub("[-_.]+", "-", package).lower(): version for package, version in found}


def test_hashes_are_of_the_locked_versions():
    locked, hashed = pins("requirements.lock"), pins("requirements.hashes")
    assert not {"torch", "torchvision"} & set(hashed)
    assert {name: locked.get(name) for name in hashed} == hashed
    assert len(hashed) > 100


def test_a_machine_without_which_is_told_so(clone):
    """There Snakemake ends in a traceback, whatever it is asked to do."""
    done = clone.make_with_few_programs("dirname", "cksum")
    assert done.returncode == 1 and done.stderr.startswith("which must be installed")


# -- paths that make hands on ----------------------------------------------------------------------------

# Target and variable.
HANDED_ON = (
    *(f"{target} CONFIGFILE" for target in ("figures", "bundle", "claims", "record", "tex", "bench", "clean")),
    *("figures FROM", "referee PAPER", "test-gpu OUT", "wheels WHEELS"),
)


@pytest.mark.parametrize("given", HANDED_ON)
def test_a_path_is_handed_on_as_it_is(finished, given):
    target, variable = given.split()
    path = "my été/\"a\" 'b' `c` *"
    for name in ("python3", "bash"):
        shutil.copy(finished.folder / ".venv/bin/python", finished.programs / name)
    done = finished.make(f"{variable}={path}", target=target)
    assert done.returncode == 0, done.stderr
    assert path in (finished.folder / "started").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["l'été", 'two "quotes"', "a $HOME `b`"])
def test_the_browser_is_told_where_what_make_fetched_is(tmp_path, name):
    clone = Clone(tmp_path / name / "clone")
    clone.program("npm", "#!/bin/sh\n")
    clone.program("timeout", '#!/bin/sh\nprintf "%s" "$AXE" > told\n')
    done = clone.make(target="test-page")
    assert done.returncode == 0, done.stderr
    told = (clone.folder / "told").read_text(encoding="utf-8")
    assert told == str(clone.folder / "build/axe/node_modules/axe-core/axe.min.js")


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"])
def test_all_cores_are_used_whatever_libraries_are_told(finished, name):
    assert finished.make(target="figures", **{name: "1"}).returncode == 0
    assert f"--cores\n{len(os.sched_getaffinity(0))}\n" in (finished.folder / "started").read_text(encoding="utf-8")
