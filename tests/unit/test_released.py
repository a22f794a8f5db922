"""Files that authors released: found, downloaded, verified; and what is built without them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from greedyrank.config.yaml_input import ConfigError, read_yaml
from greedyrank.data import released, target_files
from greedyrank.plan.graph import Plan
from small_paper import CLAIM, SmallPaper

REPOSITORY = Path(__file__).parents[2]
PAPER = REPOSITORY / "workflow/papers/razin_cohen_2020"
CONTENT = {"mine/one.pt": b"one", "mine/two.pt": b"two"}
NOWHERE = "https://127.0.0.1:1"


def listed(address: str = NOWHERE, **changed: bytes) -> dict[str, dict[str, str]]:
    """Return what a data.yaml says of `CONTENT`, to be had at an address."""
    return {
        name: {"url": f"{address}/{Path(name).name}", "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in CONTENT.items()
    }


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# -- fetching ---------------------------------------------------------------------------------------


def test_files_are_downloaded_to_their_places(server, tmp_path):
    served, address = server
    for name, content in CONTENT.items():
        put(served, Path(name).name, content)
    released.fetch(tmp_path / "data", listed(address))
    found = {str(path.relative_to(tmp_path / "data")) for path in (tmp_path / "data").rglob("*") if path.is_file()}
    assert found == set(CONTENT)
    assert all((tmp_path / "data" / name).read_bytes() == content for name, content in CONTENT.items())


def test_what_is_on_disk_is_found_by_its_content_and_nothing_is_downloaded(tmp_path):
    put(tmp_path, "mine/one.pt", b"one")
    put(tmp_path, "their-repository/data/tc/renamed.pt", b"two")
    put(tmp_path, "decoy/two.pt", b"three")
    released.fetch(tmp_path, listed())
    assert (tmp_path / "mine/two.pt").read_bytes() == b"two"


def test_one_file_that_cannot_be_had_is_named_and_the_others_are_there(server, tmp_path):
    served, address = server
    put(served, "one.pt", b"one")
    put(served, "two.pt", b"another")
    with pytest.raises(released.ReleasedMissing) as error:
        released.fetch(tmp_path / "data", listed(address))
    message = str(error.value)
    assert message.startswith("1 of 2 released files are missing; put them there:")
    assert str((tmp_path / "data/mine/two.pt").resolve()) in message
    assert f"{address}/two.pt" in message
    wrong, right = (hashlib.sha256(content).hexdigest() for content in (b"another", b"two"))
    assert f"its SHA-256 is {wrong}, expected {right}" in message
    assert (tmp_path / "data/mine/one.pt").read_bytes() == b"one"
    assert not (tmp_path / "data/mine/two.pt").exists()


def test_an_address_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(released.ReleasedMissing, match="2 of 2 .*\n.*one.pt .*refused.*\n.*two.pt .*refused"):
        released.fetch(tmp_path, listed())


def test_another_file_in_its_place_is_kept_and_named(tmp_path):
    mine = put(tmp_path, "mine/one.pt", b"my own")
    put(tmp_path, "mine/two.pt", b"two")
    with pytest.raises(released.ReleasedMissing, match="one.pt .*there is a file with another SHA-256 than .*move it"):
        released.fetch(tmp_path, listed())
    assert mine.read_bytes() == b"my own"


# -- planning ---------------------------------------------------------------------------------------

FILES = {"mine/one.npy": np.outer([1.0, 2.0, 0.0, 1.0], [1.0, 0.0, 0.0, -1.0])}


@pytest.fixture
def planned(sweep_block, tmp_path):
    """A figure of a drawn sweep and of one that reads a released file: ``planned()`` plans it again."""
    file = tmp_path / "original.npy"
    np.save(file, FILES["mine/one.npy"])
    drawn = sweep_block("deep_matrix", "gd", axes={"seed": [0, 1]})
    given = sweep_block(
        "deep_matrix", "gd", axes={"seed": [0, 1]}, target_file="mine/one.npy", target_rank=None, target_norm=None
    )
    paper = SmallPaper(tmp_path / "my_paper", drawn)
    paper.sweeps["given"] = given
    paper.add_figure("both", sweeps=["small", "given"])
    paper.add_figure("alone", sweeps=["given"])
    for figure in ("both", "alone", "small_figure"):
        sweep = "small" if figure != "alone" else "given"
        paper.write_claims(
            {**CLAIM, "sweep": sweep, "runs": {}, "control": {"seed": 1}},
            *(
                [{**CLAIM, "id": "two", "sweep": "given", "runs": {}, "control": {"seed": 1}}]
                if figure == "both"
                else []
            ),
            figure=figure,
        )
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    block = {"mine/one.npy": {"url": "https://example.org/one.npy", "sha256": sha}}
    (paper.folder / "data.yaml").write_text(yaml.safe_dump(block), encoding="utf-8")

    def make() -> Plan:
        return Plan(paper.raw(data_dir=str(tmp_path / "data")), here=False)

    make.paper, make.original = paper, file
    return make


def test_without_its_file_a_sweep_is_left_out_and_the_others_are_drawn(planned, tmp_path):
    plan = planned()
    assert plan.skipped == ["alone"]
    path = tmp_path / "data/mine/one.npy"
    assert f"Left out: given. {path} is missing." in plan.left_out_message()
    assert "snakemake --cores 1 released" in plan.left_out_message()
    assert plan.project.broken == {}
    settings = json.loads(plan.slices.figure("both"))
    assert list(settings["sweeps"]) == ["small"]
    claims = json.loads(plan.slices.claims("both"))
    assert claims["left_out"] == {"given": f"{path} is missing"}
    assert not [name for name in plan.all_files() if "alone" in name]


def test_with_its_file_it_is_shown(planned, tmp_path):
    before = planned().slices.figure("small_figure")
    put(tmp_path, "data/mine/one.npy", planned.original.read_bytes())
    plan = planned()
    assert (plan.skipped, plan.left_out_message()) == ([], "")
    assert set(json.loads(plan.slices.figure("both"))["sweeps"]) == {"small", "given"}
    assert "left_out" not in json.loads(plan.slices.claims("both"))
    assert plan.slices.figure("small_figure") == before


def test_a_file_with_another_checksum_is_named_and_not_used(planned, tmp_path):
    path = put(tmp_path, "data/mine/one.npy", planned.original.read_bytes() + b"x")
    plan = planned()
    assert (
        f"Left out: given. {path} is not the file that was released (its SHA-256 differs)." in plan.left_out_message()
    )
    assert list(json.loads(plan.slices.figure("both"))["sweeps"]) == ["small"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"a.pt": {"url": "http://example.org", "sha256": "0" * 64}}, "a.pt.url is 'http://example.org'"),
        ({"a.pt": {"url": "https://example.org", "sha256": "0" * 63}}, "a.pt.sha256 is '000"),
        ({"a.pt": {"url": "https://example.org"}}, "a.pt.sha256: missing key"),
        ({"a.pt": {"url": "https://example.org", "sha256": "0" * 64, "md5": ""}}, "a.pt.md5: unknown key"),
        ({"~a.pt": {"url": "https://example.org", "sha256": "0" * 64}}, "'~a.pt' is not a valid name of a file"),
        ({"a.pt": "https://example.org"}, "a.pt is 'https://example.org'"),
    ],
)
def test_a_wrong_data_yaml_is_named(planned, block, message):
    (planned.paper.folder / "data.yaml").write_text(yaml.safe_dump(block), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        planned()
    assert any("data.yaml" in text and message in text for text in error.value.messages), error.value.messages


# -- the files of Razin & Cohen 2020 ------------------------------------------------------------------

THEIRS = read_yaml(PAPER / "data.yaml")


def theirs(name: str) -> Path:
    """Return one of their files from this checkout's data folder; without it, skip."""
    path = REPOSITORY / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is missing: snakemake --cores 1 released")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == THEIRS[name]["sha256"]
    return path


@pytest.mark.parametrize("name", [name for name in THEIRS if "/tensor_rank" in name])
def test_the_released_tensors(name):
    rank, order = int(name.split("_rank_")[1][0]), int(name.split("_order_")[1][0])
    found = target_files.read(theirs(name), [8] * order)
    target_files.check_statements(found, {"target_rank": rank, "target_norm": 1.0})
    assert sorted(found.order) == list(range(8**order))


@pytest.mark.parametrize("name", [name for name in THEIRS if "/completion_2x2" in name])
def test_the_released_matrices_are_the_observations_of_our_sweeps(name):
    stored = torch.load(theirs(name), weights_only=True)
    sweeps = read_yaml(PAPER / "sweeps.yaml")
    perturbed = "perturbed" in name
    ours = sweeps["det_sign_perturbed"]["axes"]["observed"] if perturbed else [sweeps["det_sign"]["fixed"]["observed"]]
    rows = [[*np.argwhere(a.numpy())[0].tolist(), y.item()] for a, y in zip(stored["A"], stored["y"], strict=True)]
    assert stored["A"].abs().sum() == len(rows)
    assert rows in np.float32(ours).tolist()
