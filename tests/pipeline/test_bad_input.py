"""Wrong input: one clear message, no traceback, a failure code, nothing half-written."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import re
import shutil
import threading
from pathlib import Path

import pytest
import yaml

import synthetic
from checkout import PAPERS, REPOSITORY, Checkout, copy_repository
from greedyrank.data import ratings

ROOT = ("snakemake", "--cores", "2", "--dry-run")

# What is wrong with what the user sets: nothing is planned. Each is a config of its own.
WRONG_CONFIGS = {
    "an unknown key": ({"scael": "smoke"}, ["scael: unknown key; did you mean `scale`?"]),
    "a device": ({"device": "gpu"}, ["device is 'gpu': Input should be 'auto', 'cpu' or 'cuda'"]),
    "no folder of papers": ({"papers": ["workflow/papers", "../nowhere"]}, ["papers: there is no folder ../nowhere"]),
    "a folder without a paper": ({"papers": ["workflow/papers", "docs/figures"]}, ["docs/figures holds no paper"]),
    "an unknown sweep and an unknown figure": (
        {"sweeps": {"singular_value": {}}, "figures": {"det_sgn": {}}},
        [
            "sweeps.singular_value: no such sweep; did you mean `singular_values`?",
            "figures.det_sgn: no such figure; did you mean `det_sign`?",
        ],
    ),
    "unknown keys of sweeps": (
        {
            "sweeps": {
                "singular_values": {"fixd": {}},
                "deep_cp": {"fixed": {"learning_rat": 1.0}},
                "det_sign": {"scales": {"laptop": {"axis": {}}}},
            }
        },
        [
            "sweeps.singular_values.fixd: unknown key; did you mean `fixed`?",
            "sweeps.deep_cp.fixed.learning_rat: unknown key; did you mean `learning_rate`?",
            "sweeps.det_sign.scales.laptop.axis: unknown key; did you mean `axes`?",
        ],
    ),
    "wrong values of sweeps": (
        {
            "sweeps": {
                "singular_values": {"fixed": {"identity_scale": "1e-3"}},
                "component_norms": {"fixed": {"loss": "huber"}},
                "deep_cp": {"factorization": "deep_cpp"},
                "det_sign_larger_init": {"axes": {"seed": []}},
            }
        },
        [
            "sweeps.singular_values.fixed.identity_scale is '1e-3': Input should be a valid number",
            "sweeps.component_norms: `huber_threshold` goes with the loss huber, and only with it",
            "sweeps.deep_cp.factorization is 'deep_cpp'; did you mean `deep_cp`?",
            "sweeps.det_sign_larger_init.axes.seed is an empty list; give at least one value",
        ],
    ),
    "an unknown key of a figure": (
        {"figures": {"det_sign": {"option": {}}}},
        ["det_sign/figure.yaml: option: unknown key; did you mean `options`?", "overrides in figures.det_sign)"],
    ),
    "an unknown option of a figure": (
        {"figures": {"det_sign": {"options": {"entry_mx": 3.0}}}},
        ["options.entry_mx: unknown key; did you mean `entry_max`?", "config's overrides in figures.det_sign"],
    ),
}


@pytest.mark.parametrize("wrong", WRONG_CONFIGS)
def test_a_wrong_config_is_named_and_nothing_is_planned(fresh, tmp_path, wrong):
    config, expected = WRONG_CONFIGS[wrong]
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    result = fresh.run(*ROOT, "--configfile", str(tmp_path / "my.yaml"))
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert "Traceback" not in output
    lines = output.splitlines()
    for text in expected:
        assert sum(text in line for line in lines) == 1, output
    assert "Job stats" not in output
    assert not (fresh.folder / "results").exists()


def test_a_key_that_stands_twice_is_named(fresh, tmp_path):
    (tmp_path / "my.yaml").write_text("device: cpu\nscale: smoke\ndevice: auto\n", encoding="utf-8")
    result = fresh.run(*ROOT, "--configfile", str(tmp_path / "my.yaml"))
    assert result.returncode == 1
    assert "my.yaml: device appears twice, in lines 1 and 3; keep one" in result.stdout + result.stderr


def remove(path: str):
    return lambda papers: (papers / path).unlink()


def append(path: str, text: str):
    return lambda papers: (papers / path).write_text(
        (papers / path).read_text(encoding="utf-8") + text, encoding="utf-8"
    )


def replace(path: str, old: str, new: str):
    return lambda papers: Checkout(papers).edit(path, old, new)


def copy_figure(papers: Path) -> None:
    shutil.copytree(papers / "razin_cohen_2020/det_sign", papers / "chou_2020/det_sign")


def name_as_a_paper(papers: Path) -> None:
    (papers / "beyond/growth_law").rename(papers / "beyond/arora_2019")


# Faults in the folders of papers, each of another figure: the edit, the figures that it breaks, and the line for it.
FAULTS = {
    "no figure.yaml": (
        remove("razin_cohen_2020/det_sign_init/figure.yaml"),
        ["det_sign_init"],
        r"\S+/razin_cohen_2020/det_sign_init/figure.yaml is missing",
    ),
    "no claims.yaml": (
        remove("razin_cohen_2020/det_sign_norms/claims.yaml"),
        ["det_sign_norms"],
        r"\S+/det_sign_norms/claims.yaml is missing: a figure needs at least one claim",
    ),
    "no caption.rst": (
        remove("razin_cohen_2020/det_sign_shapes/caption.rst"),
        ["det_sign_shapes"],
        r"\S+/det_sign_shapes/caption.rst is missing: every figure needs a caption",
    ),
    "no draw.py": (
        remove("razin_cohen_2020/det_sign_perturbed/draw.py"),
        ["det_sign_perturbed"],
        r"\S+/det_sign_perturbed/draw.py is missing",
    ),
    "no statistics.py": (
        remove("razin_cohen_2020/det_sign_probability/statistics.py"),
        ["det_sign_probability"],
        r"\S+/det_sign_probability/statistics.py is missing: claims.yaml names statistics that are not shared ones",
    ),
    "a draw.py that is no Python": (
        append("razin_2021/rank_one_trajectory/draw.py", "def broken(:\n"),
        ["rank_one_trajectory"],
        r"\S+/rank_one_trajectory/draw.py:\d+ is not Python: .*",
    ),
    "a draw.py that imports a package that is not there": (
        append("chou_2020/flow_vs_gd/draw.py", "import no_such_package\n"),
        ["flow_vs_gd"],
        r"\S+/flow_vs_gd/draw.py:\d+: no package `no_such_package` is installed",
    ),
    "a draw.py that imports a module that is not there": (
        append("chou_2020/eigenvalue_recovery/draw.py", "from greedyrank.nowhere import something\n"),
        ["eigenvalue_recovery"],
        r"\S+/eigenvalue_recovery/draw.py:\d+: there is no module greedyrank.nowhere",
    ),
    "a draw.py that imports a name that is not there": (
        append("chou_2020/effective_rank_sensing/draw.py", "from greedyrank.figures.canvas import Canvass\n"),
        ["effective_rank_sensing"],
        r"\S+/effective_rank_sensing/draw.py:\d+: \S+/canvas.py has no `Canvass`",
    ),
    "a draw.py without its function": (
        replace("beyond/phase_diagram/draw.py", "def draw(", "def paint("),
        ["phase_diagram"],
        r"\S+/phase_diagram/draw.py has no function `draw`",
    ),
    "a statistics.py that imports a module that is not there": (
        append("jing_2020/irmae_spectrum/statistics.py", "import greedyrank.nowhere\n"),
        ["irmae_spectrum"],
        r"\S+/irmae_spectrum/statistics.py:\d+: there is no module greedyrank.nowhere",
    ),
    "two figures of one name": (
        copy_figure,
        ["det_sign"],
        r"two figures are called det_sign: \S+/chou_2020/det_sign and \S+/razin_cohen_2020/det_sign",
    ),
    "a figure with the name of a paper": (
        name_as_a_paper,
        ["arora_2019"],
        r"\S+/beyond/arora_2019: arora_2019 is a target already; give the figure another name",
    ),
    "a paper without sweeps.yaml": (
        remove("hariz_2022/sweeps.yaml"),
        ["deep_cp"],
        r"\S+/hariz_2022/sweeps.yaml is missing",
    ),
    "a sweeps.yaml that is no YAML": (
        append("razin_2022/sweeps.yaml", "\t- [\n"),
        ["mf_cp_htf"],
        r"\S+/razin_2022/sweeps.yaml is not YAML: .*",
    ),
    "a setting of a sweep": (
        replace("gunasekar_2017/sweeps.yaml", "learning_rate:", "learning_rat:"),
        ["nuclear_norm_conjecture"],
        r"\S+/gunasekar_2017/sweeps.yaml: conjecture_\w+.*learning_rat: unknown key; did you mean `learning_rate`\?",
    ),
    "a measure": (
        replace("razin_2021/image_rank/figure.yaml", "image_errors", "image_error"),
        ["image_rank"],
        r"\S+/image_rank/figure.yaml: measures: no measure `image_error`; did you mean `image_errors`\?",
    ),
    "a sweep of a figure": (
        replace("hariz_2024/deep_tucker_rank/figure.yaml", "deep_tucker_init", "deep_tuckr_init"),
        ["deep_tucker_rank"],
        r"\S+/deep_tucker_rank/figure.yaml: sweeps: no sweep `deep_tuckr_init`; did you mean `deep_tucker_init`\?",
    ),
    "an option": (
        replace("arora_2019/singular_values/figure.yaml", "options: {", "options: {wdth: text, "),
        ["singular_values"],
        r"\S+/singular_values/figure.yaml: options.wdth: unknown key; did you mean `width`\?",
    ),
    "a statistic": (
        replace("razin_2021/component_norms/claims.yaml", "statistic: components_above", "statistic: component_above"),
        ["component_norms"],
        r"\S+/component_norms/claims.yaml:\w+: no statistic `component_above` in .*; did you mean `components_above`\?",
    ),
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> tuple[Checkout, str]:
    """A checkout with all these faults, and what a dry run of everything says."""
    checkout = copy_repository(tmp_path_factory.mktemp("faulty") / "checkout")
    for edit, _, _ in FAULTS.values():
        edit(checkout.folder / PAPERS)
    result = checkout.snakemake("--dry-run")
    assert result.returncode == 0, result.stdout + result.stderr
    return checkout, result.stdout + result.stderr


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_figure_is_one_line_that_names_its_file(faulty, fault):
    _, figures, line = FAULTS[fault]
    before, jobs = faulty[1].split("Job stats:", maxsplit=1)
    found = [text.strip() for text in before.splitlines() if re.fullmatch(line, text.strip())]
    assert len(set(found)) == len(found) >= 1, before
    for figure in figures:
        assert f": {figure}: cannot be built" in jobs
        assert f": {figure}: draw" not in jobs


def test_all_other_figures_are_planned(faulty):
    checkout, output = faulty
    figures = {path.name for path in (checkout.folder / PAPERS).glob("*/*") if path.is_dir()}
    broken = {figure for _, names, _ in FAULTS.values() for figure in names}
    # Those that use the code of broken ones.
    drawn = set(re.findall(r": (\w+): draw$", output, re.MULTILINE))
    named = set(re.findall(r": (\w+): cannot be built$", output, re.MULTILINE))
    assert drawn | named == figures - {"__pycache__"}
    assert drawn & named == set()
    assert named >= broken
    assert len(drawn) >= 8
    assert "Traceback" not in output


def test_a_broken_figure_fails_alone(checkout):
    """The others are built, even if everything is asked for; only then, and by its name, does the build fail."""
    checkout.edit(checkout.figure("deep_cp") / "draw.py", "def draw(", "def draw((")
    checkout.edit(checkout.figure("det_sign") / "draw.py", '("blue", "sky")', '("blue", "green")')
    message = f"{checkout.figure('deep_cp')}/draw.py:"
    picture = checkout.folder / "results/smoke/figures/det_sign.png"
    before = picture.read_bytes()
    result = checkout.snakemake()
    output = result.stdout + result.stderr
    assert result.returncode == 1
    assert message in output[: output.index("Job stats:")]
    assert picture.read_bytes() != before
    result = checkout.snakemake("deep_cp")
    assert result.returncode == 1
    assert message in result.stdout + result.stderr
    assert checkout.snakemake("det_sign", "arora_2019").returncode == 0


@pytest.mark.usefixtures("built")  # the images are here
def test_a_corrupt_image_file_is_named_and_other_figures_build(fresh, tmp_path):
    for path in (REPOSITORY / "data").glob("*/*"):
        copy = tmp_path / path.relative_to(REPOSITORY / "data")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    one = "sweeps={image_rank: {axes: {dataset: [mnist]}}}"
    config = ("--config", "scale=smoke", f"data_dir={tmp_path}", one)
    assert fresh.run("snakemake", "--cores", "2", "image_rank", "--until", "fetch_images", *config).returncode == 0
    labels = tmp_path / "mnist/train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    result = fresh.run("snakemake", "--cores", "2", "image_rank", "deep_cp", *config)
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert str(labels) in output
    assert "fetch it again with" in output
    assert "Traceback" not in output
    assert (fresh.folder / "results/smoke/figures/deep_cp.png").exists()
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
    checkout.edit("workflow/greedyrank/data/ratings.py", ratings.CHECKSUM, hashlib.sha256(archive).hexdigest())
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
    path.write_text("1\t2\t3\t4\n", encoding="utf-8")
    config = ("--config", "scale=smoke", f"data_dir={tmp_path}")
    for words in (["movielens"], ["--forceall", "dmf_movielens"]):
        result = fresh.run("snakemake", "--cores", "1", *words, *config, env=OFFLINE)
        output = result.stdout + result.stderr
        assert result.returncode != 0
        assert f"{path} has 1 rows; expected 100000 rows" in output
        assert "Traceback" not in output
        assert path.read_text(encoding="utf-8") == "1\t2\t3\t4\n"


def test_a_truncated_result_is_named_with_its_remedy(checkout):
    runs = checkout.folder / "results/smoke/runs/singular_values/depth-2.npz"
    runs.write_bytes(runs.read_bytes()[:-100])
    result = checkout.snakemake("singular_values", "--forcerun", "extract")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "snakemake --cores 1 --force results/smoke/runs/singular_values/depth-2.npz" in output
    assert "Traceback" not in output


def test_a_diverging_run_is_named(checkout):
    checkout.edit("config.yaml", "sweeps: {}", "sweeps: {singular_values: {fixed: {learning_rate: 1000.0}}}")
    result = checkout.snakemake("singular_values", "det_sign")
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "learning_rate 1000.0" in output
    assert "lower `learning_rate`" in output
    assert "Traceback" not in output
    assert not (checkout.folder / "results/smoke/runs/singular_values/depth-4.npz").exists()
    page = json.loads((checkout.folder / "results/smoke/claims.json").read_text(encoding="utf-8"))
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
