"""Every closed-form pull-back against autograd or a plain product, and every initialisation."""

import itertools

import numpy as np
import pytest
import tensorly
import torch

from greedyrank.factorizations import binary_cp, cp, deep_matrix, psd

TIGHT = 1e-12


def autograd(model, forward, upstream):
    """Return the gradients of <upstream, forward(parameters)>."""
    leaves = [parameter.clone().requires_grad_() for parameter in model.parameters]
    (forward(leaves) * upstream).sum().backward()
    return [leaf.grad for leaf in leaves]


# -- deep matrix ------------------------------------------------------------------------------------


SIDES = [[6, 6], [3, 5], [5, 3]]


@pytest.mark.parametrize("shape", SIDES, ids=str)
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_deep_matrix_pullback(run_settings, place, relative, depth, balanced, shape):
    runs = run_settings(
        "deep_matrix", shape=shape, depth=depth, product_std=0.7, balanced=balanced, axes={"seed": [0, 1, 2]}
    )
    model = deep_matrix.Model(runs, place)
    upstream = torch.randn(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(depth))

    def product(factors):
        out = factors[0]
        for factor in factors[1:]:
            out = factor @ out
        return out

    expected = autograd(model, product, upstream)
    assert relative(model.end_to_end(), product(model.parameters)) <= TIGHT
    found = model.pullback(upstream)
    assert len(found) == depth
    for ours, oracle in zip(found, expected, strict=True):
        assert relative(ours, oracle) <= TIGHT


def test_deep_matrix_factors_stand_in_order(run_settings, place):
    model = deep_matrix.Model(run_settings("deep_matrix", depth=3, axes={"seed": [4]}), place)
    drawn = [
        torch.from_numpy(factor) for factor in deep_matrix.initial(run_settings("deep_matrix", depth=3, seed=4)[0])
    ]
    assert all(torch.equal(parameter[0], factor) for parameter, factor in zip(model.parameters, drawn, strict=True))


@pytest.mark.parametrize("shape", SIDES, ids=str)
def test_deep_matrix_pullback_twice_with_a_step_between(run_settings, place, relative, shape):
    model = deep_matrix.Model(run_settings("deep_matrix", shape=shape, depth=4, product_std=0.7), place)
    upstream = torch.ones(1, *shape, dtype=torch.float64)
    for _ in range(2):
        model.end_to_end()
        for parameter, gradient in zip(model.parameters, model.pullback(upstream), strict=True):
            parameter.sub_(0.01 * gradient)
    model.end_to_end()
    expected = autograd(model, lambda factors: factors[3] @ factors[2] @ factors[1] @ factors[0], upstream)
    for ours, oracle in zip(model.pullback(upstream), expected, strict=True):
        assert relative(ours, oracle) <= TIGHT


@pytest.mark.parametrize("shape", SIDES, ids=str)
@pytest.mark.parametrize("init", ["drawn", "balanced", "identity", "layers"])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_hidden_widths_are_the_smaller_side(run_settings, shape, init, depth):
    given = {
        "drawn": {},
        "balanced": {"balanced": True},
        "identity": {"product_std": None, "identity_scale": 0.1},
        "layers": {"product_std": None, "layer_alpha": 0.1, "layer_beta": 0.05},
    }[init]
    factors = deep_matrix.initial(run_settings("deep_matrix", shape=shape, depth=depth, **given)[0])
    hidden = min(shape)
    widths = [shape[0], *[hidden] * (depth - 1), shape[1]]
    assert [factor.shape for factor in reversed(factors)] == list(itertools.pairwise(widths))


@pytest.mark.parametrize("shape", [[5, 5], [4, 7], [7, 4]], ids=str)
@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_balanced_init_is_balanced(run_settings, depth, shape):
    factors = deep_matrix.initial(
        run_settings("deep_matrix", shape=shape, depth=depth, product_std=1.0, balanced=True)[0]
    )
    values = np.linalg.svd(np.linalg.multi_dot([np.eye(shape[0]), *reversed(factors)]), compute_uv=False)
    for factor in factors:
        np.testing.assert_allclose(np.linalg.svd(factor, compute_uv=False), values ** (1 / depth), rtol=1e-10)
    for before, after in itertools.pairwise(factors):
        np.testing.assert_allclose(after.T @ after, before @ before.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sign", ["positive", "negative"])
@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_det_has_the_sign_asked_for(run_settings, depth, balanced, sign):
    runs = run_settings(
        "deep_matrix",
        shape=[3, 3],
        depth=depth,
        product_std=1.0,
        balanced=balanced,
        det=sign,
        axes={"seed": list(range(6))},
    )
    for run in runs:
        det = np.linalg.det(np.linalg.multi_dot([np.eye(3), *reversed(deep_matrix.initial(run))]))
        assert np.sign(det) == (1 if sign == "positive" else -1)


def test_det_sign_survives_underflow_of_the_product(run_settings):
    runs = run_settings(
        "deep_matrix",
        shape=[2, 2],
        observations=3,
        depth=3,
        product_std=1e-200,
        det="negative",
        axes={"seed": [0, 1, 2]},
    )
    for run in runs:
        assert np.prod([np.sign(np.linalg.det(factor)) for factor in deep_matrix.initial(run)]) == -1


@pytest.mark.parametrize(
    ("shape", "depth", "balanced"),
    [
        ([4, 4], 1, False),
        ([4, 4], 2, False),
        ([4, 4], 3, False),
        ([4, 4], 3, True),
        ([3, 6], 1, False),
        ([3, 6], 2, False),
        ([6, 3], 3, False),
        ([6, 3], 3, True),
    ],
)
def test_product_std(run_settings, shape, depth, balanced):
    (run,) = run_settings("deep_matrix", shape=shape, depth=depth, product_std=0.02, balanced=balanced)
    squares = np.array(
        [
            np.mean(np.linalg.multi_dot([np.eye(shape[0]), *reversed(deep_matrix.initial({**run, "seed": seed}))]) ** 2)
            for seed in range(2000)
        ]
    )
    # Seeds are independent, so this is the standard error of their mean square; it is below 3 %.
    error = squares.std() / np.sqrt(len(squares))
    assert error < 0.03 * 0.02**2
    assert abs(squares.mean() - 0.02**2) < 5 * error


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_identity_scale_is_exact(run_settings, place, depth):
    runs = run_settings("deep_matrix", shape=[7, 7], depth=depth, product_std=None, identity_scale=1e-3)
    product = deep_matrix.Model(runs, place).end_to_end()[0].numpy()
    np.testing.assert_allclose(product, 1e-3 * np.eye(7), rtol=4e-16 * depth, atol=0)


@pytest.mark.parametrize("shape", SIDES, ids=str)
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_layer_alpha_and_beta(run_settings, place, shape, depth):
    runs = run_settings(
        "deep_matrix",
        shape=shape,
        depth=depth,
        product_std=None,
        layer_alpha=0.3,
        cases=[{"layer_beta": 0.0}, {"layer_beta": 0.1}],
    )
    for run, first in zip(runs, (0.3, 0.2), strict=True):
        scales = [first, *[0.3] * (depth - 1)]
        for factor, scale in zip(deep_matrix.initial(run), scales, strict=True):
            np.testing.assert_allclose(factor, scale * np.eye(*factor.shape), rtol=1e-15, atol=0)
    product = deep_matrix.Model(runs, place).end_to_end().numpy()
    for matrix, expected in zip(product, (0.3**depth, 0.3 ** (depth - 1) * 0.2), strict=True):
        np.testing.assert_allclose(matrix, expected * np.eye(*shape), rtol=1e-14, atol=0)


@pytest.mark.parametrize("shape", [[3, 6], [6, 3]], ids=str)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_identity_scale_of_a_rectangle(run_settings, place, depth, shape):
    runs = run_settings("deep_matrix", shape=shape, depth=depth, product_std=None, identity_scale=1e-3)
    product = deep_matrix.Model(runs, place).end_to_end()[0].numpy()
    np.testing.assert_allclose(product, 1e-3 * np.eye(*shape), rtol=4e-16 * depth, atol=0)


# -- PSD --------------------------------------------------------------------------------------------


@pytest.fixture
def psd_runs(run_settings):
    cases = [{"factor_norm": 0.7, "seed": 0}, {"factor_norm": 2.0, "seed": [1, 2]}]
    return run_settings("psd", shape=[5, 5], cases=cases)


def test_psd_end_to_end(psd_runs, place, relative):
    found = psd.Model(psd_runs, place).end_to_end()
    assert found.shape == (3, 5, 5)
    for run, matrix in zip(psd_runs, found.numpy(), strict=True):
        factor = psd.initial(run)
        assert relative(matrix, np.einsum("ik,jk->ij", factor, factor)) <= TIGHT
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-14


def test_psd_pullback(psd_runs, place, relative):
    model = psd.Model(psd_runs, place)
    upstream = torch.randn(3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        model.end_to_end()
        (found,) = model.pullback(upstream)  # upstream is not symmetric: G U alone is not it
        (oracle,) = autograd(model, lambda leaves: torch.einsum("rik,rjk->rij", leaves[0], leaves[0]), upstream)
        assert relative(found, oracle) <= TIGHT
        model.parameters[0].sub_(0.1 * found)


def test_psd_observables_and_spread(psd_runs, place):
    model = psd.Model(psd_runs, place)
    end_to_end = model.end_to_end()
    assert torch.equal(model.observables(False, None)["end_to_end"], end_to_end)
    (rates,) = model.spread(place(np.array([1.0, 0.0, -2.0])))
    scaled = rates * model.parameters[0]
    assert torch.equal(scaled[0], model.parameters[0][0])
    assert not scaled[1].any()
    assert torch.equal(scaled[2], -2 * model.parameters[0][2])


@pytest.mark.parametrize("start", ["gaussian", "identity"])
def test_psd_init_has_its_norm(run_settings, start):
    for run in run_settings("psd", start=start, cases=[{"factor_norm": norm} for norm in (1e-4, 0.5, 3.0)]):
        factor = psd.initial(run)
        assert np.sqrt((factor**2).sum()) == pytest.approx(run["factor_norm"], rel=1e-13)
        if start == "identity":
            np.testing.assert_array_equal(factor, factor[0, 0] * np.eye(4))
        else:
            assert np.linalg.matrix_rank(factor) == 4


def test_psd_init_is_a_direction_drawn_uniformly(run_settings):
    (run,) = run_settings("psd", factor_norm=2.0)
    drawn = np.stack([psd.initial({**run, "seed": seed}) for seed in range(2000)])
    # On the sphere of radius 2 in 16 dimensions an entry has mean 0 and mean square 4/16.
    for power, expected in ((1, 0.0), (2, 4 / 16)):
        moments = drawn**power
        assert (np.abs(moments.mean(0) - expected) < 5 * moments.std(0) / np.sqrt(len(drawn))).all()
    np.testing.assert_array_equal(drawn[3], psd.initial({**run, "seed": 3, "data_seed": 8}))


# -- CP ---------------------------------------------------------------------------------------------

SHAPES = [[3, 5, 2], [4, 2, 3, 5], [2, 3, 4, 2, 3]]


def outer(factors):
    """Return the sum of outer products of (runs, length, components) factors, by einsum."""
    letters = "abcde"[: len(factors)]
    return torch.einsum(",".join(f"z{a}r" for a in letters) + f"->z{letters}", *factors)


@pytest.fixture(params=SHAPES, ids=lambda shape: f"order{len(shape)}")
def cp_runs(request, run_settings):
    return run_settings("cp", "group_rmsprop", shape=request.param, factor_std=0.8, axes={"seed": [0, 1]})


def test_cp_pullback(cp_runs, place, relative):
    model = cp.Model(cp_runs, place)
    shape = (2, *cp_runs[0]["shape"])
    upstream = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert model.end_to_end().shape == shape
    for ours, oracle in zip(model.pullback(upstream), autograd(model, outer, upstream), strict=True):
        assert relative(ours, oracle) <= TIGHT


def test_cp_pullback_twice_with_a_step_between(cp_runs, place, relative):
    model = cp.Model(cp_runs, place)
    upstream = torch.ones(2, *cp_runs[0]["shape"], dtype=torch.float64)
    for _ in range(2):
        model.end_to_end()
        for parameter, gradient in zip(model.parameters, model.pullback(upstream), strict=True):
            parameter.sub_(0.1 * gradient)
    model.end_to_end()
    for ours, oracle in zip(model.pullback(upstream), autograd(model, outer, upstream), strict=True):
        assert relative(ours, oracle) <= TIGHT


def test_cp_end_to_end_is_tensorly_s(cp_runs, place, relative):
    model = cp.Model(cp_runs, place)
    found = model.end_to_end().numpy()
    for run in range(2):
        factors = [parameter[run].numpy() for parameter in model.parameters]
        assert relative(found[run], tensorly.cp_to_tensor((None, factors))) <= TIGHT


def test_cp_observables(cp_runs, place, relative):
    model = cp.Model(cp_runs, place)
    end_to_end = model.end_to_end()
    gradients = model.pullback(end_to_end)  # dL/dW = W, the gradient of half its squared norm
    found = {name: value.numpy() for name, value in model.observables(True, gradients).items()}
    for run, r in itertools.product(range(2), range(5)):
        component = outer([factor[run : run + 1, :, r : r + 1] for factor in model.parameters])[0]
        norm = component.norm()
        assert found["component_norm"][run, r] == pytest.approx(float(norm), rel=1e-12)
        slope = -(end_to_end[run] * component).sum() / norm
        assert found["component_gamma"][run, r] == pytest.approx(float(slope), rel=1e-10)
    assert relative(model.observables(False, None)["component_norm"], found["component_norm"]) <= TIGHT


def test_cp_init_is_independent_normal(run_settings):
    (run,) = run_settings("cp", "group_rmsprop", shape=[30, 40, 50], components=100, factor_std=0.05)
    entries = np.concatenate([factor.ravel() for factor in cp.initial(run)])
    assert [factor.shape for factor in cp.initial(run)] == [(30, 100), (40, 100), (50, 100)]
    # 12000 independent entries: the standard errors of their std and mean are std / sqrt(24000), std / sqrt(12000).
    assert abs(entries.std() - 0.05) < 5 * 0.05 / np.sqrt(2 * len(entries))
    assert abs(entries.mean()) < 5 * 0.05 / np.sqrt(len(entries))


# -- binary CP --------------------------------------------------------------------------------------

IMAGES = 24


@pytest.fixture
def binary(run_settings, place):
    """Three runs with 1, 3 and 2 components, and bits of which 60 pixels never vary."""
    runs = run_settings(
        "binary_cp", "adam", init_std=0.05, cases=[{"tensor_rank": rank, "seed": rank} for rank in (1, 3, 2)]
    )
    model = binary_cp.Model(runs, place)
    bits = np.random.default_rng(0).integers(0, 2, (IMAGES, binary_cp.PIXELS)).astype(float)
    bits[:, 100:130], bits[:, 130:160] = 0, 1
    upstream = np.random.default_rng(1).standard_normal((IMAGES, 3))
    return model, place(bits), place(upstream)


OWNER = np.array([0, 1, 1, 1, 2, 2])


def gathered(factors, bits):
    """Return the factors that each image selects, (images, pixels, columns)."""
    return torch.where(bits[:, :, None] == 1, factors[1], factors[0])


def plain_predictions(factors, bits):
    """Return the predictions as a plain product over pixels, summed over the columns of each run."""
    columns = gathered(factors, bits).prod(1)
    return torch.stack([columns[:, run == OWNER].sum(1) for run in range(3)], dim=1)


def plain_gradients(factors, bits, upstream):
    """Return the product-form gradients: each pixel's is the product over all other pixels."""
    chosen = gathered(factors, bits).numpy()
    one = np.ones((IMAGES, 1, chosen.shape[2]))
    before = np.cumprod(np.concatenate([one, chosen[:, :-1]], axis=1), axis=1)
    after = np.cumprod(np.concatenate([one, chosen[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    each = upstream.numpy()[:, OWNER][:, None] * before * after
    is_one = bits.numpy()[:, :, None]
    return [(each * (1 - is_one)).sum(0), (each * is_one).sum(0)]


def assert_exact(binary, relative):
    model, bits, upstream = binary
    assert relative(model.end_to_end(bits), plain_predictions(model.parameters, bits)) <= TIGHT
    found, expected = model.pullback(upstream), plain_gradients(model.parameters, bits, upstream)
    for ours, oracle in zip(found, expected, strict=True):
        assert relative(ours, oracle) <= TIGHT


def test_binary_cp_pullback_against_autograd(binary, relative):
    model, bits, upstream = binary
    model.end_to_end(bits)
    oracle = autograd(model, lambda factors: plain_predictions(factors, bits), upstream)
    for ours, theirs in zip(model.pullback(upstream), oracle, strict=True):
        assert relative(ours, theirs) <= TIGHT


def test_binary_cp_positive_factors(binary, relative):
    assert_exact(binary, relative)


def test_binary_cp_negative_factors(binary, relative):
    flips = np.random.default_rng(2)
    for factor in binary[0].parameters:
        factor[torch.from_numpy(flips.random(factor.shape) < 0.1)] *= -1
    assert_exact(binary, relative)


def test_binary_cp_one_negative_factor(binary, relative):
    binary[0].parameters[0][5, 2] *= -1
    assert_exact(binary, relative)


@pytest.mark.parametrize("bit", [0, 1])
@pytest.mark.parametrize("pixel", [7, 110, 140], ids=["varies", "always 0", "always 1"])
def test_binary_cp_a_zero_factor(binary, relative, bit, pixel):
    binary[0].parameters[bit][pixel, 3] = 0.0
    assert_exact(binary, relative)


@pytest.mark.parametrize("bit", [0, 1])
def test_binary_cp_a_nearly_zero_factor(binary, relative, bit):
    binary[0].parameters[bit][7, 3] = -1e-9
    assert_exact(binary, relative)


def test_binary_cp_two_zero_factors_in_a_column(binary, relative):
    binary[0].parameters[0][7, 3] = binary[0].parameters[1][9, 3] = 0.0
    assert_exact(binary, relative)


def test_binary_cp_pixels_that_never_vary(binary):
    model, bits, upstream = binary
    model.end_to_end(bits)
    zero, one = model.pullback(upstream)
    assert not one[100:130].any()
    # The difference of two equal sums, taken in two orders.
    assert zero[130:160].abs().max() <= TIGHT * one.abs().max()


def test_binary_cp_other_batch_sizes_between(binary, relative):
    model, bits, _ = binary
    expected = model.end_to_end(bits).clone()
    assert relative(model.end_to_end(bits[:5]), expected[:5]) <= TIGHT
    assert relative(model.end_to_end(bits), expected) == 0


def test_binary_cp_init(run_settings):
    (run,) = run_settings("binary_cp", "adam", tensor_rank=15, init_mean=1.5, init_std=0.01)
    entries = np.stack(binary_cp.initial(run))
    assert entries.shape == (2, 784, 15)
    assert abs(entries.mean() - 1.5) < 5 * 0.01 / np.sqrt(entries.size)
    assert abs(entries.std() - 0.01) < 5 * 0.01 / np.sqrt(2 * entries.size)
