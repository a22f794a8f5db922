"""What a build needs is asked for before it starts, and what is missing is one line each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from greedyrank import clean_room
from greedyrank.plan import host, prerequisites
from greedyrank.plan.prerequisites import Build


@pytest.fixture(autouse=True)
def ask_anew():
    """Forget what was found out about a GPU."""
    host.why_no_gpu.cache_clear()
    yield
    host.why_no_gpu.cache_clear()


def lacking(tmp_path: Path, environment: dict[str, str] | None = None, **needs) -> list[str]:
    build = Build(**{"results": tmp_path / "results", "data_dir": tmp_path / "data", "scale": "smoke"} | needs)
    return prerequisites.lacking(build, environment or {})


def program(folder: Path, name: str, text: str) -> None:
    """Put a program into a folder; it notes its arguments in ``asked``."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{text}\n', encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    """A folder that is all of the path, with the programs that every build needs."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("bash", "which"):
        program(folder, name, "exit 1")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_what_is_there_is_not_missing(tmp_path):
    assert lacking(tmp_path, training_jobs=100, to_fetch=[]) == []
    assert not (tmp_path / "results").exists()


def test_several_are_named_at_once(tmp_path, programs, monkeypatch):
    monkeypatch.setattr(host, "DRIVERS", ())
    found = lacking(tmp_path, {"GREEDYRANK_PROCESSOR": "fast"}, gpu_jobs=3, submitted=[{}])
    assert len(found) == 3
    assert not any("\n" in line for line in found)


# -- folders ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["/proc", "/proc/results/smoke"])
def test_a_folder_that_cannot_be_written_to(tmp_path, place):
    (line,) = lacking(tmp_path, results=Path(place))
    assert "cannot be written to" in line
    assert "set `results_dir`" in line


def test_a_folder_in_which_snakemake_cannot_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert prerequisites.unwritable_here() == ""
    assert not list(tmp_path.iterdir())
    monkeypatch.chdir("/proc")
    assert prerequisites.unwritable_here().startswith("/proc cannot be written to")
    assert "`snakemake --directory FOLDER`" in prerequisites.unwritable_here()


@pytest.mark.parametrize("place", ["results", "results/smoke"])
def test_what_is_in_the_way_of_the_results(tmp_path, place):
    (tmp_path / "results").touch()
    (line,) = lacking(tmp_path, results=tmp_path / place)
    assert line.startswith(f"{tmp_path}/results is no folder")
    (tmp_path / "results").unlink()
    (tmp_path / "results").symlink_to("/nowhere/at/all")
    (line,) = lacking(tmp_path, results=tmp_path / place, scale="laptop", training_jobs=1)
    assert line.startswith(f"{tmp_path}/results is no folder")


def test_room_for_the_training_jobs(tmp_path, monkeypatch):
    monkeypatch.setattr(prerequisites.shutil, "disk_usage", lambda place: SimpleNamespace(free=50_000_000))
    (line,) = lacking(tmp_path, scale="laptop", training_jobs=10)
    assert "needs about 120 MB for 10 training jobs, and its disk has 50 MB left" in line
    assert lacking(tmp_path, scale="laptop", training_jobs=4) == []
    assert lacking(tmp_path, scale="smoke", training_jobs=1000) == []


# -- the environment -------------------------------------------------------------------------------------


def test_a_config_of_numba_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".numba_config.yaml").write_text("disable_jit: 1\n", encoding="utf-8")
    (line,) = lacking(tmp_path)
    assert line.startswith(".numba_config.yaml in this folder")


def test_a_choice_of_processor_that_is_none(tmp_path):
    (line,) = lacking(tmp_path, {"GREEDYRANK_PROCESSOR": "OMP_NUM_THREADS=4"})
    assert "'OMP_NUM_THREADS=4'; allowed: NAME=VALUE of ATEN_CPU_CAPABILITY" in line


@pytest.mark.parametrize("name", ["bash", "which"])
def test_programs_that_a_container_may_lack(tmp_path, programs, name):
    (programs / name).unlink()
    assert lacking(tmp_path) == [f"{name} must be installed"]


# -- data ------------------------------------------------------------------------------------------------


def test_data_that_are_missing_need_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(prerequisites, "DEBIAN_DATA", tmp_path / "none")
    monkeypatch.setattr(prerequisites, "has_network", lambda: False)
    (line,) = lacking(tmp_path, to_fetch=["mnist", "movielens"])
    assert line.startswith(f"mnist, movielens: not in {tmp_path}/data, and this machine has no network")
    monkeypatch.setattr(prerequisites, "has_network", lambda: True)
    assert lacking(tmp_path, to_fetch=["mnist"]) == []


@pytest.mark.parametrize("name", ["mnist/train-images-idx3-ubyte", "deep/er/anything.gz"])
def test_files_that_may_be_the_data_need_no_network(tmp_path, monkeypatch, name):
    monkeypatch.setattr(prerequisites, "has_network", lambda: False)
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"0" * 1_000_000)
    assert lacking(tmp_path, to_fetch=["mnist"]) == []


def test_without_a_way_to_others_there_is_no_network():
    code = "from greedyrank.plan import prerequisites; print(prerequisites.has_network())"
    words = ["unshare", "--net", "--map-root-user", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(host.__file__).parents[2])}
    done = subprocess.run(words, env=environment, capture_output=True, encoding="utf-8", check=False)
    if "unshare" in done.stderr:
        pytest.skip("needs the permission to make a network of its own")
    assert done.stdout == "False\n", done.stderr


# -- a GPU -----------------------------------------------------------------------------------------------


def test_without_a_driver_there_is_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "DRIVERS", (str(tmp_path / "none"),))
    assert not host.gpu_is_here()
    (line,) = lacking(tmp_path, gpu_jobs=2)
    message = "device is cuda, but this machine has no GPU, and 2 jobs are to train on one: set `device: cpu` or `auto`"
    assert line == message


# As much of torch as is asked for, with a body for `ones`.
TORCH = """import os

class Vector(list):
    def __add__(self, number):
        return Vector(entry + number for entry in self)
    def sum(self):
        return self
    def item(self):
        return sum(self[:])

def ones(size, device):
    BODY
    return Vector([1] * size)
"""


@pytest.fixture
def with_torch(tmp_path, monkeypatch):
    """On a machine with a driver, let a torch be asked whose ``ones`` has a body of its own."""
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(host, "DRIVERS", (str(tmp_path / "nvidiactl"),))
    monkeypatch.setattr(clean_room, "WORKFLOW", tmp_path)  # where jobs look for modules first

    def become(body: str) -> None:
        (tmp_path / "torch.py").write_text(TORCH.replace("BODY", body), encoding="utf-8")

    return become


HIDEABLE = "if os.environ.get('CUDA_VISIBLE_DEVICES') in ('-1', ''): raise RuntimeError('No CUDA GPUs are available')"
# What torch does, and what is said then.
UNUSABLE = {
    "hidden": (HIDEABLE, "RuntimeError: No CUDA GPUs are available"),
    "built for CPUs": ("raise AssertionError('not compiled with CUDA')", "AssertionError: not compiled with CUDA"),
    "driver too old": ("raise RuntimeError('too old')", "RuntimeError: too old"),
    "wrong numbers": ("return Vector([0] * size)", "AssertionError"),
    "killed": ("os.kill(os.getpid(), 9)", "it says nothing"),
    "no torch": ("raise ModuleNotFoundError('no torch')", "ModuleNotFoundError: no torch"),
}


@pytest.mark.parametrize("reason", UNUSABLE)
def test_a_driver_is_not_a_gpu(tmp_path, monkeypatch, with_torch, reason):
    body, said = UNUSABLE[reason]
    with_torch(body)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert not host.gpu_is_here()
    (line,) = lacking(tmp_path, gpu_jobs=1)
    assert line.startswith(f"device is cuda, but torch cannot use a GPU here ({said}), and 1 jobs are to train on one")


@pytest.mark.parametrize("visible", ["0", "GPU-1a"])
def test_a_gpu_that_is_not_hidden_is_used(monkeypatch, with_torch, visible):
    with_torch(HIDEABLE)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert host.gpu_is_here()


def test_a_driver_that_does_not_answer_is_no_gpu(monkeypatch, with_torch):
    def wait(words, timeout, **options):
        raise subprocess.TimeoutExpired(words, timeout)

    monkeypatch.setattr(subprocess, "run", wait)
    assert host.why_no_gpu() == "torch has not reached a GPU in two minutes"


def test_torch_is_asked_for_a_gpu_in_a_clean_room(tmp_path, monkeypatch):
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(host, "DRIVERS", (str(tmp_path / "nvidiactl"),))
    monkeypatch.setattr(host, "USE_GPU", "import os; assert 'TORCH_LOGS' not in os.environ")
    monkeypatch.setenv("TORCH_LOGS", "nonsense")
    assert host.gpu_is_here()


# -- Slurm -----------------------------------------------------------------------------------------------

JOBS = [
    {"slurm_account": "mine", "slurm_partition": "long", "runtime": 60, "mem_mb": 2000, "gpu": 1},
    {"slurm_account": "mine", "slurm_partition": "long", "runtime": 60, "mem_mb": 2000, "gpu": 1},
    {"runtime": 5, "mem_mb": 1000, "gpu": 0},
]


def test_without_sbatch_nothing_is_submitted(tmp_path, programs):
    (line,) = lacking(tmp_path, submitted=JOBS)
    assert "this machine has no sbatch: start on a login node" in line


def test_jobs_that_slurm_takes(tmp_path, programs):
    program(programs, "sbatch", "echo 'sbatch: Job 2 to start at 2026-01-01T00:00:00' >&2")
    assert lacking(tmp_path, submitted=JOBS) == []
    # One question for each kind of job, and nothing is submitted.
    assert (programs / "asked").read_text(encoding="utf-8").splitlines() == [
        "--test-only --account=mine --partition=long --time=60 --mem=2000 --gpus=1 --wrap=true",
        "--test-only --time=5 --mem=1000 --wrap=true",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "Invalid account or account/partition combination specified",
        "invalid partition specified: nowhere",
        "Unable to contact slurm controller (connect failure)",
        "Requested node configuration is not available",
    ],
)
def test_a_refusal_is_told_in_the_words_of_sbatch(tmp_path, programs, words):
    program(programs, "sbatch", f"echo 'sbatch: error: {words}' >&2; exit 1")
    (line,) = lacking(tmp_path, submitted=JOBS)
    assert line.startswith(f"sbatch: error: {words} (asked with: sbatch --test-only --account=mine ")
    assert len((programs / "asked").read_text(encoding="utf-8").splitlines()) == 1


def test_a_slurm_that_does_not_answer(tmp_path, programs, monkeypatch):
    program(programs, "sbatch", "exec /bin/sleep 60")
    monkeypatch.setattr(prerequisites, "SECONDS", 0.2)
    (line,) = lacking(tmp_path, submitted=JOBS)
    assert line.startswith("Slurm has not answered for 0.2 seconds: sbatch --test-only")
