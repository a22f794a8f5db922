"""The tensor-rank figures: their statistics against loops over runs, and what they draw."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from greedyrank.figures import saving
from greedyrank.spectra.selection import select
from razin_2021 import common
from razin_2021.image_rank import draw as by_rank
from razin_2021.image_rank import statistics as image_rank
from razin_2021.image_rank_labels import draw as by_label
from razin_2021.image_rank_labels import statistics as image_rank_labels

PAPERS = Path(__file__).parents[2] / "workflow" / "papers"
RANKS = (1, 4, 15)
LABELS = {"original": range(10), "shuffled": range(10), "independent": (6, 3), "random_images": (3, 6, 9)}
LABELS["random_labels"] = (9, 0, 3)
STEPS = [12, 24, 36]  # of 12 an epoch; the last records of some runs are missing


@pytest.fixture(scope="module")
def runs():
    """A sweep in an order of its own, with two records or three a run."""
    rng = np.random.default_rng(4)
    settings = [
        (dataset, *common.VARIANTS[name], rank, label)
        for dataset in ("mnist", "fashion_mnist")
        for name, labels in LABELS.items()
        for rank in RANKS
        for label in labels
    ]
    rng.shuffle(settings)
    names = ("dataset", "images", "labels", "tensor_rank", "label")
    columns = {name: ("run", [run[i] for run in settings]) for i, name in enumerate(names)}
    columns["tensor_rank"], columns["label"] = (
        ("run", np.array(columns[name][1], dtype=int)) for name in ("tensor_rank", "label")
    )
    columns |= {name: ("run", np.full(len(settings), size)) for name, size in (("train_size", 60), ("batch_size", 5))}
    shape = (len(settings), len(STEPS))
    step = np.tile(STEPS, (len(settings), 1))
    step[::7, 2] = -1
    measured = {"step": step, **{name: rng.uniform(0.005, 0.09, shape) for name in ("train_error", "test_error")}}
    for name in ("train_variance", "test_variance"):
        measured[name] = np.full(shape, 0.09)
    for name in ("test_accuracy", "test_class_accuracy"):
        measured[name] = rng.uniform(0.5, 1, shape)
    made = xr.Dataset({name: (("run", "record"), values) for name, values in measured.items()}, coords=columns)
    linear = {name: rng.uniform(0.03, 0.05, len(settings)) for name in ("train_error", "test_error")}
    linear |= {name: rng.uniform(0.5, 1, len(settings)) for name in ("test_accuracy", "test_class_accuracy")}
    return made.assign({f"linear_{name}": ("run", values) for name, values in linear.items()})


def at_end(runs, variable, dataset, name, rank):
    """Return a variable of each label of one variant at its last record."""
    return {
        label: value if np.ndim(value) == 0 else value[-1]
        for label, value in recorded(runs, variable, dataset, name, rank).items()
    }


def recorded(runs, variable, dataset, name, rank):
    """Return all recorded values of a variable, of each label of one variant."""
    wanted = (dataset, *common.VARIANTS[name], rank)
    places = zip(*(runs[key].values for key in ("dataset", "images", "labels", "tensor_rank")), strict=True)
    found = {}
    for index, place in enumerate(places):
        if place == wanted:
            value = runs[variable].values[index]
            found[runs.label.values[index]] = value if value.ndim == 0 else value[runs.step.values[index] >= 0]
    return found


ORDER = [(dataset, rank) for dataset in ("fashion_mnist", "mnist") for rank in RANKS]


def of_originals(runs):
    return common.variant(runs, "original")


@pytest.mark.parametrize(("fitted", "against"), [("original", "random_images"), ("random_labels", "random_images")])
def test_ratio_of_means_over_shared_labels_at_equal_epochs(runs, fitted, against):
    expected, ends = [], set()
    for dataset, rank in ORDER:
        one, other = (recorded(runs, "train_error", dataset, name, rank) for name in (fitted, against))
        shared = set(one) & set(other)
        epoch = min(len(errors[label]) for errors in (one, other) for label in shared) - 1
        expected.append(sum(one[label][epoch] for label in shared) / sum(other[label][epoch] for label in shared))
        ends.add(epoch)
    assert len(ends) == 2
    np.testing.assert_allclose(image_rank.train_ratio(runs, fitted=fitted, against=against), expected, rtol=1e-12)


def test_mean_of_ratios_over_ranks(runs):
    ratios = image_rank.train_ratio(runs, fitted="shuffled", against="original").reshape(2, len(RANKS))
    found = image_rank.mean_train_ratio(runs, fitted="shuffled", against="original")
    np.testing.assert_allclose(found, ratios.prod(axis=1) ** (1 / len(RANKS)), rtol=1e-12)


def test_no_shared_label_gives_no_number(runs):
    apart = runs.isel(run=np.flatnonzero((runs["images"] != "independent") ^ (runs.label == 3)))
    found = image_rank.train_ratio(apart, fitted="independent", against="random_images")
    assert np.isnan(found).all()


def test_ratio_of_each_label(runs):
    expected = []
    for dataset, rank in ORDER:
        one, other = (recorded(runs, "train_error", dataset, name, rank) for name in ("independent", "original"))
        for label in sorted(one):
            epoch = min(len(one[label]), len(other[label])) - 1
            expected.append(one[label][epoch] / other[label][epoch])
    found = image_rank_labels.label_ratio(runs, fitted="independent", against="original")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("part", ["train", "test"])
def test_errors_and_accuracies_over_those_of_least_squares(runs, part):
    def mean(variable, place):
        return np.mean([*at_end(runs, variable, place[0], "original", place[1]).values()])

    ratios = [mean(f"{part}_error", place) / mean(f"linear_{part}_error", place) for place in ORDER]
    np.testing.assert_allclose(image_rank.over_linear(of_originals(runs), part=part), ratios, rtol=1e-12)
    kind = {"train": "test", "test": "test_class"}[part]
    gains = [mean(f"{kind}_accuracy", place) - mean(f"linear_{kind}_accuracy", place) for place in ORDER]
    np.testing.assert_allclose(image_rank.accuracy_gain(of_originals(runs), kind=kind), gains, rtol=1e-10)


def test_an_accuracy_that_is_missing_gives_no_number(runs):
    spoilt = of_originals(runs).copy(deep=True)
    spoilt["test_class_accuracy"][0] = np.nan
    missing = np.isnan(image_rank.accuracy_gain(spoilt, kind="test_class"))
    assert missing.sum() == 1


def test_explained_on_test(runs):
    expected = []
    for dataset in ("fashion_mnist", "mnist"):
        means = {
            part: np.mean([v for rank in RANKS for v in at_end(runs, part, dataset, "original", rank).values()])
            for part in ("train_error", "test_error")
        }
        expected.append((1 - means["test_error"] / 0.09) / (1 - means["train_error"] / 0.09))
    np.testing.assert_allclose(image_rank.explained_on_test(of_originals(runs)), expected, rtol=1e-12)


def test_spread_over_labels(runs):
    errors = [[*at_end(runs, "train_error", dataset, "original", rank).values()] for dataset, rank in ORDER]
    found = image_rank_labels.relative_spread(of_originals(runs))
    np.testing.assert_allclose(found, [np.std(e) / np.mean(e) for e in errors], rtol=1e-12)
    found = image_rank_labels.hardest_over_easiest(of_originals(runs))
    np.testing.assert_allclose(found, [max(e) / min(e) for e in errors], rtol=1e-12)


def test_distance_from_the_published_means(runs):
    chosen = of_originals(runs).isel(run=np.flatnonzero(of_originals(runs).tensor_rank == 4))
    published = {"mnist": 0.02, "fashion_mnist": 0.06}
    expected = [
        abs(np.mean([*at_end(runs, "train_error", dataset, "original", 4).values()]) / published[dataset] - 1)
        for dataset in ("fashion_mnist", "mnist")
    ]
    np.testing.assert_allclose(image_rank_labels.off_published(chosen, **published), expected, rtol=1e-12)


def needed(runs, dataset, name, label, error):
    """Return the smallest rank that reached an error, by trying each."""
    for rank in RANKS:
        errors = at_end(runs, "train_error", dataset, name, rank)
        if label in errors and errors[label] <= error:
            return rank
    return np.inf


@pytest.mark.parametrize("error", [0.01, 0.04, 0.08])
def test_labels_that_need_fewer_components(runs, error):
    expected = []
    for dataset in ("fashion_mnist", "mnist"):
        lower = [
            needed(runs, dataset, "original", label, error) < needed(runs, dataset, "random_images", label, error)
            for label in LABELS["random_images"]
        ]
        expected.append(np.mean(lower))
    settings = {"error": error, "fitted": "original", "against": "random_images"}
    np.testing.assert_allclose(image_rank_labels.fewer_components(runs, **settings), expected)
    lacks = (runs.dataset == "fashion_mnist") & (runs["images"] == "random")
    partial = runs.isel(run=np.flatnonzero(~lacks))
    np.testing.assert_allclose(image_rank_labels.fewer_components(partial, **settings), expected[1:])


# -- figures ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published():
    return yaml.safe_load((PAPERS / "razin_2021" / "image_rank" / "published.yaml").read_text(encoding="utf-8"))


def points(table, panel, series):
    chosen = table[(table.panel == panel) & (table.series == series)]
    return dict(zip(chosen.x, chosen.y, strict=True))


@pytest.mark.usefixtures("matplotlib_as_in_jobs")
def test_errors_and_shares_by_rank_are_those_of_the_runs(runs, published, tmp_path):
    canvas = by_rank.draw({"image_rank": runs}, published)
    table = canvas.table()
    saving.save(canvas, {"png": tmp_path / "figure.png"}, {})
    for column, dataset in enumerate(("mnist", "fashion_mnist")):
        for name, described in common.VARIANT_NAMES.items():
            for row, part in enumerate(("train", "test")):
                panel = "abcdef"[2 * row + column]
                found = points(table, panel, f"{described}, {part}")
                for rank in RANKS:
                    errors = [*at_end(runs, f"{part}_error", dataset, name, rank).values()]
                    assert found[rank] == pytest.approx(np.mean(errors), rel=1e-12)
                theirs = published[dataset].get(name, {}).get(part, [])
                assert [*points(table, panel, f"{described}, {part}, published").values()] == theirs
            for kind, told in (("test", "one against the rest"), ("test_class", "ten classes")):
                found = points(table, "ef"[column], f"{described}, {told}")
                for rank in RANKS:
                    right = [*at_end(runs, f"{kind}_accuracy", dataset, name, rank).values()]
                    assert found[rank] == pytest.approx(1 - np.mean(right), rel=1e-9)
    constant = points(table, "e", "constant, one against the rest")
    assert [*constant.values()] == pytest.approx([0.1, 0.1])
    assert "independent pixels: labels 3, 6 only" in canvas.remarks


@pytest.mark.usefixtures("matplotlib_as_in_jobs")
def test_table_of_labels_is_that_of_the_runs(runs, published, tmp_path):
    errors = [0.08, 0.02, 0.001]
    canvas = by_label.draw({"image_rank": runs}, published, errors=errors)
    table = canvas.table()
    saving.save(canvas, {"png": tmp_path / "figure.png"}, {})
    for panel, dataset in (("c", "mnist"), ("d", "fashion_mnist")):
        for label, name in enumerate(by_label.CLASSES[dataset]):
            found = points(table, panel, f"original, smallest rank for an error, {name}")
            assert found == {error: needed(runs, dataset, "original", label, error) for error in errors}
    assert np.isinf(table.y).any()
    assert canvas.panels[2].get_title(loc="left") == "(c) MNIST, smallest rank"
    assert canvas.panels[2].get_xlabel() == "training error to reach\n(ranks 1, 4, 15)"
    # The only label that all variants have.
    assert "rank 15, label 3" in canvas.panels[0].get_legend_handles_labels()[1]
    for name in common.VARIANT_NAMES:
        found = points(table, "b", f"{common.VARIANT_NAMES[name]}, rank 15")
        images, labels = common.VARIANTS[name]
        wanted = {"dataset": "fashion_mnist", "images": images, "labels": labels, "tensor_rank": 15, "label": 3}
        run = select(runs, wanted).isel(run=0)
        assert [*found] == [1, 2, 3][: (run.step >= 0).sum().item()]
        assert [*found.values()] == pytest.approx(run.train_error.values[: len(found)])


def test_shuffled_images_stand_beside_the_original_ones_of_their_labels(runs, published):
    fewer = runs.isel(run=np.flatnonzero((runs["images"] != "shuffled") | np.isin(runs.label, (2, 8))))
    table = by_rank.draw({"image_rank": fewer}, published).table()
    assert "original, labels 2, 8, test" not in set(by_rank.draw({"image_rank": runs}, published).table().series)
    for panel, dataset in (("c", "mnist"), ("d", "fashion_mnist")):
        for series, name in (("original, labels 2, 8, test", "original"), ("shuffled pixels, test", "shuffled")):
            found = points(table, panel, series)
            for rank in RANKS:
                errors = at_end(runs, "test_error", dataset, name, rank)
                assert found[rank] == pytest.approx((errors[2] + errors[8]) / 2)


def test_a_variant_that_one_data_set_lacks_is_told(runs, published):
    lacks = (runs.dataset == "fashion_mnist") & (runs["images"] == "random")
    partial = runs.isel(run=np.flatnonzero(~lacks))
    for draw in (by_rank.draw, by_label.draw):
        assert "Fashion-MNIST: no random images" in draw({"image_rank": partial}, published).remarks
        assert not [told for told in draw({"image_rank": runs}, published).remarks if "no random images" in told]
    table = by_rank.draw({"image_rank": partial}, published).table()
    assert not points(table, "b", "random images, train")
    assert points(table, "b", "random images, train, published")
