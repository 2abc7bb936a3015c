"""IDX, the format of MNIST's files."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from digits.core.errors import UserError

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def read(path: Path, dimensions: int) -> np.ndarray:
    """Read one IDX file of unsigned bytes, gzipped or not.

    The format: two zero bytes, the type (8: unsigned byte), the number of dimensions, each
    dimension as a big-endian 32-bit integer, then the values (LeCun, Cortes and Burges, "The
    MNIST database of handwritten digits").

    Returns:
        uint8 array of `dimensions` dimensions, read-only.

    Raises:
        UserError: if the magic number, the number of values or the gzip stream is wrong.

    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path.name} is a damaged gzip file ({error}); get it again") from None
    header = 4 + 4 * dimensions
    magic = content[:4].hex()
    if len(content) < header or content[:4] != bytes([0, 0, 8, dimensions]):
        raise UserError(
            f"{path.name}: expected the IDX magic number 000008{dimensions:02d} (unsigned bytes in "
            f"{dimensions} dimension(s)), received {magic or 'an empty file'}"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != np.prod(shape, dtype=np.int64):
        raise UserError(
            f"{path.name}: its header announces {' x '.join(map(str, shape))} bytes, but "
            f"{len(content) - header} follow"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def candidates(folder: Path, stem: str) -> list[Path]:
    """The files that can hold `stem`: gzipped or not, with '.' or '-' before 'idx'."""
    names = [stem, stem.replace("-idx", ".idx")]
    candidates = [folder / (name + suffix) for name in names for suffix in (".gz", "")]
    return [path for path in candidates if path.is_file()]
