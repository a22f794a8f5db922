"""Every closed-form pull-back against autograd or a plain product, and every initialisation."""

import itertools

import numpy as np
import pytest
import tensorly
import torch

from greedyrank.data.images import PIXELS
from greedyrank.factorizations import binary_cp, cp, deep_cp, deep_matrix, hierarchical, psd, tucker
from greedyrank.kernels.image_bits import FloatImages
from greedyrank.plugins import plugin
from greedyrank.problems import completion

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


@pytest.fixture(params=[None, 2], ids=["square", "two columns"])
def columns(request):
    return request.param


@pytest.fixture
def psd_runs(run_settings, columns):
    cases = [{"factor_norm": 0.7, "seed": 0}, {"factor_norm": 2.0, "seed": [1, 2]}]
    return run_settings("psd", shape=[5, 5], columns=columns, cases=cases)


def test_psd_end_to_end(psd_runs, columns, place, relative):
    found = psd.Model(psd_runs, place).end_to_end()
    assert found.shape == (3, 5, 5)
    for run, matrix in zip(psd_runs, found.numpy(), strict=True):
        factor = psd.initial(run)
        assert relative(matrix, np.einsum("ik,jk->ij", factor, factor)) <= TIGHT
        assert np.linalg.eigvalsh(matrix)[0] >= -1e-14
        assert np.linalg.matrix_rank(matrix) == (columns or 5)


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


def test_balanced_cp_init_keeps_directions_and_component_norms(cp_runs):
    for run in cp_runs:
        drawn, balanced = cp.initial(run), cp.initial({**run, "balanced": True})
        norms, ours = (np.stack([np.linalg.norm(factor, axis=0) for factor in found]) for found in (drawn, balanced))
        assert norms.std(0).min() > 1e-3  # or there is nothing to balance
        np.testing.assert_allclose(ours, np.broadcast_to(ours[0], ours.shape), rtol=1e-13)
        np.testing.assert_allclose(ours.prod(0), norms.prod(0), rtol=1e-12)
        for factor, found, norm, its in zip(drawn, balanced, norms, ours, strict=True):
            np.testing.assert_allclose(found / its, factor / norm, rtol=1e-12)


# -- Tucker, deep CP, hierarchical: their tensors, and every pull-back ---------------------------------

LETTERS = "abcdefgh"
# Leaves, weights level by level, root.
HIERARCHICAL = {
    2: "zap,zbp,zp->zab",
    4: "zai,zbi,zcj,zdj,zip,zjp,zp->zabcd",
    8: "zai,zbi,zcj,zdj,zek,zfk,zgl,zhl,zim,zjm,zkn,zln,zmp,znp,zp->zabcdefgh",
}


def chains_of(parameters, sizes, depth):
    """Return a, M_1, ... of each mode of (columns, length); modes of equal size are stacked in one parameter."""
    found, parameters = {}, list(parameters)
    for size in dict.fromkeys(sizes):
        stacked = [parameters.pop(0) for _ in range(depth)]
        modes = [mode for mode, other in enumerate(sizes) if other == size]
        found |= {mode: [factor[:, position] for factor in stacked] for position, mode in enumerate(modes)}
    assert not parameters
    return [found[mode] for mode in range(len(sizes))]


def chains_in(run, parameters):
    """Return the chains among the parameters of Tucker or deep CP, mode by mode."""
    if "components" in run:
        return chains_of(parameters, [(run["components"], length) for length in run["shape"]], run["depth"])
    sizes = list(zip(run["core_shape"] or run["shape"], run["shape"], strict=True))
    return chains_of(parameters[1:], sizes, run["depth"])


def chained(factors):
    """Return M_1 ... M_{K-1} a, (runs, columns, length)."""
    vectors, *matrices = factors
    for matrix in reversed(matrices):
        vectors = torch.einsum("zcij,zcj->zci", matrix, vectors)
    return vectors


def forward_of(run):
    """Return the tensors of a batch as a function of its parameters, by einsum."""
    modes = LETTERS[: len(run["shape"])]
    if "widths" in run:
        return lambda parameters: torch.einsum(HIERARCHICAL[len(modes)], *parameters)
    if "components" in run:
        return lambda parameters: outer([chained(chain).mT for chain in chains_in(run, parameters)])
    if run["depth"] == 0:
        return lambda parameters: parameters[0]
    spec = ",".join([f"z{modes}", *(f"z{a}{a.upper()}" for a in modes)]) + f"->z{modes.upper()}"
    return lambda parameters: torch.einsum(spec, parameters[0], *map(chained, chains_in(run, parameters)))


BUILT = {
    **{f"tucker depth {depth}": ("tucker", {"shape": [3, 4, 2], "depth": depth}) for depth in range(5)},
    **{f"cubic tucker depth {depth}": ("tucker", {"shape": [3, 3, 3], "depth": depth}) for depth in (0, 1, 3)},
    "tucker of order 2": ("tucker", {"shape": [5, 3], "core_shape": [2, 3], "depth": 2}),
    "tucker of order 4": ("tucker", {"shape": [4, 3, 4, 2], "core_shape": [2, 3, 2, 1], "depth": 3}),
    "core of another shape": ("tucker", {"shape": [4, 4, 4], "core_shape": [2, 3, 2], "depth": 2}),
    "plain tucker, small core": ("tucker", {"shape": [4, 3, 4], "core_shape": [2, 2, 3], "depth": 1}),
    **{
        f"deep cp depth {depth}, order {len(shape)}": ("deep_cp", {"shape": shape, "depth": depth})
        for depth, shape in itertools.product((1, 2, 3), ([3, 5], [4, 3, 4], [2, 3, 2, 2]))
    },
    "deep cp, balanced": ("deep_cp", {"shape": [3, 3, 3], "depth": 3, "balanced": True}),
    "deep cp of order 5": ("deep_cp", {"shape": [2, 3, 2, 3, 2], "depth": 2}),
    "hierarchical of order 2": ("hierarchical", {"shape": [3, 5], "widths": [4]}),
    "hierarchical of order 4": ("hierarchical", {"shape": [3, 4, 2, 3], "widths": [3, 2]}),
    "hierarchical of order 8": ("hierarchical", {"shape": [2, 3, 2, 1, 2, 2, 3, 2], "widths": [2, 3, 4]}),
    "hierarchical, balanced": ("hierarchical", {"shape": [3, 3, 3, 3], "widths": [2, 4], "balanced": True}),
}


@pytest.fixture(scope="module", params=BUILT)
def three(request, run_settings):
    """Three runs of one factorization, and its module."""
    name, settings = BUILT[request.param]
    scale = {"core_std": 0.8} if name == "tucker" else {"factor_std": 0.8}
    runs = run_settings(name, observations=4, target_rank=1, **scale, **settings, axes={"seed": [0, 1, 2]})
    return runs, plugin("factorizations", name)


@pytest.fixture
def built(three, place):
    """The same, and their model."""
    runs, module = three
    return runs, module, module.Model(runs, place)


def slopes_of(runs, contiguous=True):
    """Return some dL/dW, (runs, *shape), in memory order or with its axes in reverse order."""
    shape = (len(runs), *runs[0]["shape"])
    drawn = torch.randn(*reversed(shape), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    upstream = drawn.permute(*reversed(range(len(shape))))
    assert not upstream.is_contiguous()
    return upstream.contiguous() if contiguous else upstream


@pytest.mark.parametrize("contiguous", [True, False])
def test_pullback_and_again_after_steps(built, relative, contiguous):
    runs, _, model = built
    forward, upstream = forward_of(runs[0]), slopes_of(runs, contiguous)
    for _ in range(3):
        found = model.end_to_end()
        assert found.shape == upstream.shape
        assert relative(found, forward(model.parameters)) <= TIGHT
        gradients, oracle = model.pullback(upstream), autograd(model, forward, upstream)
        assert len(gradients) == len(model.parameters)
        for ours, theirs in zip(gradients, oracle, strict=True):
            assert relative(ours, theirs) <= TIGHT
        for parameter, gradient in zip(model.parameters, oracle, strict=True):
            parameter.sub_(0.05 * gradient / gradient.norm())


def test_runs_of_a_batch_are_independent(built, place, relative):
    runs, module, model = built
    upstream = slopes_of(runs)
    together = model.end_to_end().clone(), [gradient.clone() for gradient in model.pullback(upstream)]
    for index, run in enumerate(runs):
        alone = module.Model([run], place)
        assert relative(alone.end_to_end()[0], together[0][index]) <= TIGHT
        gradients = alone.pullback(upstream[index : index + 1])
        for ours, theirs in zip(gradients, together[1], strict=True):
            assert relative(ours[0], theirs[index]) <= TIGHT
    assert not torch.allclose(together[0][0], together[0][1])


def in_order(run, parameters):
    """Return the parameters one by one, in the order in which `initial` gives them."""
    if "widths" in run:
        return parameters
    cores = [] if "components" in run else parameters[:1]
    return [*cores, *itertools.chain(*(chains_in(run, parameters) if run["depth"] else []))]


def arrays_in(drawn):
    """Return the arrays of nested lists, in order."""
    return [drawn] if isinstance(drawn, np.ndarray) else [array for part in drawn for array in arrays_in(part)]


def test_parameters_are_what_is_drawn(built):
    runs, module, model = built
    for index, run in enumerate(runs):
        for parameter, factor in zip(in_order(run, model.parameters), arrays_in(module.initial(run)), strict=True):
            np.testing.assert_array_equal(parameter[index], factor)


def test_each_run_has_its_own_step(built, place):
    _, _, model = built
    for rate, parameter in zip(model.spread(place(np.array([1.0, 0.0, -2.0]))), model.parameters, strict=True):
        scaled = rate * parameter
        assert scaled.shape == parameter.shape
        assert torch.equal(scaled[0], parameter[0]) and not scaled[1].any()
        assert torch.equal(scaled[2], -2 * parameter[2])


def plain_chain(factors):
    """Return M_1 ... M_{K-1} a of each column, one by one: (length, columns)."""
    vectors, *matrices = factors
    columns = []
    for column, vector in enumerate(vectors):
        for matrix in reversed(matrices):
            vector = matrix[column] @ vector
        columns.append(vector)
    return np.stack(columns, axis=1)


def test_tensors_are_tensorly_s(built, relative):
    runs, module, model = built
    found = model.end_to_end().numpy()
    for run, tensor in zip(runs, found, strict=True):
        drawn = module.initial(run)
        if "widths" in run:
            leaves, levels, root = drawn
            for level in levels:
                pairs = zip(leaves[::2], leaves[1::2], level, strict=True)
                leaves = [tensorly.tenalg.khatri_rao([left, right]) @ weights for left, right, weights in pairs]
            expected = tensorly.cp_to_tensor((root, leaves)).reshape(run["shape"])
        elif "components" in run:
            expected = tensorly.cp_to_tensor((None, [plain_chain(chain) for chain in drawn]))
        else:
            core, chains = drawn
            expected = (
                tensorly.tucker_to_tensor((core, [plain_chain(chain) for chain in chains])) if chains[0] else core
            )
        assert relative(tensor, expected) <= TIGHT


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_deep_cp_of_depth_one_is_cp(run_settings, place, relative, shape, balanced):
    given = {"shape": shape, "components": 5, "factor_std": 0.8, "balanced": balanced, "axes": {"seed": [0, 1]}}
    plain_runs, deep_runs = run_settings("cp", **given), run_settings("deep_cp", depth=1, **given)
    plain, deep = cp.Model(plain_runs, place), deep_cp.Model(deep_runs, place)
    upstream = slopes_of(deep_runs)
    assert relative(deep.end_to_end(), plain.end_to_end()) <= TIGHT
    gradients, expected = deep.pullback(upstream), plain.pullback(upstream)
    for ours, factor in zip(chains_in(deep_runs[0], deep.parameters), plain.parameters, strict=True):
        assert torch.equal(ours[0].mT, factor)
    for ours, theirs in zip(chains_in(deep_runs[0], gradients), expected, strict=True):
        assert relative(ours[0].mT, theirs) <= TIGHT
    for growth in (False, True):
        ours, theirs = deep.observables(growth, gradients), plain.observables(growth, expected)
        assert set(ours) == set(theirs)
        for name, values in theirs.items():
            assert relative(ours[name], values) <= 1e-11


# -- the same: observables -----------------------------------------------------------------------------


def test_observables_by_brute_force(built):
    """Norms one by one; gamma from what W loses without a component, or by autograd."""
    runs, _, model = built
    for k, parameter in enumerate(model.parameters):
        parameter.mul_(1 + 0.1 * k)  # an init may be balanced, so that norms are alike
    upstream = slopes_of(runs)
    model.end_to_end()
    gradients = model.pullback(upstream)
    plain, growing = (
        {name: value.numpy() for name, value in model.observables(growth, gradients).items()}
        for growth in (False, True)
    )
    for index, run in enumerate(runs):
        brute = brute_tucker if "core_std" in run else brute_hierarchical if "widths" in run else brute_deep_cp
        alone = [parameter[index : index + 1].clone() for parameter in model.parameters]
        expected_plain, expected_growing = brute(run, alone, upstream[index])
        assert set(plain) == set(expected_plain) and set(growing) == set(expected_growing)
        for found, expected in ((plain, expected_plain), (growing, expected_growing)):
            for name, values in expected.items():
                np.testing.assert_allclose(found[name][index], values, rtol=1e-10, atol=1e-12, err_msg=name)


def brute_deep_cp(run, parameters, upstream):
    chains, plain, norms, gammas = chains_in(run, parameters), [], [], []
    for r in range(run["components"]):
        component = outer([chained([factor[:, r : r + 1] for factor in chain]).mT for chain in chains])[0]
        plain.append(component.norm())
        norms.append(np.prod([factor[0, r].norm() for chain in chains for factor in chain]))
        gammas.append(-(upstream * component).sum() / norms[-1])
    return {"component_norm": plain}, {"component_norm": norms, "component_gamma": gammas}


def brute_hierarchical(run, parameters, upstream):
    forward, root = forward_of(run), parameters[-1]
    *_, left, right = parameters[:-1] if len(run["shape"]) > 2 else parameters[:2]
    norms, gammas = [], []
    for s in range(run["widths"][-1]):
        norms.append(root[0, s].abs() * left[0, :, s].norm() * right[0, :, s].norm())
        alone = torch.zeros_like(root)
        alone[0, s] = root[0, s]
        gammas.append(-(upstream * forward([*parameters[:-1], alone])[0]).sum() / norms[-1])
    order = len(run["shape"])
    pairs = [  # of the nodes that join two leaves; at order 2 that is the root
        [
            parameters[n][0, :, r].norm() * parameters[n + 1][0, :, r].norm() * parameters[order + n // 2][0, r].norm()
            for r in range(run["widths"][0])
        ]
        for n in range(0, order if order > 2 else 0, 2)
    ]
    recorded = {"component_norm": norms, **({"pair_component_norm": pairs} if pairs else {})}
    return recorded, {"component_norm": norms, "component_gamma": gammas}


def brute_tucker(run, parameters, upstream):
    forward, core_shape = forward_of(run), run["core_shape"] or run["shape"]
    chains = chains_in(run, parameters) if run["depth"] else [[] for _ in core_shape]
    widest = max(core_shape)
    found = {name: np.full((len(core_shape), widest), np.nan) for name in ("slice_norm", "column_norm")}
    norms, gammas = [], []
    for mode, columns in enumerate(core_shape):
        for j in range(columns):
            core = torch.zeros_like(parameters[0])
            core.select(mode + 1, j).copy_(parameters[0].select(mode + 1, j))
            norms.append(core.norm())
            factors = [factor[0, j].norm() for factor in chains[mode]]
            through = forward([core, *parameters[1:]])[0]
            gammas.append(-(upstream * through).sum() / (norms[-1] * np.prod(factors)))
            found["slice_norm"][mode, j] = norms[-1]
            if factors:
                found["column_norm"][mode, j] = factors[0]
    return found, {"component_norm": norms, "component_gamma": gammas}


# -- the same: initialisation --------------------------------------------------------------------------


def assert_normal(entries, std):
    """Check mean, standard deviation and kurtosis of independent normal entries, to five standard errors."""
    scaled = np.concatenate([np.ravel(part) for part in entries]) / std
    for power, expected in ((1, 0.0), (2, 1.0), (4, 3.0)):
        moments = scaled**power
        assert abs(moments.mean() - expected) < 5 * moments.std() / np.sqrt(scaled.size)
    assert len(np.unique(scaled)) == scaled.size


def test_tucker_init(run_settings):
    (run,) = run_settings("tucker", shape=[20, 30, 8], core_shape=[16, 20, 6], depth=3, core_std=0.05)
    core, chains = tucker.initial(run)
    assert core.shape == (16, 20, 6)
    assert_normal([core], 0.05)
    for mode, (columns, length) in enumerate([(16, 20), (20, 30), (6, 8)]):
        shapes = [factor.shape for factor in chains[mode]]
        assert shapes == [(columns, length), (columns, length, length), (columns, length, length)]
        slices = [np.sqrt((core.take(j, axis=mode) ** 2).sum()) for j in range(columns)]
        for factor in chains[mode]:
            norms = [np.sqrt((column**2).sum()) for column in factor]
            np.testing.assert_allclose(norms, slices, rtol=1e-13)
    np.testing.assert_array_equal(tucker.initial({**run, "depth": 0})[0], core)
    whole = tucker.initial({**run, "core_shape": None, "depth": 0})
    assert whole[0].shape == (20, 30, 8) and whole[1] == [[], [], []]


@pytest.mark.parametrize("layer", [0, 1])
def test_tucker_columns_are_directions_drawn_uniformly(run_settings, layer):
    (run,) = run_settings("tucker", shape=[3, 3, 3], depth=2, core_std=0.3)
    drawn = np.stack([tucker.initial({**run, "seed": seed})[1][1][layer][2] for seed in range(600)]).reshape(600, -1)
    units = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    size = units.shape[1]
    # On the unit sphere of so many dimensions an entry has mean 0 and mean square 1 / size.
    for power, expected in ((1, 0.0), (2, 1 / size)):
        moments = units**power
        assert (np.abs(moments.mean(0) - expected) < 5 * moments.std(0) / np.sqrt(len(units))).all()


def test_deep_cp_init_is_independent_normal(run_settings):
    (run,) = run_settings("deep_cp", shape=[9, 16, 16], components=30, depth=3, factor_std=0.05)
    chains = deep_cp.initial(run)
    for length, chain in zip((9, 16, 16), chains, strict=True):
        assert [factor.shape for factor in chain] == [(30, length), (30, length, length), (30, length, length)]
        assert_normal(chain[1:], 0.05 / np.sqrt(length))
    assert_normal([chain[0] for chain in chains], 0.05)


def frobenius(factor):
    return np.sqrt((factor.reshape(len(factor), -1) ** 2).sum(1))


def test_balanced_deep_cp_init_keeps_directions_and_products(run_settings):
    (run,) = run_settings("deep_cp", shape=[3, 5, 5], components=4, depth=3)
    drawn, balanced = (
        list(itertools.chain(*deep_cp.initial({**run, "balanced": balance}))) for balance in (False, True)
    )
    norms, ours = (np.stack([frobenius(factor) for factor in found]) for found in (drawn, balanced))
    assert norms.std(0).min() > 1e-3  # or there is nothing to balance
    np.testing.assert_allclose(ours, np.broadcast_to(ours[0], ours.shape), rtol=1e-13)
    np.testing.assert_allclose(ours.prod(0), norms.prod(0), rtol=1e-12)
    for factor, found, norm, its in zip(drawn, balanced, norms, ours, strict=True):
        np.testing.assert_allclose((found.T / its).T, (factor.T / norm).T, rtol=1e-12)


@pytest.mark.parametrize(("shape", "widths"), [([30, 40], [50]), ([20, 30, 10, 9], [30, 40]), ([9] * 8, [20, 15, 30])])
def test_hierarchical_init_is_independent_normal(run_settings, shape, widths):
    (run,) = run_settings("hierarchical", shape=shape, widths=widths, factor_std=0.05)
    leaves, levels, root = hierarchical.initial(run)
    assert [leaf.shape for leaf in leaves] == [(length, widths[0]) for length in shape]
    expected = [[pair] * (len(shape) >> level) for level, pair in enumerate(itertools.pairwise(widths), start=1)]
    assert [[weights.shape for weights in level] for level in levels] == expected
    assert root.shape == (widths[-1],)
    for part in (leaves, *levels, [root]):
        assert_normal(part, 0.05)


@pytest.mark.parametrize(("shape", "widths"), [([3, 5], [4]), ([3, 4, 2, 3], [3, 2]), ([2] * 8, [2, 3, 4])])
def test_balanced_hierarchical_init_is_balanced_at_the_root(run_settings, shape, widths):
    (run,) = run_settings("hierarchical", shape=shape, widths=widths)
    drawn, balanced = (hierarchical.initial({**run, "balanced": balance}) for balance in (False, True))
    below, ours = ([*leaves, *itertools.chain(*levels)] for leaves, levels, _ in (drawn, balanced))
    for factor, found in zip(below[:-2], ours[:-2], strict=True):
        np.testing.assert_array_equal(found, factor)

    def norms(factors, root):
        return np.stack([np.abs(root), *(np.linalg.norm(factor, axis=0) for factor in factors[-2:])])

    before, after = norms(below, drawn[2]), norms(ours, balanced[2])
    assert before.std(0).min() > 1e-3  # or there is nothing to balance
    np.testing.assert_allclose(after, np.broadcast_to(after[0], after.shape), rtol=1e-13)
    np.testing.assert_allclose(after.prod(0), before.prod(0), rtol=1e-12)
    np.testing.assert_array_equal(np.sign(balanced[2]), np.sign(drawn[2]))
    for factor, found, norm, its in zip(below[-2:], ours[-2:], before[1:], after[1:], strict=True):
        np.testing.assert_allclose(found / its, factor / norm, rtol=1e-12)


@pytest.mark.parametrize("name", ["tucker", "deep_cp", "hierarchical"])
def test_an_init_follows_its_seed_alone(run_settings, name):
    def flat(run):
        return np.concatenate([array.ravel() for array in arrays_in(plugin("factorizations", name).initial(run))])

    (run,) = run_settings(name)
    first = flat(run)
    np.testing.assert_array_equal(flat({**run, "data_seed": 5, "observations": 3, "learning_rate": 1.0}), first)
    assert np.abs(flat({**run, "seed": 1}) - first).min() > 0


# -- the same: what gradient flow conserves -------------------------------------------------------------


def squared_norms(run, parameters):
    """Return squared norms that gradient flow moves alike, (factors, runs, components) in each group."""
    if "widths" in run:
        order, root = len(run["shape"]), parameters[-1]
        below, weights = parameters[:order], parameters[order:-1]
        groups = []
        while weights:
            nodes, weights = weights[: len(below) // 2], weights[len(below) // 2 :]
            groups += [
                torch.stack([(node**2).sum(2), (left**2).sum(1), (right**2).sum(1)])
                for node, left, right in zip(nodes, below[::2], below[1::2], strict=True)
            ]
            below = nodes
        return [*groups, torch.stack([root**2, *((factor**2).sum(1) for factor in below)])]
    if "depth" not in run:
        return [torch.stack([(factor**2).sum(1) for factor in parameters])]
    chains = [[(factor.flatten(2) ** 2).sum(2) for factor in chain] for chain in chains_in(run, parameters)]
    if "components" in run:
        return [torch.stack([norms for chain in chains for norms in chain])]
    slices = [(parameters[0].movedim(mode + 1, 1).flatten(2) ** 2).sum(2) for mode in range(len(run["shape"]))]
    return [torch.stack([norms, *chain]) for norms, chain in zip(slices, chains, strict=True)]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cp", {}),
        ("deep_cp", {"depth": 3}),
        ("tucker", {"depth": 1}),
        ("tucker", {"depth": 3, "core_shape": [2, 3, 2]}),
        ("hierarchical", {}),
        ("hierarchical", {"shape": [2] * 8, "widths": [2, 3, 2], "factor_std": 0.7, "observations": 200}),
    ],
)
def test_differences_of_squared_norms_are_conserved_but_for_the_step(run_settings, place, name, settings):
    """Each drifts by the order of the step: half as much with steps of half the size, over the same time."""

    def train(rate, steps):
        runs = run_settings(name, axes={"seed": [0, 1]}, **settings)
        model = plugin("factorizations", name).Model(runs, place)
        problem = completion.Problem(runs, [completion.generate(run) for run in runs], place)
        before = [norms.clone() for norms in squared_norms(runs[0], model.parameters)]
        for _ in range(steps):
            gradients = model.pullback(problem.loss_gradient(model.end_to_end()))
            for parameter, gradient in zip(model.parameters, gradients, strict=True):
                parameter.sub_(rate * gradient)
        after = squared_norms(runs[0], model.parameters)
        moved = [now - then for now, then in zip(after, before, strict=True)]
        return [norms - norms[:1] for norms in moved], [norms.abs().max() for norms in moved]

    (coarse, moved), (fine, _) = train(4e-3, 50), train(2e-3, 100)
    for ours, half, most in zip(coarse, fine, moved, strict=True):
        assert 0 < ours.abs().max() < 0.02 * most
        assert (ours - 2 * half).abs().max() < 0.05 * ours.abs().max()


# -- binary CP --------------------------------------------------------------------------------------

IMAGES = 24


@pytest.fixture
def binary(run_settings, place):
    """Three runs with 1, 3 and 2 components, and bits of which 60 pixels never vary."""
    runs = run_settings(
        "binary_cp", "adam", init_std=0.05, cases=[{"tensor_rank": rank, "seed": rank} for rank in (1, 3, 2)]
    )
    model = binary_cp.Model(runs, place)
    bits = np.random.default_rng(0).integers(0, 2, (IMAGES, PIXELS), dtype=np.uint8)
    bits[:, 100:130], bits[:, 130:160] = 0, 1
    images = FloatImages(place(bits))
    upstream = np.random.default_rng(1).standard_normal((IMAGES, 3))
    return model, images, place(bits), place(upstream)


def all_of(images):
    return images.batch(torch.arange(IMAGES))


OWNER = np.array([0, 2, 2, 1, 1, 1])  # of the columns: in the order of the ranks


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
    model, images, bits, upstream = binary
    assert relative(model.end_to_end(all_of(images)), plain_predictions(model.parameters, bits)) <= TIGHT
    found, expected = model.pullback(upstream), plain_gradients(model.parameters, bits, upstream)
    for ours, oracle in zip(found, expected, strict=True):
        assert relative(ours, oracle) <= TIGHT


def test_binary_cp_pullback_against_autograd(binary, relative):
    model, images, bits, upstream = binary
    model.end_to_end(all_of(images))
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
    model, images, bits, upstream = binary
    model.end_to_end(all_of(images))
    zero, one = model.pullback(upstream)
    assert not one[100:130].any()
    # The difference of two equal sums, taken in two orders.
    assert zero[130:160].abs().max() <= TIGHT * one.abs().max()


def test_binary_cp_minibatches(binary, relative):
    model, images, _, _ = binary
    expected = model.end_to_end(all_of(images)).clone()
    rows = torch.tensor([17, 3, 4, 20, 0])
    assert relative(model.end_to_end(images.batch(rows)), expected[rows]) <= TIGHT


def test_binary_cp_gradient_of_small_factors(binary, relative):
    """Those whose images differ so much that a difference of sums would be nothing but rounding."""
    model, images, bits, upstream = binary
    for pixel in (7, 120, 150):
        model.parameters[0][pixel] *= 1e-13
    model.end_to_end(all_of(images))
    found, expected = model.pullback(upstream), plain_gradients(model.parameters, bits, upstream)
    for pixel in (7, 120):
        assert relative(found[0][pixel], expected[0][pixel]) <= TIGHT


def test_binary_cp_init(run_settings):
    (run,) = run_settings("binary_cp", "adam", tensor_rank=15, init_mean=1.5, init_std=0.01)
    entries = np.stack(binary_cp.initial(run))
    assert entries.shape == (2, 784, 15)
    assert abs(entries.mean() - 1.5) < 5 * 0.01 / np.sqrt(entries.size)
    assert abs(entries.std() - 0.01) < 5 * 0.01 / np.sqrt(2 * entries.size)
