"""Claims of the determinant-sign figures of Razin & Cohen 2020, on runs written down by hand."""

import numpy as np
import pytest

from hand_made import runs, table_test, untested
from razin_cohen_2020.common import outermost_share, share_below

LOSSES = np.geomspace(1.0, 1e-4, 41)
LOSSES[-1] = 0.99e-4  # levels are reached for certain


def falling(heights, loss_kind="half_sum", crosses=False, **settings):
    """Return runs that follow |W_11| = 1/sqrt(2 loss) until they flatten at a height, one run each.

    The smaller singular value is 1 / |W_11|^3 on the curve and 1/2 off it. The determinant changes its sign at the
    tenth record where the run ``crosses``.
    """
    half_sum = LOSSES * (1.5 if loss_kind == "mean" else 1.0)
    curve = 1 / np.sqrt(2 * half_sum)
    entry = np.minimum(curve, np.array(heights, dtype=float)[:, None])
    small = np.where(entry < 0.999 * curve, 0.5, entry**-3.0)
    shares = np.stack([entry, small]) / (entry + small)
    sign = np.where(np.arange(len(LOSSES)) < 10, 1.0, -1.0 if crosses else 1.0)
    made = runs(
        {"loss_kind": loss_kind, **settings},
        loss=np.tile(LOSSES, (len(heights), 1)),
        unobserved_entry=-entry,
        nuclear_norm=entry + small,
        effective_rank=np.exp(-(shares * np.log(shares)).sum(0)),
        determinant=np.tile(sign, (len(heights), 1)),
    )
    orders = (0.5, 1.0, 2.0, np.inf)
    norms = [np.maximum(entry, small) if p == np.inf else (entry**p + small**p) ** (1 / p) for p in orders]
    return made.assign(schatten_norm=(("order", "run", "record"), norms)).assign_coords(order=list(orders))


def with_sign(made, first):
    """Give the determinant of each run a sign at its first record."""
    determinant = made.determinant.to_numpy().copy()
    determinant[:, 0] = first
    return made.assign(determinant=(("run", "record"), determinant))


FOUR = {"depth": np.repeat([3, 3, 4, 4], 5), "product_std": np.repeat([1e-5, 1e-6, 1e-3, 1e-4], 5)}
SPREAD = [20, 35, 43, 66, 70.7]  # two of five are within the reading error of 70
SEEDS_OF_THREE_INITS = {"product_std": np.repeat([1e-3, 1e-4, 1e-5], 10)}


def three_inits(factor):
    """Return ten seeds of each of three inits, whose heights are spread around a multiple of the published ones."""
    heights = np.outer(factor * np.array([24, 36, 57]), np.linspace(0.6, 1.05, 10))
    return falling(heights.ravel(), "mean", **SEEDS_OF_THREE_INITS)


def two_inits(ratio):
    """Return three seeds of two inits, not in the order of their seeds, which differ in height by a ratio."""
    heights, seeds = np.array([10.0, 12.0, 14.0]), np.array([0, 1, 2])
    settings = {"product_std": np.repeat([1e-3, 1e-4], 3), "seed": np.r_[seeds, seeds[::-1]]}
    return falling(np.r_[heights, ratio * heights[::-1]], "mean", **settings)


def perturbed(eps, corner, factor=1.0, wrong=None):
    """Return runs with W_12 W_21 = -1 that end with W_22 = corner and no other residual, on det W = 0 but for a factor.

    One run for each eps. ``wrong`` says whether W_22 is on the other side of zero than eps.
    """
    eps, corner = np.array(eps, dtype=float), np.array(corner, dtype=float)
    loss = (corner - eps) ** 2 / 3
    entry = factor / np.abs(corner)
    made = runs(
        {"loss_kind": "mean"}, loss=np.stack([np.ones_like(loss), loss], axis=1), eps=eps, product=-np.ones_like(eps)
    )
    entries = np.stack([np.ones_like(entry), entry], axis=1)
    wrong = np.sign(corner) * np.sign(eps) < 0 if wrong is None else np.array(wrong)
    return made.assign(unobserved_entry=(("run", "record"), entries), wrong_branch=("run", wrong.astype(float)))


def published_ends(factor, last_factor):
    """Return three seeds of each published eps that end at a multiple of its height, and others for the last."""
    eps, heights = np.repeat([0.5, 0.1, 0.05, 0.01, 0.0], 3), np.repeat([2.0, 8.5, 15.0, 36.0, 57.0], 3)
    heights = heights * np.r_[np.full(12, factor), last_factor]
    made = runs({"loss_kind": "mean"}, loss=np.tile([1.0, 0.9e-4], (15, 1)), eps=eps)
    return made.assign(unobserved_entry=(("run", "record"), np.stack([np.ones(15), heights], axis=1)))


def by_sign(positive, negative):
    """Return two runs with det W(0) > 0 and two with det W(0) < 0, which flatten at these heights."""
    return with_sign(falling([positive] * 2 + [negative] * 2, depth=3), [1, 1, -1, -1])


def rising(per_decade):
    """Return runs of three learning rates whose height rises by so much for each ten times smaller one."""
    rates = np.array([1e-2, 1e-3, 1e-4])
    return falling(7 - per_decade * np.log10(rates), learning_rate=rates, seed=0, depth=2)


def larger(factor, block):
    """Return one larger matrix that ends at a multiple of the curve, its leading block of one sign at the start."""
    made = falling([1e9])
    minor = np.full(made.loss.shape, float(block))
    return made.assign(unobserved_entry=factor * made.unobserved_entry, leading_minor=(("run", "record"), minor))


def fitted(counts):
    """Return a run that has so many singular values above 1/2 at losses 2, 1, 0.5 and 0.1."""
    values = [[[0.9] * count + [0.1] * (5 - count) for count in counts]]
    return runs({}, loss=[[2.0, 1.0, 0.5, 0.1]], singular_value=values)


def climbing(on, off):
    """Return a run whose entry rises by so much at a pause of the loss, and as much as given between two of them."""
    loss = [2.4, 1.51, 1.49, 1.2, 1.01, 0.99, 0.7, 0.51, 0.49, 0.3, 0.01]
    rise = np.cumsum([0, 0, on, off, off, on, off, off, on, off, 50.0])
    return runs({}, loss=[loss], unobserved_entry=[-rise])


CASES = {
    "det_sign.on_the_curve": (falling([1e9, 66]), falling([1e9, 60])),
    "det_sign.entry_reaches_70": (falling([1e9, 64]), falling([1e9, 63])),
    "det_sign.unbalanced_ends": (falling(SPREAD * 4, **FOUR), falling(SPREAD[3:] * 10, **FOUR)),
    "det_sign.depth_two_flattens": (by_sign(6.5, 0.3), by_sign(0.3, 6.5)),
    "det_sign.norms_grow": (falling([1e9]), falling([40])),
    "det_sign.rank_falls_to_one": (falling([1e9]), falling([40])),
    "det_sign.depth_two_flips_sign": (falling([1e9]), falling([1e9], crosses=True)),
    "det_sign.negative_stays_low": (falling([17] * 39 + [18]), falling([17] * 37 + [18] * 3)),
    "det_sign_init.published_heights": (three_inits(1.0), three_inits(0.7)),
    "det_sign_init.height_ratio": (two_inits(1.8), two_inits(2.0)),
    "det_sign_init.balanced_goes_on": (falling([1e9], "mean"), falling([50], "mean")),
    "det_sign_norms.all_norms_grow": (falling([1e9]), falling([60])),
    "det_sign_norms.all_norms_at_the_end": (falling([1e9]), falling([66])),
    "det_sign_norms.rank_within_root": (falling([1e9]), falling([40])),
    "det_sign_norms.rank_needs_the_sign": (falling([1e9]), falling([40])),
    "det_sign_perturbed.perturbed_entry": (
        perturbed([0.1, 0.1, 0.0], [0.11, -0.02, 0.02]),
        perturbed([0.1, 0.1, 0.0], [0.11, -0.02, 0.02], factor=0.8),
    ),
    "det_sign_perturbed.wrong_branch_law": (
        perturbed([0.1, 0.1], [-0.01, 0.11]),
        perturbed([0.1, 0.1], [-0.01, 0.11], factor=0.8),
    ),
    "det_sign_perturbed.perturbed_bound": (
        perturbed([0.1, 0.1], [-0.02, 0.11]),
        perturbed([0.1, 0.1], [-0.02, 0.11], factor=0.9),
    ),
    "det_sign_perturbed.wrong_branch_floor": (
        perturbed([0.1, 0.0], [-0.001, 0.001], wrong=[True, True]),
        perturbed([0.1, 0.1], [-0.02, 0.001], wrong=[True, True]),
    ),
    "det_sign_perturbed.wrong_branch_rarer": (
        perturbed([0.5] * 11 + [0.1], [0.4] * 10 + [-0.4] * 2),
        perturbed([0.5] * 9 + [0.1], [0.4] * 8 + [-0.4] * 2),
    ),
    "det_sign_perturbed.perturbed_published": (
        published_ends(1.05, [0.95, 0.96, 0.2]),
        published_ends(1.05, [0.95, 0.3, 0.2]),
    ),
    "det_sign_probability.positive_diverges": (by_sign(1e9, 3), by_sign(30, 3)),
    "det_sign_probability.negative_does_not": (by_sign(1e9, 3), by_sign(1e9, 60)),
    "det_sign_probability.half_positive": (
        with_sign(falling([1e9] * 100), [1] * 48 + [-1] * 52),
        with_sign(falling([1e9] * 100), [1] * 34 + [-1] * 66),
    ),
    # 15 leaves the curve between loss 1e-3, where it is above half of 22, and 1e-4, where it is below half of 71.
    "det_sign_probability.class_is_settled": (falling([1e9, 2] * 20), falling([1e9] * 17 + [15] * 3)),
    "det_sign_probability.depth_two_crosses": (falling([1e9], crosses=True), falling([1e9])),
    "det_sign_probability.smaller_steps_later": (rising(0.6), rising(0.2)),
    "det_sign_shapes.square_on_the_curve": (larger(1.05, 1), larger(0.8, 1)),
    "det_sign_shapes.leading_block_irrelevant": (larger(0.95, -1), larger(0.95, 1)),
    "det_sign_shapes.staircase": (fitted([1, 2, 3, 4]), fitted([1, 2, 2, 4])),
    "det_sign_shapes.entry_staircase": (climbing(3.0, 0.5), climbing(1.0, 1.0)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


@pytest.mark.parametrize(
    ("published", "share"), [(1.0, 0.0), (100.0, 1.0), (25.0, 0.5), (20.0, 0.375), (41.0, 0.875), (36.5, 0.875)]
)
def test_runs_within_the_reading_error_count_half(published, share):
    assert share_below(np.array([10.0, 20.0, 30.0, 40.0]), published, reading=0.1) == share


def test_the_most_extreme_published_height_counts():
    made = falling([10, 20, 30, 40, 10, 20, 30, 40], depth=np.repeat([2, 3], 4))
    points = [{"depth": 2, "height": 25.0}, {"depth": 3, "height": 41.0}]
    assert outermost_share(made, points=points, reading=0.1) == 0.125
    assert outermost_share(made, points=points[:1], reading=0.1) == 0.5
    assert np.isnan(outermost_share(made, points=[{"depth": 4, "height": 25.0}], reading=0.1))


def test_every_statistic_has_a_case():
    missing = [name for name in untested("razin_cohen_2020", CASES) if "det_sign" in name or ".common:" in name]
    assert missing == []
