"""What several unit tests need."""

import hashlib

import pytest

from digits.datasets.raw import published as published_sets
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
