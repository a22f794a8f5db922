"""Edit one thing, and see exactly which jobs a build would run again."""

from __future__ import annotations

import pytest

BATCHES = {
    "det_sign": [f"depth-{depth}_dtype-{dtype}" for depth in (2, 3, 4) for dtype in ("float32", "float64")],
    "det_sign_larger_init": ["depth-3", "depth-4"],
    "singular_values": [f"depth-{depth}" for depth in (1, 2, 3, 4)],
    "dmf_sensing": [f"measurements-60_depth-{depth}" for depth in (2, 3)],
    "dmf_movielens": [f"depth-{depth}" for depth in (1, 2, 3)],
}
MEASURES = {
    "det_sign": "determinant effective_rank nuclear_norm unobserved_entry",
    "det_sign_larger_init": "determinant effective_rank nuclear_norm unobserved_entry",
    "singular_values": "alignment reconstruction_error singular_value_growth singular_values",
    "dmf_sensing": "effective_rank minimum_nuclear_norm nuclear_norm reconstruction_error",
    "dmf_movielens": "ratings",
}


def trains(sweep: str, *batches: str) -> set[str]:
    """Return the messages of training some batches of a sweep, or all."""
    return {f"{sweep}: train {batch} on cpu" for batch in batches or BATCHES[sweep]}


def follows(figure: str, *sweeps: str) -> set[str]:
    """Return what follows once sweeps of a figure have been trained again."""
    return {f"{sweep}: measure {MEASURES[sweep]}" for sweep in sweeps} | redraws(figure)


def redraws(figure: str) -> set[str]:
    """Return the messages of drawing and checking a figure."""
    return {f"{figure}: draw", f"{figure}: check the claims"}


def test_nothing_changed(checkout):
    assert checkout.jobs() == set()


def test_a_color_redraws_one_figure(checkout):
    checkout.edit("workflow/greedyrank/figures/det_sign.py", '("blue", "sky")', '("blue", "green")')
    assert checkout.jobs() == {"det_sign: draw"}


def test_a_draw_setting_redraws_one_figure(checkout):
    checkout.edit("config.yaml", "entry_max: 80.0", "entry_max: 75.0")
    assert checkout.jobs() == {"det_sign: draw"}


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("config.yaml", "scale: laptop  ", "# one more comment\nscale: laptop  "),
        ("workflow/greedyrank/training.py", "import logging\n", "import logging\n\n# one more comment\n"),
        ("workflow/greedyrank/factorizations/cp.py", '"""Draw the factors of one run', '"""Draw one run\'s factors'),
        ("scripts/train.py", '"""Train one batch', '"""Train a batch'),
        ("workflow/claims/det_sign.yaml", "- id: on_the_curve", "# one more comment\n- id: on_the_curve"),
    ],
)
def test_a_comment_reruns_nothing(checkout, path, old, new):
    checkout.edit(path, old, new)
    assert checkout.jobs() == set()


def test_a_seed_retrains_the_batches_of_its_sweep(checkout):
    checkout.edit("config.yaml", "axes: {seed: [0, 1]}", "axes: {seed: [0, 1, 2]}")
    expected = trains("det_sign_larger_init") | follows("det_sign", "det_sign_larger_init")
    assert checkout.jobs() == expected


def test_a_data_seed_adds_its_data(checkout):
    checkout.edit(
        "config.yaml",
        "- {depth: [1, 2, 3, 4], stop: {max_steps: 1500}}\n        axes: {data_seed: [0]}",
        "- {depth: [1, 2, 3, 4], stop: {max_steps: 1500}}\n        axes: {data_seed: [0, 1]}",
    )
    generated = {"singular_values: generate data all"}
    assert checkout.jobs() == generated | trains("singular_values") | follows("singular_values", "singular_values")


def test_one_depth_trains_one_batch(checkout):
    checkout.edit(
        "config.yaml",
        "- {depth: [1, 2, 3, 4], stop: {max_steps: 1500}}",
        "- {depth: [1, 2, 3, 4, 5], stop: {max_steps: 1500}}",
    )
    expected = trains("singular_values", "depth-5") | follows("singular_values", "singular_values")
    assert checkout.jobs() == expected


def test_a_line_of_a_factorization_retrains_what_uses_it(checkout):
    checkout.edit(
        "workflow/greedyrank/factorizations/deep_matrix.py",
        'std = run["product_std"]',
        'std = float(run["product_std"])',
    )
    matrix_sweeps = set().union(*(trains(sweep) for sweep in BATCHES))
    follow = follows("det_sign", "det_sign", "det_sign_larger_init") | follows("singular_values", "singular_values")
    follow |= follows("dmf_movielens", "dmf_movielens") | follows("dmf_sensing", "dmf_sensing")
    assert checkout.jobs() == matrix_sweeps | follow


def test_a_tolerance_solves_the_baseline_again_and_trains_nothing(checkout):
    checkout.edit("config.yaml", "tolerance: 1.0e-3", "tolerance: 2.0e-3")
    assert checkout.jobs() == {"dmf_sensing: solve the baselines"} | follows("dmf_sensing", "dmf_sensing")


def test_a_new_factorization_reruns_nothing(checkout):
    (checkout.folder / "workflow/greedyrank/factorizations/ring.py").write_text("def initial(run):\n    return []\n")
    checkout.edit(
        "workflow/greedyrank/settings.py",
        '"binary_cp": BinaryCP,',
        '"binary_cp": BinaryCP, "ring": CP,',
    )
    assert checkout.jobs() == set()


def test_a_measure_of_one_figure_measures_its_sweeps(checkout):
    checkout.edit("workflow/greedyrank/measures/determinant.py", "np.linalg.det(", "1.0 * np.linalg.det(")
    assert checkout.jobs() == follows("det_sign", "det_sign", "det_sign_larger_init")


def test_the_device_is_no_reason_to_train_again(checkout):
    for device in ("cpu", "cuda"):
        result = checkout.run(
            "snakemake", "--cores", "2", "--dry-run", "--config", "scale=smoke", f"device={device}",
            f"data_dir={checkout.data}",
        )  # fmt: skip
        assert "Nothing to be done" in result.stdout + result.stderr


def test_the_core_count_is_no_reason_to_train_again(checkout):
    result = checkout.run(
        "snakemake", "--cores", "1", "--dry-run", "--config", "scale=smoke", f"data_dir={checkout.data}"
    )
    assert "Nothing to be done" in result.stdout + result.stderr


def test_one_figure_can_be_built_alone(checkout):
    checkout.edit("workflow/greedyrank/figures/det_sign.py", '("blue", "sky")', '("blue", "green")')
    checkout.edit("config.yaml", "learned: 0.01", "learned: 0.02")
    assert checkout.jobs("component_norms") == {"component_norms: draw"}
