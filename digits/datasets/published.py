"""The published data sets: their files by SHA-256, their mirrors, their sizes and classes."""

from dataclasses import dataclass

MIRROR_VARIABLE = "DIGITS_MIRROR"
"""The environment variable whose folder or address goes before all mirrors."""


@dataclass(frozen=True)
class Published:
    """A data set of four gzipped IDX files: their hashes, their mirrors, their sizes."""

    sha256: dict[str, str]
    mirrors: tuple[str, ...]
    sizes: tuple[int, int]
    classes: tuple[str, ...]


PUBLISHED = {
    "mnist": Published(
        sha256={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        mirrors=(
            "../shared/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
        ),
        sizes=(60_000, 10_000),
        classes=tuple("0123456789"),
    ),
    "fashion_mnist": Published(
        sha256={
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        mirrors=(
            "../shared/fashion_mnist",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        sizes=(60_000, 10_000),
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
