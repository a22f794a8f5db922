"""What a job inherits: a short list, whatever is in the environment and in the working folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from greedyrank import clean_room

# Values with which a job fails, or computes or draws something else.
HOSTILE = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": "/nowhere/matplotlibrc",
    "MPLCONFIGDIR": "/nowhere",
    "HDF5_USE_FILE_LOCKING": "TRUE",
    "HDF5_PLUGIN_PATH": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONHOME": "/nowhere",
    "PYTHONSTARTUP": "/nowhere/startup.py",
    "PYTHONHASHSEED": "7",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUTF8": "0",
    "PYTHONPYCACHEPREFIX": "/nowhere",
    "PYTHONBREAKPOINT": "os.abort",
    "PYTHONINSPECT": "1",
    "OMP_NUM_THREADS": "7",
    "OMP_SCHEDULE": "dynamic",
    "MKL_NUM_THREADS": "7",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_NUM_THREADS": "7",
    "OPENBLAS_CORETYPE": "Nehalem",
    "GOTO_NUM_THREADS": "7",
    "KMP_DETERMINISTIC_REDUCTION": "0",
    "NUMBA_DISABLE_JIT": "1",
    "NUMBA_CPU_NAME": "nehalem",
    "NUMBA_NUM_THREADS": "3",
    "NUMBA_CACHE_DIR": "/nowhere",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE": "1",
    "NVIDIA_TF32_OVERRIDE": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":0:0",
    "PYTORCH_CUDA_ALLOC_CONF": "nonsense",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2",
    "LD_PRELOAD": "/nowhere/lib.so",
    "LC_ALL": "tr_TR.ISO-8859-9",
    "LC_NUMERIC": "de_DE.UTF-8",
    "LANG": "de_DE.ISO-8859-1",
    "XDG_CONFIG_HOME": "/nowhere",
    "XDG_CACHE_HOME": "/nowhere",
    "SOURCE_DATE_EPOCH": "1",
    "TENSORLY_BACKEND": "nonsense",
    "PYDANTIC_DISABLE_PLUGINS": "nonsense",
    "SETUPTOOLS_USE_DISTUTILS": "nonsense",
    "BASH_ENV": "/nowhere/bashrc",
}
SHADOWED = ("json", "random", "numpy", "torch", "matplotlib", "argparse", "sitecustomize", "usercustomize")
PROBE = """
import json, locale, os, random, sys
print(json.dumps({
    "environment": dict(os.environ), "path": sys.path, "argv": sys.argv[1:], "modules": sorted(sys.modules),
    "optimize": sys.flags.optimize, "utf8": sys.flags.utf8_mode, "random": random.__file__, "cwd": os.getcwd(),
}))
"""


@pytest.fixture
def hostile_folder(tmp_path) -> Path:
    """A working folder with modules that end every process which imports them."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the working folder')\n", encoding="utf-8")
    return folder


def started(tmp_path: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Start a script that tells its environment, in a hostile one, as a job is started."""
    package, scripts = tmp_path / "clone/workflow/greedyrank", tmp_path / "clone/scripts"
    package.mkdir(parents=True)
    scripts.mkdir()
    shutil.copy(clean_room.__file__, package)
    (scripts / "probe.py").write_text(PROBE, encoding="utf-8")
    # The loader of programs reads this one before any of them can do something about it, and warns.
    hostile = {name: value for name, value in HOSTILE.items() if name != "LD_PRELOAD"}
    return subprocess.run(
        [sys.executable, "-IS", str(package / "clean_room.py"), "probe", *arguments],
        cwd=folder, env={"PATH": os.environ["PATH"], "HOME": "/root", **hostile, **variables},
        capture_output=True, encoding="utf-8",
    )  # fmt: skip


def test_a_job_inherits_the_list_and_nothing_else(tmp_path, hostile_folder):
    passed = {"CUDA_VISIBLE_DEVICES": "1", "https_proxy": "http://proxy:1", "GREEDYRANK_PAPERS": '["/a/paper"]'}
    variables = {**passed, "PYTHONPATH": str(hostile_folder), "UNHEARD_OF": "1"}
    done = started(tmp_path, hostile_folder, "--slice", "a b", **variables)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    cache = hostile_folder / ".snakemake/cache"
    assert told["environment"] == {
        **passed,
        "PATH": os.environ["PATH"],
        "HOME": "/root",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "MPLBACKEND": "agg",
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "PYTHONPATH": str(tmp_path / "clone/workflow"),
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "LC_ALL": "C.UTF-8",
    }
    assert told["argv"] == ["--slice", "a b"]
    assert told["cwd"] == str(hostile_folder)
    assert str(hostile_folder) not in told["path"]
    assert (told["optimize"], told["utf8"]) == (0, 1)


def test_a_hostile_value_is_not_one_that_a_job_needs():
    """Otherwise the tests with these values would test nothing."""
    assert not {*HOSTILE} & {*clean_room.PASSED}
    room = clean_room.environment(HOSTILE)
    assert not {name for name, value in HOSTILE.items() if room.get(name) == value}


@pytest.mark.parametrize("name", ["ATEN_CPU_CAPABILITY", "NUMBA_CPU_NAME", "ONEDNN_MAX_CPU_ISA"])
def test_the_use_of_the_processor_is_chosen_by_one_name(name):
    assert name not in clean_room.environment({name: "default"})
    room = clean_room.environment({clean_room.PROCESSOR: f"{name}=default OPENBLAS_CORETYPE='a b'"})
    assert (room[name], room["OPENBLAS_CORETYPE"]) == ("default", "a b")
    # A job that starts another process passes it on.
    assert clean_room.environment(room)[name] == "default"


@pytest.mark.parametrize("text", ["OMP_NUM_THREADS=2", "LD_PRELOAD=x", "ATEN_CPU_CAPABILITY", "PATH=", "=", "avx2"])
def test_only_the_use_of_the_processor_is_chosen(tmp_path, hostile_folder, text):
    with pytest.raises(clean_room.BadProcessor, match="allowed: NAME=VALUE of ATEN_CPU_CAPABILITY"):
        clean_room.environment({clean_room.PROCESSOR: text})
    done = started(tmp_path, hostile_folder, GREEDYRANK_PROCESSOR=text)
    assert done.returncode == 1
    assert done.stderr.startswith("error: GREEDYRANK_PROCESSOR: ")
    assert "Traceback" not in done.stderr


ENTER = """
from greedyrank import clean_room
clean_room.enter()
import numba, numpy, torch, matplotlib, h5py
import matplotlib.pyplot, os, sys
assert matplotlib.get_backend().lower() == "agg"
assert not numba.config.DISABLE_JIT and numba.config.NUMBA_NUM_THREADS == 1 and torch.get_num_threads() == 1
assert os.environ["HDF5_USE_FILE_LOCKING"] == "FALSE" and "OPENBLAS_CORETYPE" not in os.environ
assert numba.config.CPU_NAME is None and torch.backends.cpu.get_cpu_capability() != "DEFAULT"
assert os.environ["PYTHONPATH"] == sys.argv[1]  # for the processes that this one starts
"""


def test_a_script_that_is_started_by_hand_enters_it(tmp_path):
    workflow = str(clean_room.WORKFLOW)
    values = {name: HOSTILE[name] for name in HOSTILE if not name.startswith(("PYTHON", "LD_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", ENTER, workflow], cwd=tmp_path, capture_output=True, encoding="utf-8",
        env={**values, "PATH": os.environ["PATH"], "HOME": "/root", "PYTHONPATH": workflow},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_matplotlibrc_changes_no_picture():
    import matplotlib

    from greedyrank.figures import style

    style.set_up()
    usual = dict(matplotlib.rcParams)
    for name, value in {
        "axes.grid": True,
        "font.family": ["serif"],
        "lines.markersize": 9,
        "axes.facecolor": "red",
    }.items():
        matplotlib.rcParams[name] = value
    style.set_up()
    assert dict(matplotlib.rcParams) == usual
