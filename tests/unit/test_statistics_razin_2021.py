"""For each claim of Razin et al. 2021: runs on which it holds, and runs on which it must fail."""

import numpy as np
import xarray as xr

from hand_made import holds, runs, table_test, untested

FIVE = [0.6, 0.5, 0.4, 0.3, 0.2, 1e-5, 1e-5, 0, 0, 0]
NONE = [0.0] * 10


def norms(*ends):
    """Return runs of two records, from nothing to these norms."""
    return {"component_norm": [[NONE, end] for end in ends]}


def with_sixth(value):
    return [*FIVE[:5], value, *FIVE[6:]]


def errors(*series, steps=None, **settings):
    """Return runs with these errors."""
    named = {} if steps is None else {"step": [steps] * len(series)}
    return runs(settings, relative_error=series, **named)


def growing(exponent=1.5, factor=4.0, gamma=1.0, learned=1):
    """Return a run in which ``learned`` components grow from 1e-6 by a law rate = factor gamma sigma^exponent."""
    sigma = np.geomspace(1e-6, 0.5, 60)
    return runs(
        {},
        growth_sigma=np.repeat(sigma[None, :, None], learned, axis=2),
        growth_gamma=np.full((1, 60, learned), gamma),
        growth_rate=np.repeat((factor * gamma * sigma**exponent)[None, :, None], learned, axis=2),
    )


def drifting(exponent=1.5, drift=0.3):
    """Return a run whose gamma falls as sigma^-drift, so that its rate alone has another exponent."""
    made = growing(exponent)
    gamma = made.growth_sigma**-drift
    return made.assign(growth_gamma=gamma, growth_rate=made.growth_rate * gamma)


def gaps(*rows, fourth=1.0):
    """Return runs at three inits, row by row a data seed: the gap between fifth and sixth norm at each init."""
    stds = [0.05, 0.01, 0.005][: len(rows[0])]
    ends = [[1.0, 0.9, 0.8, 0.5 * fourth**k, 0.5, 0.5 / gap, 0, 0, 0, 0] for row in rows for k, gap in enumerate(row)]
    settings = {"factor_std": stds * len(rows), "data_seed": np.repeat(range(len(rows)), len(stds))}
    return runs(settings, **norms(*ends))


def at_inits(made, *stds):
    return made.assign_coords(factor_std=("run", np.tile(stds, made.sizes["run"] // len(stds))))


def plateaus(*levels):
    """Return a run whose error is at these levels until the second, third, ... component leaves zero."""
    steps = len(levels) + 1
    sizes = np.array([[1.0 if k < row + 1 else 0.0 for k in range(10)] for row in range(steps)])
    return runs({}, component_norm=[sizes], relative_error=[[*levels, 0.0]])


def jumping(before, after, until=1000):
    """Return a run whose error is ``before`` up to a step, and ``after`` from then on, with a stop at step 3000."""
    steps = np.arange(0, 4001, 25)
    return runs({}, step=[steps], stop_step=[3000], relative_error=[np.where(steps <= until, before, after)])


def with_loss(made):
    return made.rename(relative_error="loss")


ONSET = {
    "component_norm": [[NONE, NONE, FIVE], [NONE, FIVE, FIVE], [NONE, NONE, NONE]],
}


def onset(*steps):
    """Return runs of which the first leaves zero at step 2 of these, the second at step 1, the third never."""
    return runs({}, step=[list(steps)] * 3, **ONSET)


def picture(series, **settings):
    """Return image runs at one epoch: ``series`` has (dataset, images, labels, rank, label, error) of each."""
    dataset, images, labels, rank, label, error = zip(*series, strict=True)
    columns = {"dataset": dataset, "images": images, "labels": labels, "tensor_rank": rank, "label": label}
    known = {"train_size": 60, "batch_size": 10, **columns, **settings}
    values = np.array(error)[:, None]
    return runs(known, train_error=values, step=np.full_like(values, 60, dtype=int))


def variants(fitted, against, *, others=("original", "original"), second=("random", "original"), rank=1):
    """Return two labels of two variants on MNIST, each variant with one error for both labels."""
    rows = [("mnist", *variant, rank, label, error) for label in (3, 6)
            for variant, error in ((others, fitted), (second, against))]  # fmt: skip
    return picture(rows)


def beside_linear(error, linear, part="train"):
    made = picture([("mnist", "original", "original", 1, label, error) for label in (3, 6)])
    values = {f"{part}_error": error, f"linear_{part}_error": linear}
    return made.assign({name: (("run", "record"), np.full((2, 1), value)) for name, value in values.items()})


def explained(test):
    made = picture([("mnist", "original", "original", 1, label, 0.02) for label in (3, 6)])
    values = {"test_error": test, "train_variance": 0.09, "test_variance": 0.09}
    return made.assign({name: (("run", "record"), np.full((2, 1), value)) for name, value in values.items()})


def accuracies(gain, kind="test"):
    made = picture([("mnist", "original", "original", 1, label, 0.02) for label in (3, 6)])
    values = {f"{kind}_accuracy": 0.9 + gain, f"linear_{kind}_accuracy": 0.9}
    return made.assign({name: (("run", "record"), np.full((2, 1), value)) for name, value in values.items()})


def ranks_needed(original, random):
    """Return errors of ranks 1 and 5 on original and random images, for two labels."""
    rows = [
        ("mnist", images, "original", rank, label, error)
        for label in (3, 6)
        for images, found in (("original", original), ("random", random))
        for rank, error in zip((1, 5), found, strict=True)
    ]
    return picture(rows)


def of_labels(*found, dataset="mnist"):
    return picture([(dataset, "original", "original", 1, label, error) for label, error in enumerate(found)])


def distances(*rows, stds=(0.1, 0.03, 0.01, 0.003), rates=(2e-4,)):
    """Return runs that reach the horizon, row by row a data seed, each value the largest distance of one run.

    The distance on the sphere is a tenth of it.
    """
    flat = [value for row in rows for value in row]
    settings = {
        "factor_std": np.tile(np.repeat(stds, len(rates)), len(rows)),
        "learning_rate": np.tile(np.tile(rates, len(stds)), len(rows)),
        "data_seed": np.repeat(range(len(rows)), len(stds) * len(rates)),
    }
    return runs(
        settings,
        rank_one_distance=[[np.nan, value / 10, value] for value in flat],
        trajectory_time=[[np.nan, 0.0, 1e9] for _ in flat],
    )


def from_sphere(*rows, stds=(1e-3, 1e-4)):
    """Return runs by their distance on the sphere."""
    made = distances(*rows, stds=stds)
    return made.assign(rank_one_distance=made.rank_one_distance * 10)


def second(*found):
    made = distances([1e-4] * len(found), stds=range(1, len(found) + 1))
    sizes = [[[1.0, 0.0], [1.0, value], [1.0, value]] for value in found]
    return made.assign(component_norm=(("run", "record", "component"), np.array(sizes)))


def short_of_horizon(made):
    return made.assign(trajectory_time=made.trajectory_time * 0)


GOOD_PLATEAUS, NO_PLATEAUS = plateaus(0.8, 0.5, 0.4, 0.25), plateaus(0.8, 0.8, 0.8, 0.8)
# The claim, or its control; runs on which it holds; runs on which it fails.
CASES = {
    "component_norms.five_components": (
        runs({}, **norms(FIVE, FIVE, with_sixth(0.1))),
        runs({}, **norms(with_sixth(0.02))),
    ),
    "component_norms.recovery": (errors([1, 3e-3], [1, 1.0], [1, 4e-3]), errors([1, 1e-4], [1, 2e-2], [1, 3e-2])),
    "component_norms.error_dips": (errors([1, 1e-5, 3e-3]), errors([1, 2e-3, 3e-3], [1, 1e-3, 1e-3])),
    "component_norms.lowest_error_7e-6": (errors([1, 8e-6, 3e-3]), errors([1, 3e-3, 3e-3], [1, 1e-4, 3e-3])),
    "component_norms.smaller_steps_lower_it": (jumping(1e-2, 1e-3, until=3200), jumping(1e-2, 9e-3, until=3200)),
    "component_norms.smaller_steps_lower_it.control": (
        jumping(1e-2, 1e-3, until=2000),
        jumping(1e-2, 9e-3, until=2000),
    ),
    "component_norms.error_init_5e-2": (errors([1, 0.08], [1, 0.05]), errors([1, 0.08], [1, 0.02])),
    "component_norms.sixth_norm_init_1e-2": (runs({}, **norms(with_sixth(0.03))), runs({}, **norms(FIVE))),
    "component_norms.first_onset_init_1e-2": (onset(0, 900, 1200), onset(0, 200, 300)),
    "component_norms.fifth_onset_init_5e-3": (onset(0, 9000, 12000), onset(0, 2000, 3000)),
    "component_norms.error_plateaus_init_1e-2": (GOOD_PLATEAUS, NO_PLATEAUS),
    "component_norms.gap_grows": (gaps([1.5, 7, 70], [1.5, 6, 5], [2, 9, 30]), gaps([1.5, 7, 8], [2, 2, 9])),
    "component_norms.gap_grows.control": (gaps([2, 2, 2], fourth=3.0), gaps([1.5, 7, 70])),
    "component_norms.growth_exponent": (drifting(1.5), drifting(1.6)),
    "component_norms.growth_exponent.control": (growing(1.5), drifting(1.5)),
    "component_norms.growth_prefactor": (growing(1.5, 4.0), growing(1.5, 3.5)),
    "component_norms_order3.growth_exponent": (drifting(4 / 3), drifting(1.5)),
    "component_norms_order3.growth_prefactor": (growing(4 / 3, 3.0), growing(4 / 3, 4.0)),
    "component_norms_order3.lowest_error": (errors([1, 1e-5, 3e-3]), errors([1, 2e-3, 3e-3])),
    "component_norms_order3.larger_init_learns_more": (runs({}, **norms(with_sixth(0.1))), runs({}, **norms(FIVE))),
    "component_norms_huber.floor_is_the_step": (
        with_loss(jumping(1e-2, 1e-3, until=3200)),
        with_loss(jumping(1e-2, 9e-3, until=3200)),
    ),
    "component_norms_huber.floor_is_the_step.control": (
        with_loss(jumping(1e-2, 1e-3, until=2400)),
        with_loss(jumping(1e-2, 9e-3, until=2400)),
    ),
    "component_norms_sensing.large_init_recovers_less": (errors([1, 0.08], [1, 0.05]), errors([1, 0.08], [1, 0.02])),
    "image_rank.better_than_random_images": (variants(0.02, 0.0885), variants(0.05, 0.0885)),
    "image_rank.better_than_random_labels": (
        variants(0.02, 0.0885, second=("original", "random")),
        variants(0.05, 0.0885, second=("original", "random")),
    ),
    "image_rank.random_images_are_trained": (beside_linear(0.0887, 0.0886), beside_linear(0.0898, 0.0886)),
    "image_rank.mnist_original": (of_labels(0.01, 0.036), of_labels(0.0226, 0.05)),
    "image_rank.test_follows_train": (explained(0.023), explained(0.04)),
    "image_rank.shuffled_is_original": (
        variants(0.02, 0.0201, second=("shuffled", "original")),
        variants(0.02, 0.03, second=("shuffled", "original")),
    ),
    "image_rank.rank_1_below_linear_on_test": (beside_linear(0.03, 0.04, "test"), beside_linear(0.04, 0.04, "test")),
    "image_rank.rank_1_more_accurate_than_linear": (accuracies(0.01), accuracies(0.0)),
    "image_rank.ten_classes_more_accurate_than_linear": (
        accuracies(0.02, "test_class"),
        accuracies(0.005, "test_class"),
    ),
    "image_rank_labels.bars_are_spread_over_labels": (of_labels(0.01, 0.02, 0.03), of_labels(0.02, 0.02, 0.021)),
    "image_rank_labels.not_label_6_alone": (of_labels(0.01), of_labels(0.0226)),
    "image_rank_labels.labels_differ": (of_labels(0.01, 0.04), of_labels(0.02, 0.04)),
    "image_rank_labels.every_label_needs_fewer_components": (
        ranks_needed((0.03, 0.01), (0.09, 0.06)),
        ranks_needed((0.08, 0.01), (0.09, 0.06)),
    ),
    "image_rank_labels.every_label_shuffled": (
        variants(0.02, 0.0201, second=("shuffled", "original")),
        variants(0.02, 0.021, second=("shuffled", "original")),
    ),
    "rank_one_trajectory.follows_rank_one": (distances([5e-4] * 4), distances([5e-4, 5e-4, 5e-4, 2e-3])),
    "rank_one_trajectory.distance_falls_rank_one": (
        distances([0.1, 0.01, 1e-3, 1e-4], [0.1, 0.05, 1e-2, 1e-3]),
        distances([0.1, 0.01, 1e-3, 1e-4], [0.1, 0.01, 1e-3, 1e-3]),
    ),
    "rank_one_trajectory.sphere_exponent": (from_sphere([1e-3, 1e-6]), from_sphere([1e-3, 1e-5])),
    "rank_one_trajectory.floor_is_the_step": (
        distances([1e-4, 1e-3], stds=(1e-4,), rates=(2e-4, 2e-3)),
        distances([1e-4, 2e-4], stds=(1e-4,), rates=(2e-4, 2e-3)),
    ),
    "rank_one_trajectory.floor_is_the_step.control": (
        distances([1e-4, 1e-3], stds=(1e-4,), rates=(2e-4, 2e-3)),
        distances([1e-4, 1e-4], stds=(1e-4,), rates=(2e-4, 2e-3)),
    ),
    "rank_one_trajectory.one_component": (second(1e-5, 1e-4), second(1e-5, 2e-3)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_is_tried():
    assert untested("razin_2021", CASES) == []


def test_a_run_that_ends_before_the_horizon_follows_nothing():
    assert not holds("rank_one_trajectory.follows_rank_one", short_of_horizon(distances([5e-4] * 4)))


def test_an_onset_that_never_comes_is_later_than_all():
    assert not holds("component_norms.first_onset_init_1e-2", onset(0, 900, 1200).isel(run=[2, 2, 2]))


def test_a_mean_is_over_all_labels_that_a_variant_has():
    """Random images have one label; the original ones another too, on which they are bad."""
    both, alone = variants(0.02, 0.0885), picture([("mnist", "original", "original", 1, 9, 0.2)])
    assert holds("image_rank.better_than_random_images", both)
    assert not holds("image_rank.better_than_random_images", xr.concat([both, alone], "run"))


def test_what_is_within_the_reading_error_is_no_difference():
    runs = picture([("mnist", "original", "original", 1, label, 0.0226 + 0.001 + 0.0022) for label in range(2)])
    assert holds("image_rank.mnist_original", runs)
    assert not holds("image_rank.mnist_original", runs.assign(train_error=runs.train_error + 0.0002))
