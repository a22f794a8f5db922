"""The autoencoder against torch modules, its problem against Pillow and numpy, its training against torch.optim."""

import itertools

import numpy as np
import pytest
import scipy.stats
import torch
import xarray as xr
from PIL import Image
from torch import nn

import synthetic
from greedyrank.data import images
from greedyrank.factorizations import autoencoder
from greedyrank.problems import autoencoding
from greedyrank.training import job
from greedyrank.training.stepper import TorchStepper
from jing_2020.irmae_spectrum import statistics as claims

TIGHT = 1e-12
SIZES = {"train": 40, "test": 21}


@pytest.fixture(autouse=True)
def digits(monkeypatch):
    """Made-up images in place of the files."""
    made = synthetic.pictures(**SIZES)
    monkeypatch.setattr(images, "load", lambda data_dir, dataset: made)
    return {part: pixels for part, (pixels, _) in made.items()}


def generate(run):
    return autoencoding.generate(run, "nowhere")


def modules(run):
    """Return the encoder, the linear layers and the decoder as torch modules, with torch's own init."""
    n = run["latent_size"]
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(128, 256, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1024, n),
    )  # fmt: skip
    linear = nn.Sequential(*[nn.Linear(n, n, bias=False) for _ in range(run["linear_layers"])])
    decoder = nn.Sequential(
        nn.Linear(n, 8192), nn.ReLU(), nn.Unflatten(1, (128, 8, 8)),
        nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 1), nn.Tanh(),
    )  # fmt: skip
    return encoder.double(), linear.double(), decoder.double()


def own_order(encoder, linear, decoder):
    """Return the parameters of modules in the order of `autoencoder.initial`."""
    return [*encoder.parameters(), *decoder.parameters(), *linear.parameters()]


def plain(run):
    """Return the modules that start where a run does."""
    parts = modules(run)
    with torch.no_grad():
        for parameter, drawn in zip(own_order(*parts), autoencoder.initial(run), strict=True):
            parameter.copy_(torch.from_numpy(drawn))  # a wrong shape is an error
    return parts


@pytest.fixture(params=[0, 1, 3])
def runs(request, run_settings):
    return run_settings("autoencoder", "adam", linear_layers=request.param, latent_size=5, axes={"seed": [0, 1, 2]})


# -- the model --------------------------------------------------------------------------------------


def test_init_is_that_of_torch(runs):
    run = runs[0]
    torch.manual_seed(0)
    theirs = own_order(*modules(run))
    for drawn, parameter in zip(autoencoder.initial(run), theirs, strict=True):
        assert drawn.shape == tuple(parameter.shape)
        bound, largest = np.abs(parameter.detach().numpy()).max(), np.abs(drawn).max()
        if drawn.size >= 128:  # the largest of so many comes close to the bound, in either draw
            assert largest == pytest.approx(bound, rel=0.1)
            # Twelve standard errors of the variance of uniform numbers, four of whose fifths are their squared mean.
            assert drawn.var() == pytest.approx(bound**2 / 3, rel=0.2 + 12 * (0.8 / drawn.size) ** 0.5)


def test_runs_of_one_seed_share_encoder_and_decoder(run_settings):
    without, with_layers = (
        autoencoder.initial(run_settings("autoencoder", "adam", linear_layers=layers)[0]) for layers in (0, 3)
    )
    assert len(with_layers) == len(without) + 3
    for one, other in zip(without, with_layers[: len(without)], strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in itertools.combinations(with_layers[-3:], 2):
        assert (one != other).any()


def test_forward_and_pullback_are_those_of_torch_modules(runs, place, relative):
    model = autoencoder.Model(runs, place)
    block = place(np.random.default_rng(0).random((4, 1, 32, 32)))
    upstream = place(np.random.default_rng(1).standard_normal((len(runs), 4, 1, 32, 32)))
    with torch.no_grad():
        outputs = model.end_to_end(block)
        assert not outputs.requires_grad
        codes = model.encode(block)
        found = model.pullback(upstream)
        assert torch.equal(model.decode(codes), outputs)
    for index, run in enumerate(runs):
        encoder, linear, decoder = plain(run)
        code = linear(encoder(block))
        assert relative(codes[index], code.detach()) <= TIGHT
        out = decoder(code)
        assert relative(outputs[index], out.detach()) <= TIGHT
        (out * upstream[index]).sum().backward()
        for gradient, parameter in zip(found, own_order(encoder, linear, decoder), strict=True):
            assert relative(gradient[index], parameter.grad) <= TIGHT


# -- the problem ------------------------------------------------------------------------------------


def test_first_images_are_taken(digits, run_settings):
    (run,) = run_settings("autoencoder", "adam", train_size=9, test_size=5)
    found = generate(run)
    for part, size in (("train", 9), ("test", 5)):
        assert found[f"{part}_pixels"].dtype == np.uint8
        np.testing.assert_array_equal(found[f"{part}_pixels"], digits[part][:size])


def test_images_are_resized_as_pillow_does(digits):
    expected = [np.asarray(Image.fromarray(image).resize((32, 32), Image.BILINEAR)) for image in digits["train"]]
    np.testing.assert_array_equal(autoencoding.resized(digits["train"])[:, 0], np.stack(expected))


@pytest.mark.parametrize("batch_size", [8, 12], ids=["even batches", "a short last batch"])
def test_minibatches_are_the_images_in_order(run_settings, place, batch_size):
    (run,) = run_settings("autoencoder", "adam", batch_size=batch_size, train_size=40)
    problem = autoencoding.Problem([run], [generate(run)], place)
    expected = autoencoding.resized(generate(run)["train_pixels"]) / 255
    assert problem.steps_per_epoch == -(-40 // batch_size)
    for epoch in range(2):
        steps = range(epoch * problem.steps_per_epoch, (epoch + 1) * problem.steps_per_epoch)
        shown = [problem.inputs(step).numpy() for step in steps]
        assert {len(block) for block in shown[:-1]} == {batch_size}
        np.testing.assert_allclose(np.concatenate(shown), expected, rtol=1e-15)


def test_loss_is_the_mean_over_the_epoch_so_far(run_settings, place, relative):
    runs = run_settings("autoencoder", "adam", batch_size=12, train_size=20, axes={"seed": [0, 1]})
    problem = autoencoding.Problem(runs, [generate(runs[0])] * 2, place)
    rng = np.random.default_rng(2)
    squares, seen = 0.0, 0
    for step in (0, 1):
        block = problem.inputs(step)
        outputs = place(rng.standard_normal((2, *block.shape)))
        leaf = outputs.clone().requires_grad_()
        nn.functional.mse_loss(leaf, block.expand(2, *block.shape), reduction="none").mean(
            (1, 2, 3, 4)
        ).sum().backward()
        assert relative(problem.loss_gradient(outputs.clone()), leaf.grad) <= TIGHT
        squares = squares + ((outputs - block) ** 2).mean((2, 3, 4)).sum(1)
        seen += len(block)
        assert relative(problem.losses(), squares / seen) <= TIGHT
    assert seen == 20
    problem.inputs(2)
    assert not problem.state["seen"].any()


@pytest.mark.parametrize("latent_size", [1, 5])
def test_spectrum_and_test_error_are_those_of_all_test_images(make_slice, relative, latent_size):
    small = make_slice("autoencoder", "adam", latent_size=latent_size, linear_layers=2, batch_size=8, test_size=21)
    (run,) = small.runs
    found = TorchStepper(small, [generate(run)], "cpu")
    found.losses()
    recorded = found.observables()
    encoder, linear, decoder = plain(run)
    block = torch.from_numpy(autoencoding.resized(generate(run)["test_pixels"]) / 255)
    with torch.no_grad():
        codes = linear(encoder(block))
        error = ((decoder(codes) - block) ** 2).mean()
    covariance = np.cov(codes.numpy().T).reshape(latent_size, latent_size)
    expected = np.sort(np.abs(np.linalg.eigvalsh(covariance)))[::-1]
    assert relative(recorded["latent_value"][0], expected) <= 1e-10
    assert recorded["test_error"] == pytest.approx(error.item(), rel=TIGHT)


# -- training ---------------------------------------------------------------------------------------


def test_training_is_that_of_torch(make_slice, relative):
    small = make_slice("autoencoder", "adam", linear_layers=2, latent_size=5, batch_size=8, axes={"seed": [0, 3]})
    both = small.runs
    stepper = TorchStepper(small, [generate(run) for run in both], "cpu")
    stepper.losses()  # looking at the loss of the start changes nothing
    stepper.advance(7)  # one epoch is 5
    for index, run in enumerate(both):
        parts = plain(run)
        parameters = own_order(*parts)
        blocks = torch.from_numpy(autoencoding.resized(generate(run)["train_pixels"]) / 255).split(8)
        optimizer = torch.optim.Adam(parameters, lr=run["learning_rate"])
        for step in range(7):
            block = blocks[step % 5]
            optimizer.zero_grad()
            nn.functional.mse_loss(nn.Sequential(*parts)(block), block).backward()
            optimizer.step()
        for ours, theirs in zip(stepper.model.parameters, parameters, strict=True):
            assert relative(ours[index], theirs.detach()) <= 1e-9


def test_records_begin_before_the_first_step(make_slice):
    small = make_slice("autoencoder", "adam", batch_size=8, stop={"max_epochs": 2})
    found = job.train(small, generate, "cpu")
    assert found["step"].tolist() == [[0, 5, 10]]
    (run,) = small.runs
    block = torch.from_numpy(autoencoding.resized(generate(run)["train_pixels"]) / 255)[:8]
    with torch.no_grad():
        error = ((nn.Sequential(*plain(run))(block) - block) ** 2).mean()
    assert found["loss"][0, 0] == pytest.approx(error.item(), rel=1e-9)
    assert found["train_error"][0, 2] < found["train_error"][0, 1]


# -- statistics of the figure -----------------------------------------------------------------------


@pytest.fixture
def measured():
    """Two seeds of 0, 1 and 8 linear layers, whose codes spread evenly in 6, 4 and 2 directions at the end."""
    even = {0: 6, 1: 4, 8: 2}
    values = np.zeros((6, 3, 6))
    names = [(layers, seed) for layers in even for seed in (0, 1)]
    for run, (layers, seed) in enumerate(names):
        values[run, :, 0] = 1
        values[run, 1, : even[layers] + seed] = 7.0
        values[run, 1, even[layers] + seed :] = 7e-3
    values[:, 2] = np.nan  # padding
    steps = np.tile([0, 5, -1], (6, 1))
    errors = np.array([[0.3, 0.01 * (1 + layers) * (1 + seed), np.nan] for layers, seed in names])
    return xr.Dataset(
        {
            "latent_value": (("run", "record", "component"), values),
            "test_error": (("run", "record"), errors),
            "step": (("run", "record"), steps),
        },
        coords={
            name: ("run", np.array(column))
            for name, column in zip(("linear_layers", "seed"), zip(*names, strict=True), strict=True)
        },
    )


def test_statistics_of_spectra(measured):
    assert claims.directions(measured, above=0.01).tolist() == [6, 6, 4, 5, 2, 3]
    assert claims.directions(measured, above=1e-4, up_to=0.01).tolist() == [0, 0, 2, 1, 4, 3]
    expected = [scipy.stats.entropy([1] * k + [1e-3] * (6 - k)) for k in (2, 6)]
    assert claims.rank_ratio(measured, layers=8)[0] == pytest.approx(np.exp(expected[0] - expected[1]))
    # A seed whose partner is missing has no ratio.
    assert len(claims.rank_ratio(measured.isel(run=slice(1, None)), layers=8)) == 1


def test_directions_at_equal_error(measured):
    # Without layers one direction at error 0.3 and 6 at 0.01 or 0.02: a straight line in logarithms.
    for layers, directions in ((1, [4, 5]), (8, [2, 3])):
        ends = [(0.01 * (1 + seed), 0.01 * (1 + layers) * (1 + seed)) for seed in (0, 1)]
        shares = [np.log(0.3 / error) / np.log(0.3 / end) for end, error in ends]
        found = claims.ratio_at_equal_error(measured, layers=layers, above=0.01)
        np.testing.assert_allclose(found, [n / 6**share for n, share in zip(directions, shares, strict=True)])
    measured.test_error[{"run": 4, "record": 1}] = 0.009  # lower than ever without layers
    assert np.isnan(claims.ratio_at_equal_error(measured, layers=8, above=0.01)).tolist() == [True, False]
