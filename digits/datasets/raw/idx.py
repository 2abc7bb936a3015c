"""IDX, the format of MNIST's files, and the four files that make a data set.

The format: two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension
as a big-endian 32-bit integer, then the values (LeCun, Cortes and Burges, "The MNIST database of
handwritten digits").  A file may be gzipped.
"""

import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from digits.core.errors import UserError
from digits.datasets.raw import regular
from digits.datasets.raw.faults import Faults

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
DIMENSIONS = dict(zip(IDX_FILES, (3, 1, 3, 1), strict=True))
MOST_BYTES = 2**31
"""Values that a data set may hold: 2.7 million images of 28 x 28."""
MOST_PIXELS_A_SIDE = 4096


@dataclass(frozen=True)
class IdxSet:
    """The content of two or four IDX files."""

    images: np.ndarray
    """(n, height, width) uint8, the training images first."""
    labels: np.ndarray
    """(n,) uint8, as they stand in the files."""
    sizes: tuple[int, ...]
    """Training images and, where there are any, official test images."""


def files(folder: Path) -> list[Path]:
    """The files of a data set that are in `folder`."""
    return [path for stem in IDX_FILES for path in _named(folder, stem)]


def read_set(folder: Path, test_set: bool, where: str) -> IdxSet:
    """Read training and official test images with their labels.

    Args:
        folder: Holds the files that `IDX_FILES` names, gzipped or not, with '.' or '-' before
            'idx'.
        test_set: Whether the test images must be there; if not, they may both be missing.
        where: The folder, as an error names it.

    Raises:
        UserError: listing every file that is missing, damaged or does not fit the others.

    """
    faults = Faults(where)
    named = {stem: _named(folder, stem) for stem in IDX_FILES}
    if not test_set and not any(named[stem] for stem in IDX_FILES[2:]):
        named = {stem: named[stem] for stem in IDX_FILES[:2]}
    for stem, paths in named.items():
        if not paths:
            faults.add(stem, "this IDX file, gzipped (.gz) or not, is missing")
        for other in paths[1:]:
            faults.add(other.name, f"is in the way of {paths[0].name}; keep one of them")
    found = {stem: paths[0] for stem, paths in named.items() if paths}
    shapes: dict[str, tuple[int, ...]] = {}
    for stem, path in found.items():
        with faults.of(path.name), _opened(path, DIMENSIONS[stem]) as (shape, _):
            shapes[stem] = shape
    _compare(shapes, faults)
    size = sum(map(math.prod, shapes.values()))
    if size > MOST_BYTES:
        faults.add("the files together", f"expected at most {MOST_BYTES:,} values, found {size:,}")
        faults.raise_any()
    arrays: dict[str, np.ndarray] = {}
    try:
        for stem in shapes:
            with faults.of(found[stem].name):
                if faults.found:
                    check(found[stem], DIMENSIONS[stem])
                else:
                    arrays[stem] = read(found[stem], DIMENSIONS[stem])
        faults.raise_any()
        images, labels = (
            np.concatenate([arrays[stem] for stem in list(found)[start::2]]) for start in (0, 1)
        )
    except MemoryError:
        raise UserError(
            f"{where}: expected room in memory for twice {size / 2**20:,.0f} MiB of images, found "
            "less; close other programs, or use fewer images"
        ) from None
    return IdxSet(images, labels, tuple(shapes[stem][0] for stem in list(found)[::2]))


def read(path: Path, dimensions: int) -> np.ndarray:
    """Read one IDX file of unsigned bytes, gzipped or not.

    No more is unpacked than its header announces.

    Returns:
        uint8 array of `dimensions` dimensions.

    Raises:
        UserError: if the magic number, a dimension, the number of values or the gzip stream is
            wrong.

    """
    with _opened(path, dimensions) as (shape, stream):
        values = np.empty(math.prod(shape), np.uint8)
        _receive(stream, shape, lambda start, end: values[start:end])
    return values.reshape(shape)


def check(path: Path, dimensions: int) -> None:
    """Raise what `read` would raise, without keeping the values."""
    with _opened(path, dimensions) as (shape, stream):
        block = np.empty(regular.CHUNK_BYTES, np.uint8)
        _receive(stream, shape, lambda start, end: block[: end - start])


def _receive(
    stream: BufferedIOBase, shape: tuple[int, ...], place: Callable[[int, int], np.ndarray]
) -> None:
    """Read the values that a header announces, block by block, each into its `place`."""
    size, received = math.prod(shape), 0
    while received < size:
        end = min(received + regular.CHUNK_BYTES, size)
        count = stream.readinto(place(received, end).data)
        if not count:
            break
        received += count
    if received < size or stream.read(1):
        announced = " x ".join(map(str, shape))
        follow = f"{received:,}" if received < size else "more"
        raise UserError(
            f"its header announces {announced} = {size:,} bytes, but {follow} follow; get it again"
        )


@contextmanager
def _opened(path: Path, dimensions: int) -> Iterator[tuple[tuple[int, ...], BufferedIOBase]]:
    """The shape that an IDX file announces, and a stream that is at its first value."""
    try:
        with regular.opened(path) as source:
            packed = source.peek(2)[:2] == b"\x1f\x8b"
            stream = gzip.GzipFile(fileobj=source) if packed else source
            header = stream.read(4 + 4 * dimensions)
            yield _shape(header, dimensions), stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path.name}: damaged gzip file ({error}); get it again") from None
    except OSError as error:
        raise UserError(f"{path.name}: cannot be read ({error.strerror})") from None
    except UserError as error:
        message = str(error).removeprefix(f"{path.name}: ")
        raise UserError(f"{path.name}: {message}") from None


def _shape(header: bytes, dimensions: int) -> tuple[int, ...]:
    magic = header[:4]
    if magic != bytes([0, 0, 8, dimensions]):
        raise UserError(
            f"expected the IDX magic number 000008{dimensions:02d} (unsigned bytes in "
            f"{dimensions} dimension(s)), received {magic.hex() or 'an empty file'}"
        )
    if len(header) < 4 + 4 * dimensions:
        raise UserError(f"expected {dimensions} dimension(s), but the file ends before them")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if shape[0] == 0:
        raise UserError(f"expected {'images' if dimensions == 3 else 'labels'}, found none")
    if not all(1 <= side <= MOST_PIXELS_A_SIDE for side in shape[1:]):
        raise UserError(
            f"expected sides of 1 to {MOST_PIXELS_A_SIDE} pixels, received "
            f"{' x '.join(map(str, shape[1:]))}"
        )
    if math.prod(shape) > MOST_BYTES:
        raise UserError(
            f"expected at most {MOST_BYTES:,} values, but its header announces "
            f"{' x '.join(map(str, shape))} = {math.prod(shape):,}"
        )
    return shape


def _compare(shapes: dict[str, tuple[int, ...]], faults: Faults) -> None:
    """Take down what does not fit between the files."""
    for images, labels in (IDX_FILES[:2], IDX_FILES[2:]):
        if images in shapes and labels in shapes and shapes[images][0] != shapes[labels][0]:
            faults.add(
                images,
                f"holds {shapes[images][0]:,} images, but {labels} holds "
                f"{shapes[labels][0]:,} labels; they must be as many",
            )
    sides = [shapes[stem][1:] for stem in IDX_FILES[::2] if stem in shapes]
    if len(sides) == 2 and sides[0] != sides[1]:
        training, test = (f"{height} x {width}" for height, width in sides)
        faults.add(
            IDX_FILES[2], f"test images are {test} pixels, but training images are {training}"
        )


def _named(folder: Path, stem: str) -> list[Path]:
    """What is called as the file of `stem`: gzipped or not, with '.' or '-' before 'idx'."""
    names = [stem, stem.replace("-idx", ".idx")]
    candidates = [folder / (name + suffix) for name in names for suffix in (".gz", "")]
    return [path for path in candidates if os.path.lexists(path)]
