"""The job graph: files, memory, time, groups on a cluster, and what a plan does to its surroundings."""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import yaml

from greedyrank import plugins
from greedyrank.config import sweeps
from greedyrank.config.settings.problems import ImageClassification
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.yaml_input import ConfigError
from greedyrank.plan import host, resources
from greedyrank.plan.graph import Plan
from small_paper import CLAIM, SmallPaper

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paper(tmp_path):
    """Make the paper of a sweep: ``paper(block, **settings of its figure)``."""

    def make(block: dict, **settings) -> SmallPaper:
        made = SmallPaper(tmp_path / "my_paper", block)
        made.add_figure("small_figure", **settings)
        made.write_claims({**CLAIM, "runs": {}, "control": {"statistic": "last_entry", "at": {}}})
        return made

    return make


# -- the config of this repository ------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_all_papers_are_planned_at_every_scale(scale):
    plan = Plan(
        {**yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")), "scale": scale, "device": "cuda"}
    )
    assert plan.project.broken == {}
    assert plan.results == ("results" if scale == "laptop" else f"results/{scale}")
    for name, sweep in plan.sweeps.items():
        assert sum(len(part.runs) for part in plan.jobs[name].values()) == len(sweep.whole.runs) > 0
        assert plan.instances[name]
        assert scale != "paper" or plan.slices.reduced(name) == {}
        for label in plan.jobs[name]:
            # The longest argument that Linux takes has 128 KiB.
            assert len(plan.train_slice(SimpleNamespace(sweep=name, job=label))) < 100_000
    for name, figure in plan.figures.items():
        assert figure.claims
        assert (f"{plan.results}/figures/{name}.png" in plan.all_files()) == (name not in plan.skipped)
    assert set(plan.all_files()) == {path for paper in plan.project.papers for path in plan.paper_files(paper)}


# -- names ------------------------------------------------------------------------------------------


def test_names_of_jobs_are_no_longer_than_names_of_files(sweep_block, paper):
    entries = [[[row, column, value] for row in range(6) for column in range(6)] for value in (0.0, 1.0)]
    block = sweep_block("deep_matrix", "gd", shape=[6, 6], axes={"observed": entries}, job_per=["observed"],
                        target_rank=None, target_norm=None, observations=None)  # fmt: skip
    small = paper(block)
    with pytest.raises(ConfigError) as error:
        Plan(small.raw())
    (message,) = error.value.messages
    assert message.startswith("sweeps.small.job_per gives a job the name observed--0.0-0.0-0.0-0.0-1.0-0.0-")
    assert message.endswith("allowed: 200 characters")
    block["job_per"] = []
    assert list(Plan(small.raw()).instances["small"]) == ["all"]
    # Files need no names that tell what is in them.
    cases = [{"seed": seed, "observed": entries[seed : seed + 1]} for seed in (0, 1)]
    block |= {"job_per": ["seed"], "cases": cases, "axes": {}}
    assert list(Plan(small.raw()).instances["small"]) == ["file-0", "file-1"]


# -- memory -----------------------------------------------------------------------------------------

# Two jobs: 10 labels of ranks 1 and 15, and one label of rank 15. Columns of 5000 images and 784 pixels,
# and 70,000 images of 784 pixels, with a label a run.
WIDE = (10 * (1 + 15) * (3 * 5000 + 12 * 784) + 70000 * (784 + 20)) * 4
NARROW = (15 * (3 * 5000 + 12 * 784) + 70000 * (784 + 1)) * 4


@pytest.fixture
def wide(sweep_block):
    """A sweep of two jobs on images."""
    cases = [
        {"images": "original", "label": {"count": 10}, "tensor_rank": [1, 15]},
        {"images": "random", "label": 6, "tensor_rank": 15},
    ]
    sizes = {"train_size": 60000, "test_size": 10000, "batch_size": 5000}
    block = sweep_block("binary_cp", "adam", cases=cases, job_per=["images"], dtype="float32", **sizes)
    block["fixed"] = {name: value for name, value in block["fixed"].items() if name not in ("label", "tensor_rank")}
    return block


@pytest.fixture
def planned(paper):
    """Plan that sweep: ``planned(block, **config)``."""
    return lambda block, here=True, **config: Plan(paper(block, measures=["image_errors"]).raw(**config), here=here)


def test_memory_of_a_job_on_images(wide):
    whole = load_sweep(wide).whole
    jobs = [sweeps.narrow(whole, {"images": kind}).runs for kind in ("original", "random")]
    for runs, columns in zip(jobs, (160, 15), strict=True):
        assert f"its {columns} columns" in ImageClassification.memory_advice(runs)
    assert [ImageClassification.job_bytes(runs) for runs in jobs] == [WIDE, NARROW]
    doubled = [{**run, "dtype": "float64"} for run in jobs[0]]
    assert ImageClassification.job_bytes(doubled) == 2 * WIDE


def test_more_columns_than_memory_are_refused(wide, planned, monkeypatch):
    monkeypatch.setattr(host, "memory", lambda: WIDE - 1)
    with pytest.raises(ConfigError) as error:
        planned(wide, device="cpu")
    (message,) = error.value.messages
    needed = f"{WIDE / 1e9:.1f} GB"
    assert message == (
        f"sweeps.small.job_per: the job images-original of 20 runs needs about {needed}; this machine has {needed}:"
        " its 160 columns are all components of its runs: split it by naming `tensor_rank` in `job_per`, or give it"
        " fewer labels, ranks or seeds, or a smaller `batch_size`"
    )


@pytest.mark.parametrize("change", ["more memory", "a job for each rank", "a GPU"])
def test_columns_that_fit_are_not(wide, planned, monkeypatch, change):
    monkeypatch.setattr(host, "memory", lambda: WIDE if change == "more memory" else WIDE - 1)
    if change == "a job for each rank":
        wide["job_per"] = ["images", "tensor_rank"]
    plan = planned(wide, device="cuda" if change == "a GPU" else "cpu")
    # Every job is given its own arrays beside what any job gets.
    found = [plan.resources.train_memory("small", job) for job in plan.jobs["small"]]
    general = resources.TRAIN_MB["cuda" if change == "a GPU" else "cpu"]
    assert general + NARROW // 1e6 == min(found) < max(found) <= general + WIDE // 1e6


def test_jobs_of_a_cluster_do_not_depend_on_the_machine_that_submits(wide, planned, monkeypatch):
    monkeypatch.setattr(host, "memory", lambda: 0)
    monkeypatch.setattr(host, "gpu_is_here", lambda: True)
    assert planned(wide).resources.device("small") == "cuda"
    assert planned(wide, here=False).resources.device("small") == "cpu"


@pytest.mark.parametrize(
    ("limits", "least"), [([], None), (["max\n"], None), (["9223372036854771712", "5000\n"], 5000)]
)
def test_memory_of_the_machine_is_at_most_that_of_its_container(monkeypatch, tmp_path, limits, least):
    monkeypatch.setattr(host, "LIMITS", [str(tmp_path / str(number)) for number in range(3)])
    for number, limit in enumerate(limits):
        (tmp_path / str(number)).write_text(limit, encoding="utf-8")
    assert host.memory() == (least or psutil.virtual_memory().total)


# -- time and groups ----------------------------------------------------------------------------------


def test_a_retry_is_given_more():
    for amount in (2000, 60):
        need = resources.growing(amount)
        assert need(None, attempt=3) == 3 * need(None, attempt=1) > 0


@pytest.mark.parametrize(
    ("change", "together"),
    [
        ("", True),
        ("a longer figure", False),
        ("a longer figure beside it", False),
        ("many jobs", False),
        ("GPU", False),
    ],
)
def test_figures_of_up_to_a_minute_are_one_cluster_job(sweep_block, paper, change, together):
    seeds = resources.SHORT_JOBS + (change == "many jobs")
    block = sweep_block("deep_matrix", "gd", axes={"seed": {"count": seeds}}, job_per=["seed"])
    small = paper(block, minutes=2 if change == "a longer figure" else 1)
    small.add_figure("beside_it", minutes=2 if change == "a longer figure beside it" else 1)
    raw = small.raw(device="cuda" if change == "GPU" else "cpu")
    found = Plan(raw, here=False).resources
    assert found.figure_group() == "figures"
    assert found.train_group("small") == ("figures" if together else None)
    here = Plan(raw).resources
    assert here.figure_group() is here.train_group("small") is None


# -- what a plan does to its surroundings -----------------------------------------------------------


def test_results_from_the_future_get_the_present_time(tmp_path):
    now = time.time()
    for name, moment in {"runs/a/old.npz": 100, "runs/a/new.npz": now + 1e8, "figures/new.png": now + 1e8}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (moment, moment))
    host.correct_future_times(str(tmp_path))
    times = {path.name: path.stat().st_mtime for path in tmp_path.rglob("*.*")}
    assert times["old.npz"] == 100
    assert now - 10 < times["new.npz"] < now + 1000
    assert times["new.png"] > now + 1e7


def test_jobs_know_the_config_of_the_command_line(monkeypatch):
    for name in ("PYTHONPATH", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "GREEDYRANK_CONFIG", "GREEDYRANK_PAPERS"):
        monkeypatch.setenv(name, "")
    papers = [Path("/one/paper"), Path("/two/with : colon")]
    host.export_environment(papers, [Path("my config.yaml")], {"scale": "smoke", "draw": {"a": [1]}})
    config_words = "--configfile 'my config.yaml' --config scale=smoke 'draw={\"a\":[1]}'"
    assert os.environ["GREEDYRANK_CONFIG"] == config_words
    assert plugins.papers() == [Path("/one/paper"), Path("/two/with : colon")]
    host.export_environment([], [], {})
    assert os.environ["GREEDYRANK_CONFIG"] == ""


def test_the_resolved_config_is_written_whole(sweep_block, paper, tmp_path):
    block = sweep_block("deep_matrix", "gd", axes={"seed": {"count": 2}})
    plan = Plan(paper(block).raw(results_dir=str(tmp_path / "results")))
    plan.write_config()
    (path,) = (tmp_path / "results").iterdir()
    resolved = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert resolved["sweeps"]["small"]["axes"] == {"seed": [0, 1]}
    again = Plan(resolved)
    assert again.train_slice(SimpleNamespace(sweep="small", job="all")) == plan.train_slice(
        SimpleNamespace(sweep="small", job="all")
    )
    assert json.loads(again.slices.page()) == json.loads(plan.slices.page())


def test_the_page_names_what_is_not_at_the_paper_scale(sweep_block, paper):
    scales = {
        "smoke": {"fixed": {"stop": {"max_steps": 3}}},
        "paper": {"fixed": {"stop": {"max_steps": 900}}, "axes": {"depth": [2, 3]}},
    }
    block = sweep_block("deep_matrix", "gd", stop={"max_steps": 7}, depth=2, axes={"seed": [0]})
    made = paper({**block, "scales": scales})
    for scale, steps in (("smoke", 3), ("laptop", 7)):
        differing = {"stop.max_steps": [[steps], [900]], "depth": [[2], [2, 3]]}
        assert Plan(made.raw(scale=scale)).slices.reduced("small") == differing
    assert Plan(made.raw(scale="paper")).slices.reduced("small") == {}


def test_a_results_folder_that_cannot_be_written_to_is_only_logged(sweep_block, paper, tmp_path, caplog):
    block = sweep_block("deep_matrix", "gd", axes={"seed": {"count": 2}})
    (tmp_path / "results").write_text("a file", encoding="utf-8")
    Plan(paper(block).raw(results_dir=str(tmp_path / "results"))).write_config()
    (warning,) = caplog.records
    assert warning.getMessage().startswith(f"{tmp_path}/results/config.yaml cannot be written: ")
