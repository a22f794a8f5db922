"""Claims of Kwon et al. 2024 and Yaras et al. 2023 on runs written down by hand."""

import numpy as np

from greedyrank.theory import invariant_subspace
from hand_made import runs, table_test, untested

SETTINGS = {"depth": 3, "observations": 900, "layer_scale": 1.0, "learning_rate": 0.5}
KEPT = invariant_subspace.kept_scales(1.0, 3, 1 / 900, 0.5, 50)


def apart(factor):
    """Return a whole and a compressed run that differ by the product of the kept scales, times a factor."""
    difference = np.stack([KEPT**3 * factor, np.full(51, np.nan)])
    return runs({**SETTINGS, "compressed_width": [np.nan, 6]}, compressed_difference=difference)


def together(off):
    """Return a run of which all but six singular values of a layer are the kept scale, one of them off by a little."""
    values = np.full((51, 30), KEPT[:, None])
    values[:, :3], values[:, -3:] = 2.0, 0.5
    values[-1, 3] += off
    made = runs(SETTINGS, layer_singular_values=values[None])
    return made.assign(layer_singular_values=made.layer_singular_values.expand_dims("layer", 2))


def ended(whole, five, one=7000):
    """Return three runs on the same data that stop after so many steps: whole, and compressed."""
    settings = {
        "compressed_width": [np.nan, 10, 10],
        "outer_rate": [np.nan, 5, 1],
        "data_seed": 0,
        "depth": 3,
        "shape": "100x100",
    }
    return runs(settings, stop_step=[whole, five, one])


def erring(*errors):
    return runs({}, relative_error=[[1.0, error] for error in errors], step=[[0, 500]] * len(errors))


def widths(steps):
    return runs({"data_seed": 0, "width": list(steps)}, stop_step=list(steps.values()))


def left(*errors):
    return runs({}, recovery_error=[[1.0, error] for error in errors])


CASES = {
    "compression.identity": (apart(1.0), apart(1.0 + 1e-6)),
    "compression.identity_to_the_end": (apart(1.0), apart(1.1)),
    "compression.move_together": (together(0.0), together(1e-6)),
    "compression.fewer_steps": (ended(7900, 2300), ended(7900, 7000)),
    "compression.recovers": (erring(1e-5, 2e-5), erring(1e-5, 1e-2)),
    "compression.recovers.control": (erring(1e-5), erring(1.0)),
    "compression.cost": (ended(7900, 2300), ended(7900, 6900)),
    "compression_width.wider_is_faster": (widths({10: 3800, 100: 1000}), widths({10: 2000, 100: 1000})),
    "compression_width.depth_three_recovers": (left(1e-9, 2e-8), left(1e-9, 2e-3)),
    "compression_width.depth_two_does_not": (left(1e-3, 2e-3), left(1e-3, 1e-8)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("kwon_2024", CASES) == []
