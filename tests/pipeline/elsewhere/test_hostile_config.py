"""Values of the config are never run, and results are read without running anything."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import yaml

from checkout import PAPERS, REPOSITORY, copy_repository, keep_figures

# Whatever runs one of these leaves a file that `Checkout.check_no_value_ran` finds.
SHELL = "a $(touch touched-1) `touch touched-2`; touch touched-3 & touch touched-4 | 'touch touched-5' \" \\ # ü"
HTML = "</title></script><script>alert('&')</script><img src=x onerror=alert(1)>"
TEXT = f"{SHELL} {HTML} {{sweep}} {{}} %s\n$(touch touched-6)\0"


@pytest.fixture
def hostile(tmp_path):
    """A checkout of one figure, whose config says such things wherever it can, and so does the folder of its paper."""
    checkout = copy_repository(tmp_path / "checkout")
    keep_figures(checkout, ("deep_cp",))
    (checkout.folder / PAPERS).rename(checkout.folder / f"papers {SHELL}")
    config = {
        "scale": "smoke",
        "results_dir": f"results {SHELL}",
        "data_dir": f"data {SHELL}",
        "papers": [f"papers {SHELL}"],
        "figures": {"deep_cp": {"title": TEXT, "paper": TEXT}},
        "sweeps": {"deep_cp": {"source": TEXT}},
    }
    (checkout.folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return checkout


def test_values_of_the_config_are_never_run(hostile):
    result = hostile.run("snakemake", "--cores", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    results = hostile.folder / f"results {SHELL}" / "smoke"
    assert (results / "figures/deep_cp.png").exists()
    assert json.loads((results / "claims.json").read_text(encoding="utf-8"))["claims"]
    page = (results / "index.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1  # its own
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page
    hostile.check_no_value_ran()
    result = hostile.run("snakemake", "--cores", "1", "--forcerun", "page", "--", "page")
    assert result.returncode == 0, result.stdout + result.stderr
    hostile.check_no_value_ran()


def test_messages_of_a_broken_figure_are_never_run(hostile):
    figure = hostile.folder / f"papers {SHELL}/hariz_2022/deep_cp"
    (figure / "figure.yaml").write_text(yaml.safe_dump({"title": TEXT, "sweeps": [TEXT], SHELL: 1}), encoding="utf-8")
    shutil.copytree(figure, figure.with_name("bad $(touch touched-7)"))
    # One that can be built: else there is nothing to plan.
    shutil.copytree(REPOSITORY / PAPERS / "hariz_2022/deep_cp", figure.with_name("deep_cp_again"))
    (hostile.folder / "config.yaml").write_text(
        yaml.safe_dump({"scale": "smoke", "papers": [f"papers {SHELL}"]}), encoding="utf-8"
    )
    result = hostile.run("snakemake", "--cores", "1", "deep_cp", "broken_1")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "missing key" in output
    assert "Traceback" not in output
    hostile.check_no_value_ran()


def test_folders_of_missing_data_are_never_run(tmp_path):
    checkout = copy_repository(tmp_path / "checkout")
    (checkout.folder / "config.yaml").write_text(yaml.safe_dump({"data_dir": f"data {SHELL}"}), encoding="utf-8")
    offline = {name: "http://127.0.0.1:1" for name in ("http_proxy", "https_proxy")}
    result = checkout.run("snakemake", "--cores", "1", "movielens", env=offline)
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert f"data {SHELL}/movielens/u.data" in output
    assert "Traceback" not in output
    checkout.check_no_value_ran()


READ_EVERYTHING = """
import json, sys
from pathlib import Path

from greedyrank import storage
from greedyrank.figures import origin
from greedyrank.spectra import extraction

def text(path):
    return json.loads(path.read_text())

unpickled = []
sys.addaudithook(lambda event, arguments: event == "pickle.find_class" and unpickled.append(arguments))
readers = {".npz": storage.load_arrays, ".nc": extraction.load, ".json": text,
           ".png": origin.read, ".svg": origin.read, ".pdf": origin.read}
files = [path for path in Path(sys.argv[1]).rglob("*") if path.suffix in readers]
for path in files:
    readers[path.suffix](path)
print(json.dumps({"kinds": sorted({path.suffix for path in files}), "unpickled": unpickled}))
"""


def test_results_are_read_without_running_anything(built):
    results = built.folder / "results"
    environment = {"PYTHONPATH": str(built.folder / "workflow")}
    done = built.run(sys.executable, "-c", READ_EVERYTHING, str(results), env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"kinds": [".json", ".nc", ".npz", ".pdf", ".png", ".svg"], "unpickled": []}
    # What numba keeps are pickles: they lie with Snakemake's own files, not with what one may pass on.
    assert not list(results.rglob("*.compiled"))
    assert list((built.folder / ".snakemake").rglob("*.compiled"))
