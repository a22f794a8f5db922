"""MovieLens 100K: the file, its download, the figure that is skipped without it, and the problem."""

import copy
import gzip
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from matplotlib import pyplot as plt

import synthetic
from arora_2019.dmf_movielens import draw as dmf_movielens
from greedyrank.claims import judging
from greedyrank.config import ratings_file
from greedyrank.config.settings import problems
from greedyrank.config.sweep_loader import load_sweep
from greedyrank.config.sweeps import Slice
from greedyrank.config.yaml_input import ConfigError, read_yaml
from greedyrank.data import ratings as movielens
from greedyrank.figures import style
from greedyrank.measures import ratings
from greedyrank.plan import graph
from greedyrank.problems import movielens as problem
from greedyrank.spectra import extraction
from greedyrank.training import job

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT / "workflow/papers/arora_2019"
TABLE = synthetic.ratings()
STATISTICS = judging.statistics_of(PAPER, "dmf_movielens")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data folder with synthetic ratings of the published sizes."""
    data_dir = tmp_path_factory.mktemp("data")
    synthetic.write_ratings(data_dir)
    return data_dir


# -- the file ---------------------------------------------------------------------------------------


def test_sizes_stand_once():
    field = problems.MovieLens.model_fields["shape"]
    assert field.default == [movielens.MOVIES, movielens.USERS]
    assert problems.MovieLens.files == (movielens.FILE,)


def test_read(folder):
    movies, users, ratings = movielens.read(folder / movielens.FILE)
    np.testing.assert_array_equal(np.column_stack([users + 1, movies + 1, ratings]), TABLE[:, :3])


def changed(row, column, value):
    table = TABLE.astype(object)
    table[row, column] = value
    return "\n".join("\t".join(map(str, line)) for line in table)


BAD = {
    "empty": (lambda: "", "has 0 rows; expected 100000 rows of user, movie, rating and time, separated by tabs"),
    "short": (lambda: synthetic.text(TABLE[1:]), "has 99999 rows; expected 100000 rows"),
    "columns": (lambda: "\n".join("1\t2\t3" for _ in TABLE), "has 3 columns; expected 100000 rows of user"),
    "commas": (lambda: synthetic.text(TABLE).replace("\t", ","), "cannot be read"),
    "text": (lambda: changed(70_000, 2, "good"), "cannot be read"),
    "ragged": (lambda: synthetic.text(TABLE)[:-1] + "\t5", "cannot be read"),
    "user": (lambda: changed(41, 0, 944), "row 42: the user is 944; expected a whole number from 1 to 943"),
    "movie": (lambda: changed(41, 1, 0), "row 42: the movie is 0; expected a whole number from 1 to 1682"),
    "rating": (lambda: changed(41, 2, 6), "row 42: the rating is 6; expected a whole number from 1 to 5"),
    "half": (lambda: changed(41, 2, "3.5"), "row 42: the rating is 3.5; expected a whole number from 1 to 5"),
    "missing": (lambda: changed(41, 2, "nan"), "row 42: the rating is nan; expected a whole number from 1 to 5"),
    "twice": (
        lambda: synthetic.text(np.vstack([TABLE[:-1], TABLE[:1]])),
        f"user {TABLE[0, 0]} rates movie {TABLE[0, 1]} twice",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_another_format_is_named(tmp_path, bad):
    content, expected = BAD[bad]
    path = tmp_path / "u.data"
    path.write_text(content(), encoding="utf-8")
    with pytest.raises(movielens.BadRatings) as error:
        movielens.read(path)
    assert str(error.value).startswith(str(path))
    assert expected in str(error.value)
    assert "expected" in str(error.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "u.data"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(movielens.BadRatings, match=f"{path} is not text; expected"):
        movielens.read(path)


# -- the download -----------------------------------------------------------------------------------

ARCHIVE = synthetic.archive(TABLE)


@pytest.fixture
def trusted(monkeypatch):
    monkeypatch.setattr(movielens, "CHECKSUM", hashlib.sha256(ARCHIVE).hexdigest())


def test_download_takes_u_data_alone(server, trusted, tmp_path):
    served, address = server
    (served / "ml-100k.zip").write_bytes(ARCHIVE)
    data_dir = tmp_path / "deep" / "data"
    movielens.fetch(data_dir, (f"{address}/gone.zip", f"{address}/ml-100k.zip", "http://127.0.0.1:1/never"))
    assert (data_dir / movielens.FILE).read_bytes() == synthetic.text(TABLE).encode()
    assert [path.name for path in data_dir.rglob("*") if path.is_file()] == ["u.data"]
    assert not list(tmp_path.rglob("escaped"))
    assert not Path("/tmp/greedyrank-escaped").exists()


def test_an_archive_with_another_checksum_is_refused(server, tmp_path):
    served, address = server
    (served / "ml-100k.zip").write_bytes(ARCHIVE)
    with pytest.raises(movielens.RatingsMissing) as error:
        movielens.fetch(tmp_path / "data", (f"{address}/ml-100k.zip", f"{address}/gone.zip"))
    message = str(error.value)
    assert str((tmp_path / "data" / movielens.FILE).resolve()) in message
    assert f"{hashlib.sha256(ARCHIVE).hexdigest()}, expected {movielens.CHECKSUM}" in message
    assert f"{address}/gone.zip: HTTP Error 404" in message
    assert not (tmp_path / "data").exists()


def test_an_address_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(movielens.RatingsMissing, match="http://127.0.0.1:1/x: .*refused"):
        movielens.fetch(tmp_path, ("http://127.0.0.1:1/x",))


def test_a_file_that_is_there_is_left_alone(folder):
    path = folder / movielens.FILE
    before = path.stat()
    movielens.fetch(folder, ())
    assert path.stat() == before


def test_a_wrong_file_that_is_there_is_named_and_kept(tmp_path):
    path = tmp_path / movielens.FILE
    path.parent.mkdir()
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(movielens.BadRatings, match=str(path)):
        movielens.fetch(tmp_path, ())
    assert path.read_text(encoding="utf-8") == "mine"


TEXT = synthetic.text(TABLE).encode()
BY_CONTENT = {
    "unpacked archive": ("ml-100k/u.data", TEXT),
    "archive": ("ml-100k.zip", ARCHIVE),
    "archive of any name": ("downloads/some file", ARCHIVE),
    "packed": ("movielens/u.data.gz", gzip.compress(TEXT)),
    "another name": ("movielens/ratings.tsv", TEXT),
    "upper case": ("MovieLens/U.DATA", TEXT),
    "ends of lines of Windows": ("ml-100k/u.data", TEXT.replace(b"\n", b"\r\n")),
}


@pytest.mark.parametrize("form", BY_CONTENT)
def test_ratings_are_found_by_what_they_hold(tmp_path, form):
    name, content = BY_CONTENT[form]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    assert ratings_file.find(tmp_path) == path
    movielens.fetch(tmp_path, ())
    movies, users, ratings = movielens.load(tmp_path)
    np.testing.assert_array_equal(np.column_stack([users + 1, movies + 1, ratings]), TABLE[:, :3])
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_bad_ratings_beside_good_ones_are_named_and_passed_over(tmp_path, caplog):
    bad = [tmp_path / movielens.FILE, tmp_path / "broken.zip"]
    bad[0].parent.mkdir()
    bad[0].write_bytes(TEXT[:-100])
    bad[1].write_bytes(ARCHIVE[:-100])
    with pytest.raises(movielens.BadRatings) as error:
        movielens.load(tmp_path)
    assert all(str(path) in str(error.value) for path in bad)
    (tmp_path / "ml-100k").mkdir()
    (tmp_path / "ml-100k" / "u.data").write_bytes(TEXT)
    movielens.load(tmp_path)
    assert all(f"passed over: {path}" in caplog.text for path in bad)


def test_a_file_that_only_looks_like_ratings_is_no_reason_not_to_download(server, trusted, tmp_path):
    served, address = server
    (served / "ml-100k.zip").write_bytes(ARCHIVE)
    other = TEXT.replace(TEXT.partition(b"\n")[0], b"1\t2\t9\t4", 1)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "other").write_bytes(other)
    movielens.fetch(tmp_path / "data", (f"{address}/ml-100k.zip",))
    assert (tmp_path / "data" / movielens.FILE).read_bytes() == TEXT
    assert (tmp_path / "data" / "other").read_bytes() == other


# -- skipped without the file -----------------------------------------------------------------------


def the_plan(**overrides):
    return graph.Plan({**read_yaml(ROOT / "config.yaml"), **overrides}, here=False)


def test_the_figure_is_skipped_without_the_file(tmp_path):
    plan = the_plan(data_dir=str(tmp_path))
    path = str(tmp_path / movielens.FILE)
    assert (plan.skipped, plan.missing) == (["dmf_movielens"], [path])
    assert not [name for name in plan.all_files() + plan.claims_files() if "movielens" in name]
    message = plan.skip_message()
    assert "\n" not in message
    for text in ("dmf_movielens", path, "snakemake --cores 1 movielens"):
        assert text in message
    # Asked for by name it is still planned, and waits for the file.
    assert plan.figure_files("dmf_movielens")


def test_the_figure_is_planned_with_an_archive_anywhere(tmp_path):
    (tmp_path / "some file").write_bytes(ARCHIVE)
    plan = the_plan(data_dir=str(tmp_path))
    assert plan.skipped == plan.missing == []
    assert plan.data_inputs(SimpleNamespace(sweep="dmf_movielens", instance="all")) == [str(tmp_path / "some file")]


def test_the_figure_is_planned_with_the_file(folder):
    plan = the_plan(data_dir=str(folder))
    assert plan.skipped == plan.missing == []
    assert set(plan.figure_files("dmf_movielens")) <= set(plan.all_files())
    assert f"{plan.results}/claims/dmf_movielens.json" in plan.claims_files()


# -- the problem ------------------------------------------------------------------------------------

SMALL = {
    "source": "none",
    "problem": "movielens",
    "factorization": "deep_matrix",
    "optimizer": "gd",
    "fixed": {
        "shape": [12, 9],
        "observations": 40,
        "identity_scale": 0.01,
        "depth": 1,
        "learning_rate": 2.0,
        "dtype": "float64",
        "stop": {"max_steps": 60},
        "record": {"every": 20},
    },
    "axes": {"data_seed": [0, 1]},
}


def resolve(fixed=None) -> Slice:
    sweep = copy.deepcopy(SMALL)
    sweep["fixed"] |= fixed or {}
    return load_sweep(sweep).whole


@pytest.fixture
def small(folder):
    """Two runs, their data, and how they train."""

    def make(**fixed):
        slice_ = resolve(fixed)
        runs = slice_.runs
        data = [problem.generate(run, folder) for run in runs]
        return runs, data, lambda: job.train(slice_, lambda run: problem.generate(run, folder), "cpu")

    return make


@pytest.mark.parametrize("shape", [[12, 9], [300, 200], [1682, 943]])
def test_the_most_active_are_kept_in_their_order(folder, shape):
    data = problem.generate({"shape": shape, "data_seed": 3}, folder)
    chosen = []
    for column, count in ((1, shape[0]), (0, shape[1])):
        names, sizes = np.unique(TABLE[:, column], return_counts=True)
        unrated = sorted({*range(1, (1682, 943)[column == 0] + 1)} - set(names))
        most = sorted(zip(-sizes, names, strict=True)) + [(0, name) for name in unrated]
        chosen.append(sorted(int(name) for _, name in most[:count]))
    expected = (
        {
            (chosen[0].index(movie), chosen[1].index(user)): rating
            for user, movie, rating, _ in TABLE.tolist()
            if movie in set(chosen[0]) and user in set(chosen[1])
        }
        if shape[0] < 1682
        else {(movie - 1, user - 1): rating for user, movie, rating, _ in TABLE.tolist()}
    )
    rows, columns = np.unravel_index(data["entries"], shape)
    assert (
        dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), data["values"].tolist(), strict=True)) == expected
    )
    assert len(data["entries"]) == len(expected)


def test_the_order_follows_the_data_seed(folder):
    first, again, other = (problem.generate({"shape": [12, 9], "data_seed": s}, folder)["entries"] for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert sorted(first) == sorted(other) != list(first)


def test_loss_is_the_mean_over_what_is_seen(small, place, relative):
    runs, data, _ = small(observations=50)
    made = problem.Problem(runs, data, place)
    w = torch.randn(2, 12, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    losses = []
    for matrix, arrays in zip(w, data, strict=True):
        entries, values = (torch.as_tensor(arrays[name][:50]) for name in ("entries", "values"))
        losses.append(((matrix.ravel()[entries] - values) ** 2).mean())
    torch.stack(losses).sum().backward()
    assert relative(made.loss_gradient(w.detach()), w.grad) <= 1e-12
    assert relative(made.losses(), torch.stack(losses).detach()) <= 1e-12


def test_what_is_recorded_of_a_matrix(small, place):
    runs, data, _ = small()
    made = problem.Problem(runs, data, place)
    w = np.random.default_rng(5).standard_normal((2, 12, 9))
    found = made.observables(None, place(w))
    for run, arrays in enumerate(data):
        spectrum = np.sqrt(np.linalg.eigvalsh(w[run].T @ w[run])[::-1])
        np.testing.assert_allclose(found["singular_value"][run], spectrum, rtol=1e-9)
        held_out = list(zip(arrays["entries"][40:], arrays["values"][40:], strict=True))
        errors = [(w[run][divmod(entry, 9)] - value) ** 2 for entry, value in held_out]
        assert found["test_error"][run] == pytest.approx(np.mean(errors), rel=1e-12)
        gradient = np.zeros((12, 9))
        for entry, value in zip(arrays["entries"][:40], arrays["values"][:40], strict=True):
            gradient[divmod(entry, 9)] = (w[run][divmod(entry, 9)] - value) / 40
        left, _, right = torch.linalg.svd(torch.as_tensor(w[run]), full_matrices=False)
        for suffix, turned in (("", left.numpy().T @ gradient @ right.numpy().T), ("_unit", gradient)):
            on = np.eye(*turned.shape, dtype=bool)
            assert found[f"alignment_diagonal{suffix}"][run] == pytest.approx(np.abs(turned[on]).mean(), rel=1e-9)
            assert found[f"alignment_other{suffix}"][run] == pytest.approx(np.abs(turned[~on]).mean(), rel=1e-9)


def test_depth_1_moves_each_seen_rating_by_itself(small):
    """W_ij(k) = y + (W_ij(0) - y) (1 - 2 lr / m)^k where it is seen; the rest stays where it was."""
    runs, data, train = small()
    found = train()
    assert "end_to_end" not in found
    for run, arrays in enumerate(data):
        for record, step in enumerate(found["step"][run]):
            w = (0.01 * np.eye(12, 9)).ravel()
            seen, values = arrays["entries"][:40], arrays["values"][:40]
            w[seen] = values + (w[seen] - values) * (1 - 2 * 2.0 / 40) ** step
            spectrum = np.linalg.svd(w.reshape(12, 9), compute_uv=False)
            np.testing.assert_allclose(found["singular_value"][run, record], spectrum, rtol=1e-9, atol=1e-12)
            error = np.mean((w[arrays["entries"][40:]] - arrays["values"][40:]) ** 2)
            assert found["test_error"][run, record] == pytest.approx(error, rel=1e-12)
    assert (np.ptp(found["test_error"], axis=1) == 0).all()


def test_a_part_with_too_few_ratings_is_named(small, place):
    runs, data, _ = small()
    count = len(data[0]["entries"])
    too_many = [{**run, "observations": count} for run in runs]
    with pytest.raises(problem.TooFewRatings, match=rf"shape \[12, 9\] leaves {count} ratings, and observations is"):
        problem.Problem(too_many, data, place)


def test_the_shape_is_a_coordinate():
    columns = extraction.settings_of(resolve().runs)
    assert columns["shape"].tolist() == ["12x9", "12x9"]


@pytest.mark.parametrize(
    ("fixed", "expected"),
    [
        ({"shape": [1683, 9]}, "shape is [1683, 9]; allowed: 1 to 1682 movies, then 1 to 943 users"),
        ({"shape": [12, 944]}, "shape is [12, 944]; allowed"),
        ({"shape": [12, 0]}, "shape is [12, 0]; allowed"),
        ({"growth": {"every": 5, "offsets": [0, 1]}}, "no `growth`"),
    ],
)
def test_settings_out_of_range_are_named(fixed, expected):
    with pytest.raises(ConfigError) as error:
        resolve(fixed)
    assert expected in str(error.value)


# -- the figure and its claims, on what was published -----------------------------------------------


def as_published(shape):
    """Return a measured sweep that is just as published: two data seeds at each depth."""
    records = 101
    depths = {1: (200_000, 68.3, 36.0, 13.73), 2: (40_000, 3350.0, 10.0, 1.4498), 3: (50_000, 3770.0, 0.01, 1.3976)}
    rows = []
    for depth, (steps, first, second, error) in depths.items():
        step = np.linspace(0, steps, records)
        rise = {1: step / steps, 2: step > 5400, 3: step > 8000}[depth].astype(float)
        values = np.outer(rise, [first, *[second] * 9])
        errors = 13.73 + (error - 13.73) * rise
        aligned = [np.full(records, value) for value in (7e-4, 1e-5, 2e-5, 1e-5)]
        rows += 2 * [(depth, step, values, errors, *aligned)]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    variables = ("step", "singular_value", "test_error", *ratings.NAMES[1:])
    axes = ("run", "record", "component")
    return xr.Dataset(
        {name: (axes[: array.ndim], array) for name, array in zip(variables, columns[1:], strict=True)},
        {
            "depth": ("run", columns[0]),
            "data_seed": ("run", [0, 1] * 3),
            "shape": ("run", [shape] * 6),
            "observations": ("run", [10_000] * 6),
        },
    )


def test_every_claim_holds_on_what_was_published_and_on_no_control():
    claims = the_plan(scale="paper").figures["dmf_movielens"].claims
    sweep = {"dmf_movielens": as_published("1682x943")}
    judged = [judging.judge(claim, sweep, STATISTICS) for claim in claims]
    assert {claim["id"]: claim["verdict"] for claim in judged if claim["verdict"] != judging.REPRODUCED} == {}


def test_published_numbers_are_not_checkable_at_another_size():
    claims = the_plan().figures["dmf_movielens"].claims
    sweep = {"dmf_movielens": as_published("300x200")}
    judged = [judging.judge(claim, sweep, STATISTICS) for claim in claims]
    assert {claim["id"] for claim in judged if claim["verdict"] == judging.REPRODUCED} == {
        "depth_helps",
        "no_gap_depth_1",
        "gap_depth_3",
        "aligned",
    }
    assert all(claim["verdict"] == claim["on_record"] for claim in judged)


@pytest.mark.parametrize(("shape", "marks"), [("1682x943", 8), ("300x200", 0)])
def test_published_values_stand_beside_the_published_size_alone(shape, marks):
    style.set_up()
    published = json.loads(json.dumps(the_plan().figures["dmf_movielens"].published))  # as a job gets them
    canvas = dmf_movielens.draw({"dmf_movielens": as_published(shape)}, published)
    assert canvas.table().series.str.startswith("published").sum() == marks
    assert any(shape in remark for remark in canvas.remarks)
    plt.close(canvas.figure)
