"""Statistics that papers share, on runs written down by hand."""

import numpy as np

from greedyrank.claims import statistics
from hand_made import runs


def test_the_error_at_the_published_stop_is_not_that_of_the_end():
    made = runs(
        {}, step=[[0, 10, 20], [0, 10, -1]], stop_step=[10, 10], relative_error=[[1, 0.5, 0.2], [1, 0.4, np.nan]]
    )
    assert statistics.error_at_stop(made).tolist() == [0.5, 0.4]


def test_a_component_grows_from_its_start_to_where_gamma_is_small_if_it_is_learned():
    """The first component is learned, the second is not, and the third shrinks for a while."""
    sigma = [[0.1, 0.2, 0.5, 0.9, 1.0], [0.1, 0.1, 0.2, 0.2, 0.2], [0.1, 0.4, 0.3, 0.9, 1.0]]
    gamma = [[1.0, 0.9, 0.5, 0.06, 0.01], [1.0] * 5, [1.0, 0.9, 0.8, 0.5, 0.01]]
    rate = [[0.1, 0.2, 0.3, 0.1, 0.01], [0.1] * 5, [0.1, -0.1, 0.2, 0.3, 0.1]]
    made = runs(
        {},
        **{
            f"growth_{name}": np.array(table).T[None]
            for name, table in (("sigma", sigma), ("gamma", gamma), ("rate", rate))
        },
    )
    found = list(statistics.growing(made, start=1.5, learned=0.5, share=0.05))
    assert [(run, component) for run, component, *_ in found] == [(0, 0), (0, 2)]
    assert [values.tolist() for values in found[0][2:]] == [[0.2, 0.5, 0.9], [0.9, 0.5, 0.06], [0.2, 0.3, 0.1]]
    assert found[1][2].tolist() == [0.3, 0.9]
