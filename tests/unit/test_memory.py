"""Whether there is enough memory is known before a training begins, and nothing is made for it."""

import functools
import resource
import sys
import time
from dataclasses import replace
from typing import get_args

import pytest

from digits.core.errors import UserError
from digits.hardware import detect
from digits.training import export, memory
from digits.training.recipe import Recipe
from tests.unit.networks import NETWORKS, fitted, params

FLOAT32 = 4


def needed(model, bars, machine, **changes):
    recipe = params(model, **changes)
    build = functools.partial(NETWORKS[model].build, recipe, (12, 12, 1), 4)
    return memory.needed(build, recipe, machine, *bars)


def test_every_part_is_counted(bars, machine):
    need = needed("ann", bars, machine, units=[100], batch_size=32)
    weights = 144 * 100 + 100 + 100 * 4 + 4
    assert need.weights == need.gradients == need.best == FLOAT32 * weights
    # Adam keeps two averages of each weight, and a few numbers besides.
    assert 0 <= need.optimizer - 2 * FLOAT32 * weights < 100
    # The flattened pixels, the layer, its dropout, the output.
    assert need.activations == FLOAT32 * 32 * (144 + 100 + 100 + 4)
    assert need.read == sum(part.images.nbytes for part in bars)
    assert need.data == bars[1].images.nbytes


def test_what_is_not_used_is_not_counted(bars, machine):
    need = needed("ann", bars, machine, optimizer="sgd", restore_best=False)
    assert need.best == 0
    assert need.optimizer < 100
    assert needed("ann", bars, machine, batch_size=10**9) == needed(
        "ann", bars, machine, batch_size=len(bars[0])
    )
    half = needed("ann", bars, replace(machine, precision="bfloat16"))
    assert 2 * half.activations == needed("ann", bars, machine).activations


@pytest.mark.parametrize("optimizer", get_args(Recipe.model_fields["optimizer"].annotation))
def test_every_optimizer_can_be_counted(bars, machine, optimizer):
    assert needed("ann", bars, machine, optimizer=optimizer, units=[8]).optimizer >= 0


@pytest.mark.parametrize(
    ("model", "absurd"),
    [
        ("ann", {"units": [200_000, 200_000]}),
        ("ann", {"units": [10**9, 10**9]}),
        ("ann", {"units": [10**9] * 10}),
        ("cnn", {"filters": [10**6, 10**6], "kernel_sizes": [3, 3]}),
        ("cnn", {"filters": [10**9, 10**9, 10**9]}),
        ("cnn", {"units": [10**9]}),
        ("vgg16", {"units": [10**6, 10**6]}),
        ("vgg16", {"units": [10**9, 10**9]}),
    ],
)
def test_absurd_widths_are_refused_without_being_made(bars, machine, model, absurd):
    needed(model, bars, machine)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    need = needed(model, bars, machine, **absurd)
    with pytest.raises(UserError) as caught:
        memory.check(f"train.{model}", need, machine)
    assert time.process_time() - began < 5
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < (100 * 2**20 if sys.platform == "darwin" else 100 * 2**10)
    assert str(caught.value).startswith(f"train.{model}: training needs at least ")
    assert "GiB are free" in str(caught.value)


def test_an_absurd_batch_is_refused(bars, machine, monkeypatch):
    small, large = (needed("cnn", bars, machine, batch_size=size) for size in (2, 10**6))
    enough = small.data + small.training + small.exporting
    assert large.training > enough
    monkeypatch.setattr(detect, "available_memory", lambda: enough)
    memory.check("train.cnn", small, machine)
    with pytest.raises(UserError, match="batch_size smaller"):
        memory.check("train.cnn", large, machine)


def test_what_is_read_already_is_not_asked_for_twice(bars, machine, monkeypatch):
    need = replace(needed("ann", bars, machine, units=[8]), read=10**15)
    monkeypatch.setattr(detect, "available_memory", lambda: 10**9)
    memory.check("train.ann", need, machine)


def test_a_gpu_holds_the_training_and_main_memory_the_export(bars, machine, monkeypatch):
    need = needed("ann", bars, machine)
    on_gpu = replace(machine, device="gpu")
    monkeypatch.setattr(detect, "available_memory", lambda: need.data + need.exporting)
    monkeypatch.setattr(detect, "available_gpu_memory", lambda: need.training)
    memory.check("train.ann", need, on_gpu)
    monkeypatch.setattr(detect, "available_gpu_memory", lambda: need.training - 1)
    with pytest.raises(UserError, match="of the GPU's memory"):
        memory.check("train.ann", need, on_gpu)


def test_a_model_that_no_file_can_hold_is_refused(bars, machine, monkeypatch):
    monkeypatch.setattr(detect, "available_memory", lambda: 10**15)
    need = needed("ann", bars, machine, units=[25_000, 25_000])
    with pytest.raises(UserError, match=r"weights take .* its file may hold 2\.00 GiB"):
        memory.check("train.ann", need, machine)


def test_counting_leaves_no_trace_in_what_is_trained(bars, machine, tmp_path):
    for name in ("before", "after"):
        trained = fitted(bars, machine, epochs=1)
        export.save_keras(trained.network, tmp_path / name)
        needed("cnn", bars, machine)
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
