"""Mirrors, hashes and the fallback: what is refused and what is stored."""

import json
from dataclasses import replace

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.datasets import download as downloading
from digits.datasets import published as published_sets
from digits.datasets import raw
from tests.raw_files import read_image, write


def download(tmp_path, name="mnist", fallback="none", path="own"):
    params = downloading.Params(name=name, path=path, fallback=fallback)
    return downloading.download(params, tmp_path / "raw", read_image, tmp_path)


def test_a_folder_is_a_mirror(published, tmp_path):
    write(tmp_path / "second", published)
    assert download(tmp_path) == "mnist"
    stored = json.loads((tmp_path / "raw" / "dataset.json").read_text())
    assert stored["name"] == "mnist"
    assert set(stored["files"]) == set(published)
    stored = raw.load(tmp_path / "raw", read_image)
    assert stored.images.shape == (8, 4, 4)
    assert stored.is_test.tolist() == [False] * 6 + [True] * 2
    assert stored.images[7, 3, 3] == 31


def test_an_address_is_a_mirror_and_goes_before_all(published, tmp_path, server, monkeypatch):
    address, folder = server
    write(folder, published)
    monkeypatch.setenv(published_sets.MIRROR_VARIABLE, address)
    assert download(tmp_path) == "mnist"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"<!DOCTYPE html><html>sign in</html>", "HTML page"),
        (b"other bytes", "expected SHA-256"),
        (b"", "expected SHA-256"),
    ],
)
def test_wrong_bytes_are_refused_and_the_next_mirror_is_tried(
    published, tmp_path, server, monkeypatch, bad, words
):
    address, folder = server
    write(folder, published | {"train-labels-idx1-ubyte.gz": bad})
    monkeypatch.setenv(published_sets.MIRROR_VARIABLE, address)
    with pytest.raises(UserError, match=words):
        download(tmp_path)
    assert not (tmp_path / "raw").exists()
    write(tmp_path / "first", published)
    assert download(tmp_path) == "mnist"


def test_a_truncated_file_is_refused(published, tmp_path):
    name = "train-images-idx3-ubyte.gz"
    write(tmp_path / "first", published | {name: published[name][:-9]})
    with pytest.raises(UserError, match=r"first/train-images.*expected SHA-256"):
        download(tmp_path)


def test_a_dead_mirror_and_a_missing_page(published, tmp_path, server, monkeypatch):
    address, _ = server
    monkeypatch.setenv(published_sets.MIRROR_VARIABLE, address)
    with pytest.raises(UserError, match="status 404"):
        download(tmp_path)
    monkeypatch.setenv(published_sets.MIRROR_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9: no answer"):
        download(tmp_path)


def test_a_wrong_count_is_refused(published, tmp_path, monkeypatch):
    monkeypatch.setitem(
        published_sets.PUBLISHED, "mnist", replace(published_sets.PUBLISHED["mnist"], sizes=(7, 2))
    )
    write(tmp_path / "first", published)
    with pytest.raises(UserError, match=r"expected \(7, 2\) images, found \(6, 2\)"):
        download(tmp_path)


def test_a_failed_download_keeps_the_former_one(published, tmp_path):
    write(tmp_path / "raw", {"dataset.json": b"{}"})
    with pytest.raises(UserError):
        download(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_the_fallback_is_loud_and_bears_its_own_name(published, tmp_path, capsys):
    assert download(tmp_path, fallback="optdigits") == "optdigits"
    said = capsys.readouterr().err
    assert "out of reach" in said
    assert "optdigits" in said
    stored = raw.load(tmp_path / "raw", read_image)
    assert (stored.name, stored.images.shape, stored.white) == ("optdigits", (1797, 8, 8), 16)
    from sklearn.datasets import load_digits

    np.testing.assert_array_equal(stored.images, load_digits().images)
    np.testing.assert_array_equal(stored.labels, load_digits().target)
