"""Training a network."""

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.data import split
from digits.inference import scoring
from digits.training import fit
from tests.unit.networks import fitted


def test_the_seed_decides(bars, machine):
    first, second = (fitted(bars, machine, seed=seed).history for seed in (1, 2))
    assert first != second


def test_early_stopping_stops(bars, machine):
    trained = fitted(bars, machine, epochs=30, early_stopping_patience=2)
    assert len(trained.history) < 30
    assert trained.kept_epoch == len(trained.history) - 2


def test_one_cycle_rises_and_falls(bars, machine):
    rates = [row["learning_rate"] for row in fitted(bars, machine, epochs=10).history]
    peak = int(np.argmax(rates))
    assert 1 <= peak <= 3
    assert rates[-1] < 0.01 * rates[peak]
    steady = fitted(bars, machine, schedule="constant", learning_rate=0.002).history
    assert [row["learning_rate"] for row in steady] == pytest.approx([0.002] * 3)


def test_without_validation_the_last_epoch_is_kept(bars, machine):
    empty = split.Part(bars[1].images[:0], bars[1].labels[:0], bars[1].index[:0])
    trained = fitted([bars[0], empty], machine, restore_best=False)
    assert trained.kept_epoch == 3
    assert "validation_accuracy" not in trained.history[0]


def test_a_training_that_diverges_ends_with_that_epoch(bars, machine):
    recipe = {"optimizer": "sgd", "schedule": "constant", "epochs": 50}
    with pytest.raises(UserError, match=r"diverged in epoch \d: .*learning rate"):
        fitted(bars, machine, model="ann", **recipe, learning_rate=1e12)


@pytest.mark.parametrize("loss", ["cross_entropy", "sum_of_squares"])
def test_images_of_no_class_get_an_even_score_and_do_not_count(bars, machine, rng, loss):
    noise = rng.random((200, 12, 12, 1)).astype(np.float32) * 0.3
    of_none = split.Part(noise, np.full(200, 4, np.uint8), np.arange(200))
    both = split.joined(bars[0], of_none)
    recipe = {"dropout": 0.0, "epochs": 10, "loss": loss}
    trained = fitted([both, bars[1]], machine, model="ann", **recipe)
    assert trained.history[-1]["train_accuracy"] > 0.8
    highest = [
        scoring.softmax(fit.logits(trained.network, images)).max(axis=1).mean()
        for images in (bars[1].images, noise)
    ]
    assert highest[0] > highest[1] + 0.2
