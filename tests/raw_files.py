"""Small raw data sets for tests, and how they are written."""

import gzip
import struct

import numpy as np

from digits.datasets.raw.idx import IDX_FILES


def idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def small_set(images=6, tests=2) -> dict[str, bytes]:
    counts = (images, images, tests, tests)
    arrays = [
        np.arange(count * 16).reshape(count, 4, 4) % 256
        if "images" in stem
        else np.arange(count) % 2
        for stem, count in zip(IDX_FILES, counts, strict=True)
    ]
    return {
        f"{stem}.gz": gzip.compress(idx_bytes(array), mtime=0)
        for stem, array in zip(IDX_FILES, arrays, strict=True)
    }


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def read_image(path):
    return np.full((28, 28), path.read_bytes()[0], np.uint8)
