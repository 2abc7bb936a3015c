"""Mirrors, hashes, fallback, formats: what is refused and what is read."""

import gzip
import hashlib
import http.server
import json
import struct
import threading
from dataclasses import replace

import numpy as np
import pytest

from digits import datasets
from digits.core.errors import UserError


def params(name="mnist", fallback="none", path="own"):
    return datasets.Params(name=name, path=path, fallback=fallback)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def read_image(path):
    return np.full((28, 28), path.read_bytes()[0], np.uint8)


def small_set(images=6, tests=2) -> dict[str, bytes]:
    counts = (images, images, tests, tests)
    arrays = [
        np.arange(count * 16).reshape(count, 4, 4) % 256
        if "images" in stem
        else np.arange(count) % 2
        for stem, count in zip(datasets.IDX_FILES, counts, strict=True)
    ]
    return {
        f"{stem}.gz": gzip.compress(idx(array), mtime=0)
        for stem, array in zip(datasets.IDX_FILES, arrays, strict=True)
    }


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A small published set, whose mirrors are two folders that do not exist yet."""
    monkeypatch.delenv(datasets.MIRROR_VARIABLE, raising=False)
    content = small_set()
    small = datasets.Published(
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
        mirrors=("first", "second"),
        sizes=(6, 2),
        classes=("0", "1"),
    )
    monkeypatch.setitem(datasets.PUBLISHED, "mnist", small)
    return content


def download(tmp_path, **kwargs):
    return datasets.download(params(**kwargs), tmp_path / "raw", read_image, tmp_path)


@pytest.fixture
def server(tmp_path):
    """A web server of the folder `web`; gives its address."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()


def test_a_folder_is_a_mirror(published, tmp_path):
    write(tmp_path / "second", published)
    assert download(tmp_path) == "mnist"
    stored = json.loads((tmp_path / "raw" / "dataset.json").read_text())
    assert stored["name"] == "mnist"
    assert set(stored["files"]) == set(published)
    raw = datasets.load(tmp_path / "raw", read_image)
    assert raw.images.shape == (8, 4, 4)
    assert raw.is_test.tolist() == [False] * 6 + [True] * 2
    assert raw.images[7, 3, 3] == 31


def test_an_address_is_a_mirror_and_goes_before_all(published, tmp_path, server, monkeypatch):
    address, folder = server
    write(folder, published)
    monkeypatch.setenv(datasets.MIRROR_VARIABLE, address)
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
    monkeypatch.setenv(datasets.MIRROR_VARIABLE, address)
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
    monkeypatch.setenv(datasets.MIRROR_VARIABLE, address)
    with pytest.raises(UserError, match="status 404"):
        download(tmp_path)
    monkeypatch.setenv(datasets.MIRROR_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9: no answer"):
        download(tmp_path)


def test_a_wrong_count_is_refused(published, tmp_path, monkeypatch):
    monkeypatch.setitem(
        datasets.PUBLISHED, "mnist", replace(datasets.PUBLISHED["mnist"], sizes=(7, 2))
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
    raw = datasets.load(tmp_path / "raw", read_image)
    assert (raw.name, raw.images.shape, raw.white) == ("optdigits", (1797, 8, 8), 16)
    from sklearn.datasets import load_digits

    np.testing.assert_array_equal(raw.images, load_digits().images)
    np.testing.assert_array_equal(raw.labels, load_digits().target)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"\x00\x00\x0d\x03" + bytes(20), "received 00000d03"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "received 89504e47"),
        (idx(np.zeros((2, 3, 3)))[:-1], "announces 2 x 3 x 3 bytes, but 17 follow"),
        (gzip.compress(idx(np.zeros((2, 3, 3))))[:-12], "damaged gzip"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, content, words):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        datasets.read_idx(path, 3)


def test_an_own_idx_set_without_test_images(tmp_path):
    content = {name: data for name, data in small_set().items() if name.startswith("train")}
    write(tmp_path / "own", {name[:-3]: gzip.decompress(data) for name, data in content.items()})
    assert download(tmp_path, name="idx") == "idx"
    raw = datasets.load(tmp_path / "raw", read_image)
    assert (len(raw.images), raw.is_test.any(), raw.classes) == (6, False, ("0", "1"))


def test_own_images_and_labels_must_be_as_many(tmp_path):
    content = small_set(images=6) | {"train-labels-idx1-ubyte.gz": gzip.compress(idx(np.zeros(5)))}
    write(tmp_path / "own", content)
    with pytest.raises(UserError, match=r"6 images, but .* 5 labels"):
        download(tmp_path, name="idx")


def test_a_folder_of_classes(tmp_path):
    for name, value in (("three", 3), ("eight", 8)):
        write(tmp_path / "own" / name, {"a.png": bytes([value]), "notes.txt": b"no image"})
    assert download(tmp_path, name="folder") == "folder"
    raw = datasets.load(tmp_path / "raw", read_image)
    assert raw.classes == ("eight", "three")
    assert raw.images[:, 0, 0].tolist() == [8, 3]
    assert raw.labels.tolist() == [0, 1]


@pytest.mark.parametrize(("name", "words"), [("idx", "train-images"), ("folder", "CLASS/IMAGE")])
def test_an_empty_own_set_says_what_is_expected(tmp_path, name, words):
    (tmp_path / "own").mkdir()
    with pytest.raises(UserError, match=words):
        download(tmp_path, name=name)


def test_one_class_is_no_classification(tmp_path):
    write(tmp_path / "own" / "0", {"a.png": b"\x01"})
    with pytest.raises(UserError, match="two or more classes"):
        download(tmp_path, name="folder")
