"""A user's own data set: all that is wrong with it is found before anything is stored."""

import gzip
import io
import os
import re
import socket
import struct
import sys
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from digits.core.errors import UserError
from digits.datasets import download as downloading
from digits.datasets.raw.idx import IDX_FILES
from digits.datasets.raw.read import read_files, read_raw
from digits.scan.single.read import read_digit
from tests.raw_files import idx_bytes, small_set, write


def picture(value: int = 255) -> bytes:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[8:20, 12:16] = value
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def own(tmp_path):
    """The folder of the user's data set, two classes of one picture each."""
    folder = tmp_path / "own"
    for name in ("3", "8"):
        write(folder / name, {"0.png": picture()})
    return folder


def download(tmp_path, name):
    params = downloading.Params(name=name, path="own", fallback="none")
    return downloading.download(params, tmp_path / "raw", read_digit, tmp_path)


def refusal(tmp_path, name) -> str:
    """The error of a download that must be refused, and must keep what there was."""
    write(tmp_path / "raw", {"dataset.json": b"{}"})
    with pytest.raises(UserError) as error:
        download(tmp_path, name)
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["dataset.json"]
    return str(error.value)


# One sub-folder of images a class


def test_a_folder_of_classes(own, tmp_path):
    write(own / "3", {"1.JPEG": picture(200), "notes.txt": b"no image"})
    assert download(tmp_path, "folder") == "folder"
    stored = read_raw(tmp_path / "raw", read_digit)
    assert stored.classes == ("3", "8")
    assert stored.images.max(axis=(1, 2)).tolist() == [255, 200, 255]
    assert stored.labels.tolist() == [0, 0, 1]
    assert not stored.is_test.any()
    kept = {path.relative_to(tmp_path / "raw").as_posix() for path in tmp_path.glob("raw/**/*.*")}
    assert kept == {"dataset.json", "3/0.png", "3/1.JPEG", "8/0.png"}
    assert (tmp_path / "raw/3/0.png").read_bytes() == picture()


def test_what_is_hidden_and_what_is_no_image_is_left_out(own, tmp_path):
    write(own / ".ipynb_checkpoints", {"0-checkpoint.png": b"no image"})
    write(own / "3" / ".ipynb_checkpoints", {"0-checkpoint.png": b"no image"})
    write(own / "3", {"._0.png": b"no image", ".DS_Store": b"", "Thumbs.db": b""})
    write(own, {".0.png": b"no image", "README.md": b"about"})
    download(tmp_path, "folder")
    assert read_raw(tmp_path / "raw", read_digit).classes == ("3", "8")


def test_links_to_folders_and_files_are_followed_and_their_content_is_kept(own, tmp_path):
    (own / "8").rename(tmp_path / "elsewhere")
    (own / "8").symlink_to(tmp_path / "elsewhere")
    (own / "3" / "1.png").symlink_to("0.png")
    download(tmp_path, "folder")
    assert (tmp_path / "raw/3/1.png").read_bytes() == picture()
    assert not (tmp_path / "raw/3/1.png").is_symlink()
    assert not (tmp_path / "raw/8").is_symlink()


def a_pipe(folder):
    os.mkfifo(folder / "8" / "x.png")


def a_socket(folder):
    # The path of a socket is short; a link to its folder keeps it so.
    before = os.getcwd()
    os.chdir(folder / "8")
    socket.socket(socket.AF_UNIX).bind("x.png")
    os.chdir(before)


def unreadable(folder):
    (folder / "8" / "x.png").symlink_to("/proc/self/mem")


FOLDER_FAULTS = {
    "a dangling link": (
        lambda folder: (folder / "8" / "x.png").symlink_to("/nowhere"),
        "8/x.png: is a link to /nowhere, which does not exist",
    ),
    "a link to what a terminal would obey": (
        lambda folder: (folder / "8" / "x.png").symlink_to("no\x1b[2J\nwhere"),
        r"8/x.png: is a link to no\x1b[2J\nwhere, which does not exist",
    ),
    "a link to itself": (
        lambda folder: (folder / "8" / "x.png").symlink_to("x.png"),
        "8/x.png: cannot be reached (Too many levels of symbolic links)",
    ),
    "a folder with the name of an image": (
        lambda folder: (folder / "8" / "x.png").mkdir(),
        "8/x.png: expected a file, found a folder",
    ),
    "a named pipe": (a_pipe, "8/x.png: expected a file, found a named pipe"),
    "a socket": (a_socket, "8/x.png: expected a file, found a socket"),
    "a device": (
        lambda folder: (folder / "8" / "x.png").symlink_to("/dev/zero"),
        "8/x.png: expected a file, found a device",
    ),
    "a file that cannot be read": (unreadable, "8/x.png: the file cannot be read"),
    "a damaged image": (
        lambda folder: write(folder / "8", {"x.png": picture()[:-30]}),
        "8/x.png: expected a whole PNG image",
    ),
    "no image": (
        lambda folder: write(folder / "8", {"x.png": b"<html>"}),
        "8/x.png: expected an image, received an HTML page",
    ),
    "an empty file": (
        lambda folder: write(folder / "8", {"x.png": b""}),
        "8/x.png: expected an image, received an empty file",
    ),
    "a blank image": (
        lambda folder: write(folder / "8", {"x.png": picture(0)}),
        "8/x.png: expected one digit, found a blank picture",
    ),
    "a class without images": (
        lambda folder: write(folder / "9", {"notes.txt": b"", ".hidden.png": b""}),
        "9: expected images in the folder of this class, found none",
    ),
    "images a folder too deep": (
        lambda folder: write(folder / "9" / "deeper", {"0.png": picture()}),
        "9: expected images in the folder of this class, found none",
    ),
    "an image of no class": (
        lambda folder: write(folder, {"0.png": picture()}),
        "0.png: is in no class; move it into the sub-folder of its class",
    ),
    "a class that is a dangling link": (
        lambda folder: (folder / "9").symlink_to("/nowhere"),
        "9: is a link to /nowhere, which does not exist",
    ),
    "a class that a terminal would obey": (
        lambda folder: write(folder / "9\x1b[2J\n", {"0.png": picture()}),
        r"9\x1b[2J\n: expected a class's name of printable characters",
    ),
    "a file that a terminal would obey": (
        lambda folder: write(folder / "8", {"x\n.png": picture()}),
        r"8/x\n.png: expected a name of printable characters",
    ),
    "a name that is no text": (
        lambda folder: write(folder / "8", {os.fsdecode(b"x\xff.png"): picture()}),
        r"8/x\udcff.png: expected a name of printable characters",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="some of these files are Linux's")
@pytest.mark.parametrize("name", FOLDER_FAULTS)
def test_a_fault_of_a_folder_is_named_with_its_class(own, tmp_path, name):
    spoil, words = FOLDER_FAULTS[name]
    spoil(own)
    message = refusal(tmp_path, "folder")
    assert f"{own} has 1 fault:\n  {words}" in message
    assert "mend or remove" in message


def test_all_faults_are_told_at_once_the_first_20_by_name(own, tmp_path):
    write(own / "3", {"bad.png": b"bad"})
    (own / "8" / "link.png").symlink_to("/nowhere")
    (own / "9").mkdir()
    message = refusal(tmp_path, "folder")
    assert f"{own} has 3 faults:" in message
    assert re.findall("^  ([^:]+)", message, re.MULTILINE) == ["9", "3/bad.png", "8/link.png"]
    write(own / "3", {f"bad{number:02}.png": b"bad" for number in range(40)})
    message = refusal(tmp_path, "folder")
    assert f"{own} has 43 faults:" in message
    assert len(re.findall("^  .*: ", message, re.MULTILINE)) == 20
    assert "and 23 more" in message


def test_one_of_two_images_is_damaged(own, tmp_path):
    write(own / "8", {"0.png": picture()[:50]})
    assert "8/0.png: expected a whole PNG image" in refusal(tmp_path, "folder")


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([], "found no sub-folder"),
        ([".hidden"], "found no sub-folder"),
        (["0"], "two or more classes, files such as CLASS/IMAGE.png, found 0"),
        (range(300), "expected at most 256 classes, found 300"),
    ],
)
def test_the_number_of_classes_is_judged_before_any_image_is_read(tmp_path, classes, words):
    (tmp_path / "own").mkdir()
    for name in classes:
        write(tmp_path / "own" / str(name), {f"{number}.png": b"" for number in range(5)})
    assert words in refusal(tmp_path, "folder")


def test_as_many_classes_as_labels_can_tell_apart(tmp_path):
    for name in range(256):
        write(tmp_path / "own" / f"{name:03}", {"0.png": picture()})
    download(tmp_path, "folder")
    stored = read_raw(tmp_path / "raw", read_digit)
    assert stored.labels.tolist() == list(range(256))


@pytest.mark.parametrize("name", ["idx", "folder"])
@pytest.mark.parametrize("make", [None, lambda path: path.touch(), os.mkfifo])
def test_a_data_set_is_a_folder(tmp_path, name, make):
    if make:
        make(tmp_path / "own")
    assert "expected a folder, found none" in refusal(tmp_path, name)


# IDX files


TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (f"{stem}.gz" for stem in IDX_FILES)


def packed(array) -> bytes:
    return gzip.compress(idx_bytes(np.asarray(array)), mtime=0)


def announcing(*shape: int, values: bytes = b"") -> bytes:
    return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values


@pytest.mark.parametrize("suffix", [".gz", ""])
@pytest.mark.parametrize("dot", [False, True])
def test_an_own_idx_set_without_test_images(tmp_path, suffix, dot):
    for name, data in small_set().items():
        if name.startswith("train"):
            stem = name[:-3].replace("-idx", ".idx") if dot else name[:-3]
            write(tmp_path / "own", {stem + suffix: data if suffix else gzip.decompress(data)})
    write(tmp_path / "own", {"README.md": b"about"})
    assert download(tmp_path, "idx") == "idx"
    stored = read_raw(tmp_path / "raw", read_digit)
    assert (len(stored.images), stored.is_test.any(), stored.classes) == (6, False, ("0", "1"))
    assert len(list((tmp_path / "raw").iterdir())) == 3


def test_labels_that_leave_out_numbers_are_classes_without_gaps(tmp_path):
    labels = {TRAIN_LABELS: packed([1, 5, 26, 5, 1, 5]), TEST_LABELS: packed([26, 1])}
    write(tmp_path / "own", small_set() | labels)
    download(tmp_path, "idx")
    stored = read_raw(tmp_path / "raw", read_digit)
    assert stored.classes == ("1", "5", "26")
    assert stored.labels.tolist() == [0, 1, 2, 1, 0, 1, 2, 0]
    assert stored.labels.dtype == np.uint8


IDX_FAULTS = {
    "no images": ({TRAIN_IMAGES: announcing(0, 4, 4)}, f"{TRAIN_IMAGES}: expected images, found"),
    "no labels": ({TRAIN_LABELS: announcing(0)}, f"{TRAIN_LABELS}: expected labels, found none"),
    "a side of 0": (
        {TRAIN_IMAGES: announcing(6, 0, 4)},
        f"{TRAIN_IMAGES}: expected sides of 1 to 4096 pixels, received 0 x 4",
    ),
    "sides whose product overflows": (
        {TRAIN_IMAGES: announcing(2**31, 2**31, 4)},
        f"{TRAIN_IMAGES}: expected sides of 1 to 4096 pixels, received 2147483648 x 4",
    ),
    "a product that overflows": (
        {TRAIN_IMAGES: announcing(2**32 - 1, 4096, 4096)},
        f"{TRAIN_IMAGES}: expected at most 2,147,483,648 values",
    ),
    "a product that wraps to nothing": (
        {TRAIN_IMAGES: announcing(2**30, 4096, 4096)},
        f"{TRAIN_IMAGES}: expected at most 2,147,483,648 values",
    ),
    "labels of images": (
        {TRAIN_LABELS: small_set()[TRAIN_IMAGES]},
        f"{TRAIN_LABELS}: expected the IDX magic number 00000801",
    ),
    "other values than bytes": (
        {TRAIN_IMAGES: b"\x00\x00\x0d\x03" + bytes(99)},
        f"{TRAIN_IMAGES}: expected the IDX magic number 00000803 (unsigned bytes in 3 dimension(s))"
        ", received 00000d03",
    ),
    "an empty file": ({TRAIN_IMAGES: b""}, "received an empty file"),
    "a cut header": ({TRAIN_IMAGES: announcing(6)[:3] + b"\x03\x00"}, "ends before them"),
    "too few values": (
        {TRAIN_IMAGES: announcing(6, 4, 4, values=bytes(95))},
        "its header announces 6 x 4 x 4 = 96 bytes, but 95 follow",
    ),
    "too many values": (
        {TRAIN_IMAGES: announcing(6, 4, 4, values=bytes(97))},
        "its header announces 6 x 4 x 4 = 96 bytes, but more follow",
    ),
    "a cut gzip file": ({TRAIN_IMAGES: small_set()[TRAIN_IMAGES][:-12]}, "damaged gzip file"),
    "a damaged gzip file": (
        {TRAIN_IMAGES: small_set()[TRAIN_IMAGES][:20] + b"damage" + bytes(20)},
        "damaged gzip file",
    ),
    "a wrong checksum": (
        {TRAIN_IMAGES: small_set()[TRAIN_IMAGES][:-8] + bytes(8)},
        "damaged gzip file",
    ),
    "something behind the gzip file": (
        {TRAIN_IMAGES: small_set()[TRAIN_IMAGES] + b"something"},
        "damaged gzip file",
    ),
    "counts that do not fit": (
        {TRAIN_LABELS: packed([0, 1, 0, 1, 0])},
        f"{IDX_FILES[0]}: holds 6 images, but {IDX_FILES[1]} holds 5 labels; they must be as many",
    ),
    "test images of another size": (
        {TEST_IMAGES: packed(np.zeros((2, 4, 5)))},
        f"{IDX_FILES[2]}: test images are 4 x 5 pixels, but training images are 4 x 4",
    ),
    "one class only": (
        {TRAIN_LABELS: packed(np.full(6, 7)), TEST_LABELS: packed([7, 7])},
        f"{IDX_FILES[1]}: expected two or more classes, found only 7",
    ),
    "test labels beyond the classes": (
        {TEST_LABELS: packed([1, 9])},
        f"{IDX_FILES[3]}: expected the labels that training images have (0, 1), found also 9",
    ),
}


@pytest.mark.parametrize("name", IDX_FAULTS)
def test_a_fault_of_idx_files_is_named(tmp_path, name):
    changed, words = IDX_FAULTS[name]
    write(tmp_path / "own", small_set() | changed)
    message = refusal(tmp_path, "idx")
    assert f"{tmp_path / 'own'} has 1 fault:\n" in message
    assert words in message


STRANGE_IDX = {
    "is a link to nowhere, which does not exist": lambda path: path.symlink_to("nowhere"),
    "expected a file, found a folder": lambda path: path.mkdir(),
    "expected a file, found a named pipe": os.mkfifo,
    "expected a file, found a device": lambda path: path.symlink_to("/dev/zero"),
    "cannot be read": lambda path: path.symlink_to("/proc/self/mem"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="some of these files are Linux's")
@pytest.mark.parametrize("words", STRANGE_IDX)
def test_what_is_no_idx_file_is_named(tmp_path, words):
    write(tmp_path / "own", small_set())
    (tmp_path / "own" / TRAIN_IMAGES).unlink()
    STRANGE_IDX[words](tmp_path / "own" / TRAIN_IMAGES)
    assert f"has 1 fault:\n  {TRAIN_IMAGES}: {words}" in refusal(tmp_path, "idx")


def test_two_files_of_the_same_values_are_one_too_many(tmp_path):
    other = IDX_FILES[0].replace("-idx", ".idx")
    write(tmp_path / "own", small_set() | {other: gzip.decompress(small_set()[TRAIN_IMAGES])})
    words = f"{other}: is in the way of {TRAIN_IMAGES}; keep one of them"
    assert f"has 1 fault:\n  {words}" in refusal(tmp_path, "idx")


def test_images_that_do_not_fit_into_memory_are_told(tmp_path, monkeypatch):
    def full(arrays):
        raise MemoryError

    write(tmp_path / "own", small_set())
    monkeypatch.setattr(np, "concatenate", full)
    assert "expected room in memory for twice 0 MiB" in refusal(tmp_path, "idx")


@pytest.mark.parametrize(("name", "lost"), [("idx", TRAIN_IMAGES), ("folder", "3/0.png")])
def test_a_file_that_vanishes_after_it_was_read_is_told(own, tmp_path, monkeypatch, name, lost):
    def reading(*arguments):
        read_files(*arguments)
        (own / lost).unlink()

    write(own, small_set())
    monkeypatch.setattr("digits.datasets.own.read_files", reading)
    message = refusal(tmp_path, name)
    assert f"{lost} changed while it was read: there is no such file" in message


@pytest.mark.parametrize(
    ("present", "missing"),
    [
        ([], IDX_FILES[:2]),
        ([TRAIN_IMAGES], IDX_FILES[1:2]),
        ([TRAIN_IMAGES, TRAIN_LABELS, TEST_LABELS], IDX_FILES[2:3]),
        ([TEST_IMAGES, TEST_LABELS], IDX_FILES[:2]),
    ],
)
def test_missing_idx_files_are_named(tmp_path, present, missing):
    content = small_set()
    write(tmp_path / "own", {name: content[name] for name in present})
    message = refusal(tmp_path, "idx")
    assert re.findall("^  (.*): this IDX file", message, re.MULTILINE) == list(missing)


def test_all_faults_of_idx_files_are_told_at_once(tmp_path):
    content = {
        TRAIN_IMAGES: small_set()[TRAIN_IMAGES][:-12],
        TRAIN_LABELS: b"no IDX file",
        TEST_IMAGES: packed(np.zeros((3, 4, 5))),
    }
    write(tmp_path / "own", small_set() | content)
    message = refusal(tmp_path, "idx")
    assert "has 4 faults" in message
    for words in (
        f"{TRAIN_IMAGES}: damaged gzip file",
        f"{TRAIN_LABELS}: expected the IDX magic number 00000801",
        f"{IDX_FILES[2]}: holds 3 images, but {IDX_FILES[3]} holds 2 labels",
        f"{IDX_FILES[2]}: test images are 4 x 5 pixels",
    ):
        assert words in message


@pytest.mark.parametrize("head", [b"", announcing(6, 4, 4), announcing(2**20, 28, 28)])
def test_a_gzip_bomb_is_not_unpacked(tmp_path, head):
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as stream:
        stream.write(head)
        for _ in range(300):
            stream.write(bytes(1 << 20))
    write(tmp_path / "own", small_set() | {TRAIN_IMAGES: bomb.getvalue()})
    began = time.monotonic()
    tracemalloc.start()
    message = refusal(tmp_path, "idx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert f"{TRAIN_IMAGES}: " in message or f"{IDX_FILES[0]}: " in message
    assert peak < 40 * 2**20
    assert time.monotonic() - began < 5
