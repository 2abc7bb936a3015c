"""What the stage that evaluates does before MLflow's process is started."""

from types import SimpleNamespace

import numpy as np
import pytest

from digits.core import records
from digits.data import split
from digits.evaluation import speed
from digits.inference import predictor
from stages import evaluate


def test_speeds_are_measured_before_the_publisher_is_started(monkeypatch, tmp_path):
    events = []

    def publisher():
        events.append("publisher")
        raise InterruptedError

    measured = SimpleNamespace(write=lambda path: events.append(path.name))
    part = split.Part(np.zeros((1, 28, 28, 1), np.float32), np.zeros(1, np.uint8), np.zeros(1, int))
    ready = SimpleNamespace(labels=lambda labels, classes: labels, probabilities=None)
    monkeypatch.setattr(predictor.Predictor, "load", lambda *arguments: ready)
    monkeypatch.setattr(records.Split, "read", lambda path: SimpleNamespace(classes=("0",)))
    monkeypatch.setattr(split, "read", lambda *arguments: part)
    monkeypatch.setattr(speed, "measure", lambda *arguments: measured)
    monkeypatch.setattr(evaluate, "Publisher", publisher)
    with pytest.raises(InterruptedError):
        evaluate.main("ann")
    assert events == ["speed.json", "publisher"]
