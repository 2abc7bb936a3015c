"""The published data sets: their files by size and SHA-256, their mirrors, images and classes."""

import os
from dataclasses import dataclass

from digits.datasets.raw.optdigits import DIGITS

MIRROR_VARIABLE = "DIGITS_MIRROR"
"""The environment variable whose folder or address goes before all mirrors."""


@dataclass(frozen=True)
class File:
    """One published file, of which every mirror must serve the same bytes."""

    name: str
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Published:
    """A data set of four gzipped IDX files."""

    files: tuple[File, ...]
    mirrors: tuple[str, ...]
    """Folders, relative to the project's root, and addresses, in the order in which to try them."""
    images: tuple[int, int]
    """Training images and official test images."""
    classes: tuple[str, ...]


PUBLISHED = {
    "mnist": Published(
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        mirrors=(
            "../shared/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
        ),
        images=(60_000, 10_000),
        classes=DIGITS,
    ),
    "fashion_mnist": Published(
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        mirrors=(
            "../shared/fashion_mnist",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        images=(60_000, 10_000),
        classes=(
            "T-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle boot",
        ),
    ),
}


def mirrors(name: str) -> list[str]:
    """Where the files of a published set may be, in the order in which to try them."""
    wanted = os.environ.get(MIRROR_VARIABLE, "").strip()
    return [*filter(None, [wanted]), *PUBLISHED[name].mirrors]
