"""The proof of the GPU path, as far as a CPU can show it: verdicts, reports, the runner, and products in split form."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from greedyrank import storage
from greedyrank.benchmarks import device_parity
from greedyrank.benchmarks.gpu_proof import (
    exactness,
    floors,
    image_jobs,
    image_steps,
    problems,
    products,
    report,
    rounding,
    runner,
    table,
    unit_tests,
)
from greedyrank.data import images
from greedyrank.data.images import PIXELS
from greedyrank.kernels import image_bits
from greedyrank.training import job
from greedyrank.training.loop import Training

REPOSITORY = Path(__file__).parents[2]


# -- products in split form ---------------------------------------------------------------------------


def numbers(*shape):
    """Return float32 numbers of many sizes and both signs, zero among them."""
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal(shape) * 10.0 ** rng.integers(-20, 20, shape)
    drawn.flat[0] = 0
    return torch.tensor(drawn, dtype=torch.float32)


def test_three_parts_are_a_float32_number():
    values = numbers(300, 40)
    parts = image_bits.split(values)
    assert {part.dtype for part in parts} == {torch.bfloat16}
    assert torch.equal(sum(part.double() for part in parts), values.double())
    assert (parts[0].abs() >= parts[1].abs()).all()


@pytest.fixture
def batches():
    """A minibatch in split form, and the same in float64."""
    bits = torch.tensor(np.random.default_rng(1).integers(0, 2, (50, PIXELS)))
    return image_bits.SplitBatch(bits.bfloat16()), image_bits.FloatBatch(bits.double())


def test_split_products_are_those_of_float64(batches):
    split, exact = batches
    rng = np.random.default_rng(2)
    zero, one = torch.tensor(rng.standard_normal((2, PIXELS, 6)), dtype=torch.float32)
    values = torch.tensor(rng.standard_normal((50, 6)), dtype=torch.float32)
    found = split.sums_over_pixels(zero, one)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), exact.sums_over_pixels(zero.double(), one.double()), rtol=0, atol=1e-4)
    sums = zip(split.sums_over_images(values), exact.sums_over_images(values.double()), strict=True)
    for ours, theirs in sums:
        torch.testing.assert_close(ours.double(), theirs, rtol=0, atol=1e-5)


def test_split_products_count_signs_exactly(batches):
    split, exact = batches
    zero, one = torch.tensor(np.random.default_rng(3).standard_normal((2, PIXELS, 9)), dtype=torch.float32)
    ours, theirs = torch.full((50, 9), 1.5), torch.full((50, 9), 1.5, dtype=torch.float64)
    split.change_signs(zero, one, ours)
    exact.change_signs(zero, one, theirs)
    assert torch.equal(ours.double(), theirs)
    assert len(ours.unique()) == 2


def test_images_on_a_cpu_are_never_split(monkeypatch):
    monkeypatch.setattr(image_bits, "SPLIT_ON_GPU", True)
    packed = np.zeros((3, 98), dtype=np.uint8)
    found = image_bits.images(packed, lambda array, exact=False: torch.as_tensor(array, dtype=torch.float32))
    assert not isinstance(found, image_bits.SplitImages)


def test_a_form_with_more_than_twice_the_error_is_not_accurate():
    errors, worse = ({"largest": 1e-6, "root_mean_square": size} for size in (1e-7, 2.1e-7))

    def rows(backward):
        return [
            {"direction": "sums over pixels", "forms": {"float32": errors, "split, one product": errors}},
            {"direction": "sums over images", "forms": {"float32": errors, "split, three products": backward}},
        ]

    assert products.step_is_accurate(rows(errors))
    assert not products.step_is_accurate(rows(worse))


# -- verdicts on two devices --------------------------------------------------------------------------


def growing(start, records=12):
    return start * 3.0 ** np.arange(records)


@pytest.mark.parametrize(("start", "passed"), [(0.0, True), (1e-7, True), (5e-6, True), (5e-5, False), (np.inf, False)])
def test_a_device_may_be_a_hundred_times_as_far_as_rounding_alone(start, passed):
    found = rounding.verdict(growing(start), growing(1e-7), "float32")
    assert found["passed"] is passed


def test_what_follows_after_rounding_alone_parts_is_not_judged():
    alone, device = growing(1e-6), growing(1e-6)
    parts = int(np.argmax(alone > device_parity.tolerance("float32")))
    device[parts:] = 1.0
    found = rounding.verdict(device, alone, "float32")
    assert (found["passed"], found["device_parts"], found["rounding_parts"]) == (True, parts, parts)
    device[parts - 1] = 1.0
    assert not rounding.verdict(device, alone, "float32")["passed"]


def test_neighbours_differ_in_the_last_bit_alone():
    factors = ([np.array([1.0, -2.0, 3.5])], np.array([[0.1]]))
    moved = rounding.neighbours(factors, "float32", np.random.default_rng(0))
    for array, found in ((factors[0][0], moved[0][0]), (factors[1], moved[1])):
        assert found.dtype == np.float32
        assert (found != array.astype("float32")).all()
        np.testing.assert_allclose(found, array, rtol=2e-7)


def test_a_device_that_computes_something_else_does_not_pass(monkeypatch):
    slice_ = device_parity.shortened(problems.small("cp", "gd", "float32"), 40)
    load = problems.loader(slice_, REPOSITORY / "data")
    data = [load(run) for run in slice_.runs]
    assert all(row["passed"] for row in rounding.compare(slice_, data, "cpu")["invariants"].values())
    make, made = job.make_stepper, []

    def wrong(*args):
        stepper = make(*args)
        made.append(stepper)
        if len(made) == 2:  # that of the device
            stepper.set_rate_factors(np.full(len(args[1]), 1.001))
        return stepper

    monkeypatch.setattr(job, "make_stepper", wrong)
    assert not all(row["passed"] for row in rounding.compare(slice_, data, "cpu")["invariants"].values())


def test_a_resumed_job_is_the_undisturbed_one_and_another_is_told(tmp_path):
    slice_ = exactness.short_slice("cp", 50)
    load = problems.loader(slice_, REPOSITORY / "data")
    data = [load(run) for run in slice_.runs]
    undisturbed = Training(slice_, job.make_stepper(slice_, data, "cpu")).run()
    found = exactness.resumed(slice_, data, "cpu", tmp_path)
    assert exactness.same(found, undisturbed) == []
    found["loss"][0, -1] = np.nextafter(found["loss"][0, -1], 1)
    del found["norm" if "norm" in found else "component_norm"]
    assert len(exactness.same(found, undisturbed)) == 2


# -- floors ---------------------------------------------------------------------------------------------


def test_kernels_are_counted_with_their_operations_and_bytes():
    left, right, out = torch.ones(2, 3, 4), torch.ones(2, 4, 5), torch.ones(2, 3, 5)

    def step():
        out.baddbmm_(left, right)
        out.mT[0].unsqueeze(0)
        out.add_(1)

    kernels = floors.count(step)
    assert [(kernel.name, kernel.operations) for kernel in kernels] == [("baddbmm_", 2 * 2 * 3 * 4 * 5), ("add_", 0)]
    assert kernels[1].bytes == 2 * out.numel() * 4
    card = floors.Card({"float32": 1.0}, bandwidth=1e3, kernel=0.5, product=1.0, call=100.0)
    assert floors.seconds(kernels, card, captured=True) == pytest.approx(240 + 0.5)
    assert floors.seconds(kernels, card, captured=False) == pytest.approx(240.5)
    assert floors.seconds(kernels[1:], card, captured=False) == 100.0


# -- the runner -----------------------------------------------------------------------------------------

SCRIPT = """
import subprocess, sys, time
from pathlib import Path
from greedyrank.benchmarks.gpu_proof import report
out, name = Path(sys.argv[1]), sys.argv[sys.argv.index("--part") + 1]
made = report.Report(out / f"{name}.json", name, "cpu")
if name == "hangs":
    child = subprocess.Popen(["sleep", "600"])
    made.append("rows", {"child": child.pid})
    time.sleep(600)
if name == "dies":
    print("its last words")
    sys.exit(3)
made.check("it works", True, "yes")
made.finish()
"""


def is_alive(process):
    path = Path(f"/proc/{process}/stat")
    return path.exists() and path.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


def test_parts_that_hang_or_die_are_told_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    # The one that hangs has time to begin on a busy machine; the others end by themselves.
    limits = {"hangs": 8.0, "dies": 60.0, "works": 60.0, "late": 2.0}
    parts = [runner.Part(name, name, seconds, seconds) for name, seconds in limits.items()]
    monkeypatch.setattr(runner, "GROUPS", ((parts[0], parts[1]), (parts[2],), (parts[3],)))
    monkeypatch.setattr(runner, "PARTS", {part.name: part for part in parts})
    monkeypatch.setattr(runner, "GRACE", 2.0)
    monkeypatch.setattr(runner, "LEAST", 0.5)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "workflow"))
    script = tmp_path / "part.py"
    script.write_text(SCRIPT, encoding="utf-8")
    names = ["hangs", "dies", "works"]
    found = runner.run(tmp_path / "out", "cpu", True, 300.0, script, names)
    assert [(content["part"], content["status"]) for content in found] == [
        ("hangs", "timed out"), ("dies", "failed"), ("works", "passed"),
    ]  # fmt: skip
    written = {name: json.loads((tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8")) for name in names}
    assert written["hangs"]["status"] == "timed out"
    assert not is_alive(written["hangs"]["rows"][0]["child"])
    assert "its last words" in runner.summary(found)
    assert runner.has_failed(found)
    assert not runner.has_failed(found[2:])
    late = runner.run(tmp_path / "out", "cpu", True, 0.1, script, ["late"])
    assert [(content["status"], content["summary"]) for content in late] == [("not run", "no time left")]
    assert not runner.has_failed(late)


WITHOUT_TORCH = """
import sys, time
from pathlib import Path

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Without())
from greedyrank.benchmarks.gpu_proof import report, runner
for name in runner.PARTS:
    runner.run_part(name, report.Options(Path(sys.argv[1]), "cpu", True, time.monotonic() + 9))
"""


def test_parts_say_what_is_missing_and_do_not_fail(tmp_path):
    words = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)]
    environment = {"PYTHONPATH": str(REPOSITORY / "workflow"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(words, env=environment, cwd=REPOSITORY, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    for name in runner.PARTS:
        content = report.read(tmp_path / f"{name}.json")
        assert content["status"] == "not run"
        assert "torch" in content["summary"]


def test_an_error_in_a_part_is_a_failure_with_its_traceback(tmp_path, monkeypatch):
    def fails(*_):
        raise ValueError("something wrong")

    monkeypatch.setattr(rounding, "run", fails)
    runner.run_part("devices", report.Options(tmp_path, "cpu", True, time.monotonic() + 9))
    content = report.read(tmp_path / "devices.json")
    assert (content["status"], content["summary"]) == ("failed", "ValueError: something wrong")
    assert "in fails" in "\n".join(content["log"])


def test_a_part_passes_where_something_was_tried_and_nothing_failed(tmp_path):
    for verdicts, status in (([True, None], "passed"), ([None, None], "not run"), ([True, False, None], "failed")):
        made = report.Report(tmp_path / "one.json", "one", "cpu")
        for passed in verdicts:
            if passed is None:
                made.not_run("a", "no GPU")
            else:
                made.check("a", passed, "detail")
        made.finish()
        assert report.read(tmp_path / "one.json")["status"] == status


# -- what the parts read and write -----------------------------------------------------------------------


def test_outcomes_of_tests_are_counted(tmp_path):
    (tmp_path / "test_one.py").write_text(
        "import pytest\n"
        "def test_a(): pass\n"
        "def test_b(): assert 1 == 2\n"
        "@pytest.mark.skip(reason='no')\n"
        "def test_c(): pass\n",
        encoding="utf-8",
    )
    results = tmp_path / "results.xml"
    subprocess.run(unit_tests.command([tmp_path / "test_one.py"], results), capture_output=True, cwd=tmp_path)
    counts, failures = unit_tests.outcomes(results)
    assert counts == {"passed": 1, "failed": 1, "skipped": 1}
    assert failures[0]["test"].endswith("::test_b")
    assert "assert 1 == 2" in "\n".join(failures[0]["lines"])


def test_images_are_made_up_where_there_are_none(tmp_path):
    with problems.image_data(tmp_path / "none", 20, 10) as source:
        assert source == "made-up images of MNIST's sizes"
        found = images.load(tmp_path / "none", "mnist")
    assert [part[0].shape for part in found.values()] == [(20, 28, 28), (10, 28, 28)]
    with pytest.raises(storage.CorruptFile):
        images.load(tmp_path / "none", "mnist")


def test_the_image_figure_has_curves_of_all_batches_at_equal_epochs(tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    runner.run_part("image", report.Options(tmp_path, "cpu", True, time.monotonic() + 9))
    content = report.read(tmp_path / "image.json")
    assert content["status"] == "passed", content
    with np.load(tmp_path / "image.npz") as curves:
        for name in ("original", "random", "shuffled", "independent"):
            assert curves[f"{name}_loss"].shape == (len(curves["original_epoch"]), len(curves[f"{name}_label"]))
            assert curves[f"{name}_loss"].min() > 0
        assert set(curves["original_label"]) == set(range(10))
        assert curves["original_random_labels"].sum() > 0
    assert content["hours_of_the_whole_figure"] > 0


def test_the_published_figure_has_all_ranks_labels_and_controls(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    batches = image_jobs.slices(smoke=False)
    assert batches.keys() == {"original", "random", "shuffled", "independent"}
    for name, slice_ in batches.items():
        runs = slice_.runs
        kinds = {"original", "random"} if name == "original" else {"original"}
        ranks = range(1, 16) if name in ("original", "random") else [1]
        assert {(run["tensor_rank"], run["label"], run["labels"]) for run in runs} == {
            (rank, label, kind) for rank in ranks for label in range(10) for kind in kinds
        }
        assert {run["stop"]["max_epochs"] for run in runs} == {10000 if len(ranks) > 1 else 1000}
    columns = [sum(run["tensor_rank"] for run in group.runs) for group in image_steps.groups(batches["original"])]
    assert columns == [2400, 1200, 120, 15]


def test_the_table_has_predictions_and_outcomes_of_a_gpu_alone(tmp_path):
    def outcomes():
        rows = [line.split(" | ") for line in table.markdown(tmp_path).splitlines()[2 : 2 + len(table.ROWS)]]
        return {row[0].removeprefix("| "): row[2].removesuffix(" |") for row in rows}

    assert set(outcomes().values()) == {table.NOT_YET}
    content = {"part": "machine", "status": "passed", "summary": "", "bandwidth": 1.5e12, "product_rates": {}}
    report.write(tmp_path / "machine.json", content | {"device": "cpu"})
    assert set(outcomes().values()) == {table.NOT_YET}
    report.write(tmp_path / "machine.json", content | {"device": "cuda"})
    assert outcomes()["copy, read and written"] == "1.5 TB/s (0.5 times)"
    assert outcomes()["products, int8"] == "not run"


def test_the_note_has_every_prediction():
    note = (REPOSITORY / "docs/gpu.md").read_text(encoding="utf-8")
    for row in table.markdown(Path("nowhere")).splitlines():
        assert row.removesuffix(f"{table.NOT_YET} |") in note
