"""What several unit tests need."""

import hashlib

import numpy as np
import pytest

from digits.data import split
from digits.datasets.raw import published as published_sets
from digits.hardware import selection
from tests.raw_files import small_set


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A small published set, whose mirrors are two folders that do not exist yet."""
    monkeypatch.delenv(published_sets.MIRROR_VARIABLE, raising=False)
    content = small_set()
    small = published_sets.Published(
        files=tuple(
            published_sets.File(name, len(data), hashlib.sha256(data).hexdigest())
            for name, data in content.items()
        ),
        mirrors=("first", "second"),
        images=(6, 2),
        classes=("0", "1"),
    )
    monkeypatch.setitem(published_sets.PUBLISHED, "mnist", small)
    return content


@pytest.fixture
def machine(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        monkeypatch.setenv(name, "")
    wanted = selection.Params(device="cpu", precision="float32", threads=0, label="")
    return selection.choose(wanted)


@pytest.fixture
def bars(rng):
    """Images of a bright bar whose column is the class: a task that is learnt in seconds."""
    labels = rng.integers(0, 4, 400).astype(np.uint8)
    images = rng.random((400, 12, 12, 1)).astype(np.float32) * 0.3
    for image, label in zip(images, labels, strict=True):
        image[:, 3 * label : 3 * label + 2] = 1
    parts = (slice(0, 300), slice(300, 400))
    return [split.Part(images[part], labels[part], np.arange(400)[part]) for part in parts]
