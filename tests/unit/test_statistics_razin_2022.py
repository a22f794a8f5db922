"""For each claim of Razin et al. 2022: runs on which it holds, and runs on which it must fail."""

import numpy as np

from hand_made import runs, table_test, untested

ENDS = [36.5, 32.0, 28.0, 23.0, 20.0, 0.01, 0.01, 0.01, 0.01, 0.01]


def trained(ends=ENDS, together=False, steps=(0, 1000, 2000, 3000, 4000, 5000), name="component_size", count=5):
    """Return a run in which one component after another, or all at once, comes to its end."""
    sizes = np.array([[end if record > (0 if together else min(k, count - 1)) else 1e-3 for k, end in enumerate(ends)]
                      for record in range(len(steps))])  # fmt: skip
    if together:
        sizes[0] = 0.9 * np.array(ends)
    return runs({}, step=[steps], **{name: [sizes]})


def tree(half=ENDS, crossing=ENDS, pair=ENDS, root=ENDS, together=()):
    """Return a run with its local components and singular values; those in ``together`` come at once."""
    named = {"half_value": half, "crossing_value": crossing, "pair": pair, "component_size": root}
    parts = {name: trained(ends, name in together, name=name) for name, ends in named.items()}
    made = parts["component_size"].assign({name: parts[name][name] for name in ("half_value", "crossing_value")})
    return made.assign(pair_component_norm=parts["pair"].pair.expand_dims(pair=1))


def learned(ratios, target=(50.0, 30.0, 10.0, 5.0, 2.0)):
    """Return a run that ends with these shares of a target's root values."""
    values = np.array(target)
    made = runs({}, half_value=[[np.zeros(5), np.zeros(5), np.zeros(5), values * ratios]])
    return made.assign(target_half_value=(("run", "component"), values[None]))


def drawn(**settings):
    """Return a run with the settings of a target."""
    columns = {"shape": "8x8x8x8", "target_widths": "5, 5", "target_norm": 64.0, **settings}
    return runs(columns, loss=[[1.0]])


CASES = {
    "mf_cp_htf.matrix_one_after_another": (trained(), trained(together=True)),
    "mf_cp_htf.matrix_five": (trained(), trained([*ENDS[:5], 2.0, *ENDS[6:]])),
    "mf_cp_htf.matrix_final_values": (trained([1.1 * end for end in ENDS]), trained([1.3 * end for end in ENDS])),
    "mf_cp_htf.matrix_fifth_onset": (
        trained(steps=(0, 1000, 2000, 3000, 4000, 4500)),
        trained(steps=(0, 1000, 2000, 3000, 4000, 9000)),
    ),
    "mf_cp_htf.fixed_root_found": (learned([1, 1.01, 0.97, 1, 0.98]), learned([1, 1, 1, 1, 0.5])),
    "mf_cp_htf.fixed_root_found.control": (
        learned([1, 1, 1, 1, 1]).isel(record=[3, 3, 3, 3]).assign(step=(("run", "record"), [[0, 1, 2, 3]])),
        learned([1, 1, 1, 1, 1]),
    ),
    "mf_cp_htf.cp_recovers": (
        runs({}, relative_error=[[1, 1e-3]]),
        runs({}, relative_error=[[1e-3, 2e-2]]),
    ),
    "mf_cp_htf.random_root_is_steep": (drawn(), drawn(target_norm=640.0)),
    "htf_local_components.rank_along_the_tree": (tree(), tree(half=[*ENDS[:4], *ENDS[5:], 0.01])),
    "htf_local_components.few_at_the_node": (tree(), tree(pair=np.full(10, 0.6))),
    "htf_local_components.one_after_another_along_the_tree": (tree(), tree(together=["half_value"])),
    "htf_local_components.never_more_than_components": (tree(), tree(half=[*ENDS[:5], 2.0, *ENDS[6:]])),
}

test_a_claim_holds_where_it_should_and_fails_where_it_should = table_test(CASES)


def test_every_statistic_is_tried():
    assert untested("razin_2022", CASES) == []
