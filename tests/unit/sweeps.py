"""Sweeps and their trials, as they would be defined and recorded."""

import json
from datetime import UTC, datetime

from digits.core import config, paths
from digits.data import split
from digits.search import definition
from digits.search.definition import Sweep
from digits.search.objective import Outcome
from digits.tracking import journal

SPACE = """
train:
  cnn:
    optimizer: {choice: [adam, sgd]}
    learning_rate: {log_range: [0.001, 0.01]}
    epochs: 4
    dropout: {range: [0.0, 0.5], when: {train.cnn.optimizer: adam}}
"""


def base():
    return config.read(paths.PARAMS)


def parsed(text):
    """YAML text as plain values."""
    from digits.core import document

    return document.parse(text.encode(), "sweep.yaml")


def sweep(space=SPACE, **rest):
    """A checked sweep of the CNN; `rest` changes its definition."""
    given = {"title": "tried", "model": "cnn", "budget": {"trials": 4}} | rest
    given["space"] = parsed(space)
    return Sweep("tried", definition.parse(given, "tried.yaml"), base())


def header(one):
    return journal.Header(
        sweep="0" * 32,
        name=one.name,
        model=one.model,
        dataset="mnist",
        directions=one.definition.directions,
        definition=one.definition.model_dump(mode="json"),
        params=one.base,
        sets={"validation": {"images": 1000, "sha256": "b" * 64}},
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def trial(number, accuracy=None, state="finished", values=None, epochs=2, **measures):
    """A trial of the CNN that has ended."""
    told = {"validation_accuracy": accuracy} | measures if accuracy is not None else measures
    curve = tuple(
        {"epoch": float(epoch), "validation_accuracy": accuracy, "seconds": float(epoch)}
        for epoch in range(1, epochs + 1)
        if accuracy is not None
    )
    return journal.Trial(
        number=number,
        state=state,
        values={"train.cnn.optimizer": "sgd", "train.cnn.learning_rate": 0.002} | (values or {}),
        measures=told,
        curve=curve,
        started=1.0,
        seconds=10.0,
        hardware={"node": "here", "worker": "1"},
        error="it diverged" if state == "failed" else None,
    )


def contents(one, *trials):
    return journal.Contents(header(one), list(trials), {}, 40.0)


def data():
    """A split without images, which a stub trains on."""
    import numpy as np

    from digits.core import records

    empty = split.Part(
        np.zeros((1, 28, 28, 1), np.float32), np.zeros(1, np.uint8), np.zeros(1, np.int32)
    )
    sets = {
        name: records.Images(images=1000, per_class=(1000,), sha256=letter * 64)
        for name, letter in (("train", "a"), ("validation", "b"), ("test", "c"))
    }
    description = records.Split(
        name="mnist",
        classes=("0",),
        raw_side=(28, 28),
        white=255,
        image_shape=(28, 28, 1),
        sets=sets,
        in_two_sets=records.SharedImages(count=0, first=()),
    )
    return split.TrainingData(empty, empty, description)


def stub(task, data, on_epoch):
    """Trains nothing: the accuracy is a function of the rate; one of 0.002 to 0.003 diverges."""
    section = task.params["train"][task.model]
    rate = section["learning_rate"]
    if 0.002 < rate < 0.003:
        raise ValueError("it diverged")
    accuracy = round(1 - rate * 10, 6)
    for epoch in range(1, section["epochs"] + 1):
        on_epoch({"epoch": float(epoch), "validation_accuracy": accuracy * epoch / 4})
    measures = {"validation_accuracy": accuracy, "size_mib": section["dropout"]}
    return Outcome(measures, {"device": "cpu", "device_name": "stub"})


def written(folder, one, *trials):
    """A folder with the journal of a sweep."""
    folder.mkdir(parents=True, exist_ok=True)
    header(one).write(folder / journal.HEADER)
    writer = journal.Writer(folder)
    for ended in trials:
        writer.begin(ended.number, ended.values)
        writer.end(ended, 1.0)
    writer.close()
    return folder


def lines(folder):
    return [json.loads(line) for line in (folder / journal.TRIALS).read_text().splitlines()]
