"""Wrong input: one clear message, no traceback, a failure code, nothing half-written."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import threading
from pathlib import Path

import pytest
import synthetic
from checkout import REPOSITORY, copy_repository

from greedyrank.data import ratings


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("scale: laptop", "scael: laptop", ["scael", "did you mean `scale`?"]),
        ("device: auto  ", "scale: smoke\ndevice: auto  ", ["config.yaml", "scale stands twice", "keep one"]),
        ("learning_rate: 0.1 ", "learning_rat: 0.1 ", ["singular_values", "learning_rat", "`learning_rate`"]),
        ("learning_rate: 0.1 ", "learning_rate: fast ", ["singular_values", "learning_rate", "'fast'", "number"]),
        ("identity_scale: 1.0e-3", "identity_scale: 1e-3", ["identity_scale", "'1e-3'", "1.0e-4"]),
        (
            "target_rank: 2, target_norm: 12.0",
            "target_rank: 20, target_norm: 12.0",
            ["target_rank is 20", "at most 12"],
        ),
        ("observations: 72", "observations: 145", ["observations is 145", "144 entries"]),
        ("axes: {seed: [0, 1]}", "axes: {seed: []}", ["det_sign_larger_init", "seed", "empty"]),
        ("factorization: cp", "factorization: cpp", ["factorization is 'cpp'", "`cp`"]),
        (
            "observations: 2000  ",
            "observed_fraction: 1.5  ",
            ["component_norms", "observed_fraction is 1.5", "equal to 1"],
        ),
        (
            "loss: mean\n      components: 1000",
            "loss: huber\n      components: 1000",
            ["component_norms", "`huber_threshold` goes with the loss huber, and only with it"],
        ),
        ("measures: [image_errors, least", "measures: [image_error, least", ["image_rank", "`image_errors`"]),
        ("sweeps: [singular_values]", "sweeps: [singular_value]", ["figures.singular_values", "`singular_values`"]),
        ("draw: {width: text, entry_max", "draw: {width: text, entry_mx", ["entry_mx", "`entry_max`"]),
        ("device: auto  ", "device: gpu  ", ["device", "'gpu'", "cuda"]),
    ],
)
def test_config_errors_name_the_key(fresh, old, new, expected):
    original = (fresh.folder / "config.yaml").read_text()
    try:
        fresh.edit("config.yaml", old, new)
        result = fresh.snakemake("--dry-run")
        if "scael" in new:  # the command line sets the scale, so the misspelt key is the only fault
            result = fresh.run("snakemake", "--cores", "2", "--dry-run")
    finally:
        (fresh.folder / "config.yaml").write_text(original)
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in output
    for text in expected:
        assert text in output
    assert not (fresh.folder / "results").exists()


@pytest.mark.usefixtures("built")  # the images are here
def test_a_corrupt_image_file_is_named_and_other_figures_build(fresh, tmp_path):
    for path in (REPOSITORY / "data").glob("*/*"):
        copy = tmp_path / path.relative_to(REPOSITORY / "data")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    config = ("--config", "scale=smoke", f"data_dir={tmp_path}")
    assert fresh.run("snakemake", "--cores", "2", "--until", "fetch_images", *config).returncode == 0
    labels = tmp_path / "mnist/train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    result = fresh.run("snakemake", "--cores", "2", "image_rank", "singular_values", *config)
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert str(labels) in output
    assert "fetch it again with" in output
    assert "Traceback" not in output
    assert (fresh.folder / "results/smoke/figures/singular_values.png").exists()
    assert not (fresh.folder / "results/smoke/figures/image_rank.png").exists()
    assert not list((fresh.folder / "results/smoke/data/image_rank").glob("dataset-mnist*.npz"))


# A proxy that refuses every connection, so that nothing is downloaded where there is a network.
OFFLINE = {name: "http://127.0.0.1:1" for name in ("http_proxy", "https_proxy")}


def test_a_figure_whose_data_are_missing_is_skipped_with_one_line(fresh, tmp_path):
    config = ("--config", "scale=smoke", f"data_dir={tmp_path}")
    result = fresh.run("snakemake", "--cores", "1", "--dry-run", *config)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    (line,) = [line for line in output.splitlines() if "Skipped" in line]
    for text in ("dmf_movielens", f"{tmp_path}/movielens/u.data", "snakemake --cores 1 movielens"):
        assert text in line
    assert "dmf_movielens: " not in output
    assert "singular_values: draw" in output


@pytest.mark.parametrize("target", ["dmf_movielens", "movielens"])
def test_a_figure_asked_for_without_its_data_says_where_to_put_them(fresh, tmp_path, target):
    config = ("--config", "scale=smoke", f"data_dir={tmp_path}")
    result = fresh.run("snakemake", "--cores", "1", target, *config, env=OFFLINE)
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert f"put its u.data (from ml-100k.zip of grouplens.org) at {tmp_path}/movielens/u.data" in output
    assert "Traceback" not in output
    assert not list(tmp_path.rglob("*"))


def test_a_figure_asked_for_without_its_data_downloads_them(tmp_path):
    class Proxy(http.server.BaseHTTPRequestHandler):
        """Gives one archive for every address; knows no TLS, so the second address is the one that works."""

        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(archive)

        def log_message(self, *args):
            pass

    asked, archive = [], synthetic.archive(synthetic.ratings())
    checkout = copy_repository(tmp_path / "checkout")
    (checkout.folder / "data/movielens/u.data").unlink()
    checkout.edit("workflow/greedyrank/movielens.py", ratings.CHECKSUM, hashlib.sha256(archive).hexdigest())
    target = "results/smoke/data/dmf_movielens/all.npz"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        result = checkout.snakemake(target, env={"http_proxy": address, "https_proxy": address, "no_proxy": ""})
        server.shutdown()
    assert result.returncode == 0, result.stdout + result.stderr
    assert asked == ["http://files.grouplens.org/datasets/movielens/ml-100k.zip"]
    assert (checkout.folder / target).exists()
    assert checkout.jobs(target) == set()
    output = checkout.snakemake("--dry-run", "dmf_movielens").stderr
    assert "Skipped" not in output


def test_ratings_that_are_there_are_never_deleted(fresh, tmp_path):
    path = tmp_path / "movielens" / "u.data"
    path.parent.mkdir()
    path.write_text("1\t2\t3\t4\n")
    config = ("--config", "scale=smoke", f"data_dir={tmp_path}")
    for words in (["movielens"], ["--forceall", "dmf_movielens"]):
        result = fresh.run("snakemake", "--cores", "1", *words, *config, env=OFFLINE)
        output = result.stdout + result.stderr
        assert result.returncode != 0
        assert f"{path} has 1 rows; expected 100000 rows" in output
        assert "Traceback" not in output
        assert path.read_text() == "1\t2\t3\t4\n"


def test_a_truncated_result_is_named_with_its_remedy(checkout):
    runs = checkout.folder / "results/smoke/runs/singular_values/depth-2.npz"
    runs.write_bytes(runs.read_bytes()[:-100])
    result = checkout.snakemake("singular_values", "--forcerun", "extract")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "snakemake --cores 1 --force results/smoke/runs/singular_values/depth-2.npz" in output
    assert "Traceback" not in output


def test_a_diverging_run_is_named(checkout):
    checkout.edit("config.yaml", "learning_rate: 0.1 ", "learning_rate: 1000.0 ")
    result = checkout.snakemake("singular_values", "det_sign")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "learning_rate 1000.0" in output
    assert "lower `learning_rate`" in output
    assert "Traceback" not in output
    assert not (checkout.folder / "results/smoke/runs/singular_values/depth-4.npz").exists()
    page = json.loads((checkout.folder / "results/smoke/claims.json").read_text())
    assert "det_sign" in {claim["figure"] for claim in page["claims"]}


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc").exists(), reason="needs a folder root cannot write")
def test_an_unwritable_results_folder_is_named(fresh):
    # Nobody, root included, can make files here.
    result = fresh.run(
        "snakemake", "--cores", "1", "det_sign", "--config", "scale=smoke", "results_dir=/proc/greedyrank"
    )
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "/proc/greedyrank" in output
    assert "Traceback" not in output
