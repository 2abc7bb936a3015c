"""What is known of the published sets."""

import re

import pytest

from digits.datasets.raw.idx import IDX_FILES
from digits.datasets.raw.published import MIRROR_VARIABLE, PUBLISHED, mirrors


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_file_has_a_size_and_a_hash(name):
    published = PUBLISHED[name]
    assert [file.name for file in published.files] == [f"{stem}.gz" for stem in IDX_FILES]
    for file in published.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        count = published.images["t10k" in file.name]
        # A gzipped file is no longer than what it holds, but for its frame.
        assert 18 < file.size < count * (784 if "images" in file.name else 1) + 99
    assert len({file.sha256 for file in published.files}) == 4
    assert len(published.classes) == 10


def test_the_variable_goes_before_the_published_mirrors(monkeypatch):
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    assert mirrors("mnist") == list(PUBLISHED["mnist"].mirrors)
    for blank in ("", " \n"):
        monkeypatch.setenv(MIRROR_VARIABLE, blank)
        assert mirrors("mnist") == list(PUBLISHED["mnist"].mirrors)
    monkeypatch.setenv(MIRROR_VARIABLE, " somewhere\n")
    assert mirrors("mnist") == ["somewhere", *PUBLISHED["mnist"].mirrors]
