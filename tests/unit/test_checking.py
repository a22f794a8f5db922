"""`gr.check` of optimisers and measures: nothing wrong with greedyrank's, and words for what is wrong with others."""

import numpy as np
import pytest
import torch
import xarray as xr

import greedyrank as gr
from greedyrank import plugins
from greedyrank.config.settings.optimizers import OPTIMIZERS
from greedyrank.optimizers import gd


@pytest.mark.parametrize("settings", OPTIMIZERS.values(), ids=lambda made: made.__name__)
def test_nothing_is_wrong_with_our_optimisers(settings):
    assert gr.check(settings) == []
    assert gr.check(settings(learning_rate=0.02)) == []


def test_an_optimiser_is_tried_on_tensors_too():
    tensor = gr.Completion(shape=(2, 3, 2), target_rank=1, target_norm=2, observations=8)
    assert gr.check(gr.GroupRMSprop, tensor) == []


def with_optimizer(base, **parts):
    """Return an optimiser with some parts replaced."""

    class Changed(gr.OptimizerSettings):
        class Optimizer(base.Optimizer):
            pass

    for name, part in parts.items():
        setattr(Changed.Optimizer, name, part)
    return Changed


class Momentum(gr.OptimizerSettings):
    """Momentum, right; the faults below are small changes of it."""

    class Optimizer(gd.Optimizer):
        in_state = True

        def __init__(self, runs, model, place, place64):
            super().__init__(runs, model, place, place64)
            self._velocities = [torch.zeros_like(parameter) for parameter in model.parameters]
            if self.in_state:
                self.state |= {f"velocity{i}": velocity for i, velocity in enumerate(self._velocities)}

        def step(self, parameters, gradients):
            for velocity, gradient in zip(self._velocities, gradients, strict=True):
                velocity.mul_(0.9).add_(gradient)
            super().step(parameters, self._velocities)


def replaced(optimizer, parameters, gradients):
    for i, gradient in enumerate(gradients):
        parameters[i] = parameters[i] - 0.01 * gradient


def not_in_place(optimizer, parameters, gradients):
    gd.Optimizer.step(optimizer, [parameter.clone() for parameter in parameters], gradients)


def new_state(optimizer, parameters, gradients):
    gd.Optimizer.step(optimizer, parameters, gradients)
    optimizer.state["flow_time"] = optimizer.state["flow_time"].clone()


def clips(optimizer, parameters, gradients):
    gd.Optimizer.step(optimizer, parameters, [gradient.clamp_(-0.1, 0.1) for gradient in gradients])


def normalises_all(optimizer, parameters, gradients):
    gd.Optimizer.step(optimizer, parameters, [gradient / gradient.norm() for gradient in gradients])


def no_time(optimizer, parameters, gradients):
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.sub_(0.01 * gradient)


def timed(optimizer, parameters, gradients):
    no_time(optimizer, parameters, gradients)
    optimizer.state["flow_time"] += 0.01


def accumulates(optimizer, factors):
    optimizer._rates = factors * optimizer._rates
    gd.Optimizer.set_rate_factors(optimizer, np.ones(len(factors)))


@pytest.mark.parametrize(
    ("optimizer", "fault"),
    [
        (Momentum, None),
        (with_optimizer(Momentum, in_state=False), "after a resume the steps are others: keep in `state` all tensors"),
        (with_optimizer(gd, step=replaced), "step replaces a parameter in the list: change the tensors in place"),
        (with_optimizer(gd, step=not_in_place), "step moves no parameter, although all gradients are 0.5"),
        (with_optimizer(gd, step=new_state), "step replaces a tensor of `state`: change the tensors in place"),
        (with_optimizer(gd, step=clips), "step changes the gradients; it may only read them"),
        (with_optimizer(gd, step=normalises_all), "the parameters of run 0 in a group are off those of the run alone"),
        (with_optimizer(gd, step=no_time), "state: `flow_time` is not above 0 after a step"),
        (with_optimizer(gd, step=timed), "set_rate_factors: a run whose factor is 0 moves; it must be held exactly"),
        (with_optimizer(gd, set_rate_factors=accumulates), "set_rate_factors: factors accumulate"),
    ],
)
def test_what_is_wrong_with_an_optimiser_is_said_in_words(optimizer, fault):
    found = gr.check(optimizer)
    assert found == [] if fault is None else fault in found[0], found


def test_a_state_without_flow_time_or_of_the_wrong_kind_is_named():
    class Bare(gr.OptimizerSettings):
        class Optimizer:
            def __init__(self, runs, model, place, place64):
                self.state = {}

    class Single(gr.OptimizerSettings):
        class Optimizer:
            def __init__(self, runs, model, place, place64):
                self.state = {"flow_time": place(np.zeros(1), exact=False).float()}

    assert gr.check(Bare) == ["state has no `flow_time`, the sum of the effective learning rates so far"]
    assert gr.check(Single)[0].startswith("state: `flow_time` is torch.float32 of shape (1,); allowed: float64 of (3,)")


# -- measures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["effective_rank", "nuclear_norm", "nuclear_rank", "schatten_norms", "singular_values", "held_out_error"]
)
def test_nothing_is_wrong_with_our_measures(name):
    assert name in plugins.names("measures")
    assert gr.check(name) == []


def spectral_norm(runs):
    """Right: NaN where the records are, and of each run alone."""
    norms = abs(runs.end_to_end).sum(("row", "column"), skipna=False)
    return xr.Dataset({"spectral_norm": norms})


def filled(runs):
    return xr.Dataset({"filled": spectral_norm(runs).spectral_norm.fillna(0)})


def centred(runs):
    return xr.Dataset({"centred": runs.loss - runs.loss.mean("run")})


def over_runs(runs):
    return xr.Dataset({"over_runs": runs.loss.mean("run")})


def changing(runs):
    runs["loss"] = 2 * runs.loss
    return xr.Dataset({"changing": runs.loss})


@pytest.mark.parametrize(
    ("measure", "fault"),
    [
        (spectral_norm, None),
        (filled, "`filled` has numbers after the end of a run, where the records are NaN: they must stay NaN"),
        (centred, "`centred` of run 0 among others is not that of the run alone"),
        (over_runs, "`over_runs` has the dimensions ['record']; `run` must be one of them"),
        (changing, "it changes the runs that it is given"),
        (lambda runs: xr.Dataset(), "it returns no variable"),
        (lambda runs: runs.loss, "measure <lambda> returns DataArray; allowed: an xarray.Dataset"),
        (lambda runs: xr.Dataset({"text": ("run", ["a"] * runs.sizes["run"])}), "`text` holds <U1; allowed: numbers"),
        (lambda runs: runs.no_such_record, "measure <lambda> does not apply: 'Dataset' object has no attribute"),
        ("component_norms", "measure component_norms does not apply: "),
    ],
)
def test_what_is_wrong_with_a_measure_is_said_in_words(measure, fault):
    found = gr.check(measure)
    assert found == [] if fault is None else found[0].startswith(fault), found


def test_what_is_no_plug_in_is_named():
    with pytest.raises(gr.UserError, match="plug_in is 3; allowed: settings of a factorization or of an optimiser"):
        gr.check(3)
    with pytest.raises(gr.UserError, match="measure has 'efective_rank'; did you mean `effective_rank`"):
        gr.check("efective_rank")
    with pytest.raises(gr.UserError, match="plug_in is the class Completion; allowed: settings of"):
        gr.check(gr.Completion)
