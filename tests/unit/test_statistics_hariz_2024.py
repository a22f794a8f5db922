"""For each claim of Hariz et al. 2024: runs on which it holds, and runs on which it must fail."""

import numpy as np

from hand_made import runs, table_test, untested

LENGTH, MODES = 25, 3


def by_slice(name, *runs_of_norms, starts=0.1):
    """Return runs by the norms of their slices at the end, the same in each mode; at the start all have one norm."""
    ends = np.array([[[norms] * MODES] for norms in runs_of_norms])
    values = np.concatenate([np.full_like(ends, starts), ends], axis=1)
    made = runs({"depth": 2}, loss=np.ones((len(runs_of_norms), 2)))
    return made.assign({name: (("run", "record", "mode", "slice"), values)})


def slices(large, others, count=5):
    return np.array([large] * count + [others] * (LENGTH - count))


def ranks(*found, share=0.005):
    """Return runs with so many singular values above 1 % of the largest, the others at ``share`` of it."""
    values = [[[np.where(np.arange(LENGTH) < rank, 0.5, share)] * MODES] for rank in found]
    made = runs({"depth": 2}, loss=np.ones((len(found), 1)))
    return made.assign(multilinear_value=(("run", "record", "mode", "component"), np.array(values)))


def last(name, *values):
    return runs({}, **{name: [[1.0, value] for value in values]})


def gains(*rows, depths=(1, 2, 3)):
    """Return test errors, row by row a data seed, at each of the depths."""
    settings = {"depth": depths * len(rows), "data_seed": np.repeat(range(len(rows)), len(depths))}
    return runs(settings, test_error=np.ravel(rows)[:, None])


def columns(ratio):
    """Return a run whose columns have their slices' norms, but for one."""
    made = by_slice("slice_norm", slices(2.0, 0.2))
    unequal = np.ones((1, 2, MODES, LENGTH))
    unequal[0, -1, 1, 7] = ratio
    return made.assign(column_norm=made.slice_norm * unequal)


CASES = {
    "deep_tucker_rank.rank_found": (ranks(5, 5), ranks(5, 6)),
    "deep_tucker_rank.depth_1_finds_it_as_well.control": (
        by_slice("slice_norm", slices(2.0, 0.9)),
        by_slice("slice_norm", slices(2.0, 1.1)),
    ),
    "deep_tucker_rank.recovery": (last("test_error", 1e-5, 5e-4), last("test_error", 1e-5, 2e-3)),
    "deep_tucker_rank.depth_helps_at_equal_init": (
        gains([1, 0.3, 0.1], [1, 0.4, 0.1]),
        gains([1, 0.3, 0.1], [1, 0.4, 0.3]),
    ),
    "deep_tucker_slices.gap_depth_2_3": (
        by_slice("slice_norm", slices(2.0, 1.0)),
        by_slice("slice_norm", slices(1.0, 0.8)),
    ),
    "deep_tucker_slices.no_gap_depth_0_1": (
        by_slice("slice_norm", slices(2.0, 1.9)),
        by_slice("slice_norm", slices(2.0, 1.5)),
    ),
    "deep_tucker_slices.others_stay": (
        by_slice("slice_norm", slices(2.0, 0.2)),
        by_slice("slice_norm", slices(2.0, 0.5)),
    ),
    "deep_tucker_slices.columns_as_slices": (columns(1.02), columns(0.9)),
    "deep_tucker_slices.published_init_stays": (last("relative_error", 1.0, 0.9995), last("relative_error", 1.0, 0.99)),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_is_tried():
    assert untested("hariz_2024", CASES) == []
