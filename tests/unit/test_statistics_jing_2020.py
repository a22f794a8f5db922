"""Claims of Jing et al. 2020 on runs written down by hand."""

import numpy as np

from hand_made import runs, table_test, untested
from jing_2020.irmae_spectrum.statistics import at_equal_error


def spectra(directions, tails, errors, layers=(0, 1, 8)):
    """Return a run for each number of layers: at each record so many large directions, and of 1e-3, and that error."""
    shape = np.shape(directions)
    index = np.arange(128)
    large, small = (np.asarray(counts)[..., None] for counts in (directions, tails))
    values = np.where(index < large, 5.0, np.where(index < large + small, 5e-3, 5e-6))
    return runs({"linear_layers": layers[: shape[0]], "seed": 0}, latent_value=values, test_error=errors)


def one(directions, tail):
    return spectra([[1, directions]], [[0, tail]], [[0.3, 0.01]])


# Without layers there are 2 directions and 2 small ones at error 0.3, and 32 and 96 at 0.003: in logarithms a line.
PLAIN, PLAIN_TAIL, PLAIN_ERROR = [2, 32], [2, 96], [0.3, 0.003]
# One layer follows that line at error 0.03, where it is at 8 directions and some 22 in all.
ONE = [2, 8], [2, 14], [0.3, 0.03]


def compared(directions, tail):
    """Return runs of 0, 1 and 8 layers, the last with so many directions, and small ones, at the end, error 0.03."""
    return spectra([PLAIN, ONE[0], [2, directions]], [PLAIN_TAIL, ONE[1], [0, tail]], [PLAIN_ERROR, ONE[2], ONE[2]])


CASES = {
    "irmae_spectrum.few_directions": (one(9, 0), one(10, 0)),
    "irmae_spectrum.drop_to_zero": (one(9, 2), one(9, 3)),
    "irmae_spectrum.long_tail": (one(30, 61), one(61, 30)),
    "irmae_spectrum.rank_ratio": (compared(5, 0), compared(24, 0)),
    "irmae_spectrum.directions_at_equal_error": (compared(5, 0), compared(6, 0)),
    "irmae_spectrum.tail_at_equal_error": (compared(5, 1), compared(5, 4)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_has_a_case():
    assert untested("jing_2020", CASES) == []


def test_runs_are_taken_where_their_errors_are_nearest_to_the_largest_final_one():
    errors = [[0.5, 0.07, 0.01], [0.5, 0.08, 0.05]]
    taken = at_equal_error(spectra([[1, 9, 30], [1, 2, 3]], np.zeros((2, 3)), errors, layers=(0, 8)))
    np.testing.assert_array_equal(taken.test_error, [0.07, 0.05])
