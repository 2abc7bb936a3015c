"""Data sets: where they are published, how they are fetched and how their files are read.

A data set is a folder of raw files, kept byte for byte, and `dataset.json`, which tells the name,
the format and the SHA-256 of every file.  `load` turns such a folder into images and labels.
"""

import gzip
import hashlib
import importlib.util
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from digits.core import files, paths
from digits.core.config import Section
from digits.core.errors import UserError

if TYPE_CHECKING:
    from rich.progress import Progress

MIRROR_VARIABLE = "DIGITS_MIRROR"
CONNECT_SECONDS, READ_SECONDS = 5, 30
CHUNK_BYTES = 1 << 18
ReadImage = Callable[[Path], np.ndarray]
"""Turns the image file of one digit into (28, 28) uint8, bright ink on a dark ground."""
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


class Params(Section):
    """Which data set the pipeline runs on."""

    name: Literal["mnist", "fashion_mnist", "optdigits", "idx", "folder"]
    """A published set, or the format of your own: IDX files, or a sub-folder of images a class."""
    path: Annotated[str, Field(min_length=1)]
    """Folder of your own data set, read when `name` is `idx` or `folder`."""
    fallback: Literal["optdigits", "none"]
    """What to use where no mirror of the named set answers."""

    @property
    def published_size(self) -> int | None:
        """Images in the named set where the split counts must add up to it, else None."""
        published = PUBLISHED.get(self.name)
        return sum(published.sizes) if published else None

    @property
    def published_test_size(self) -> int | None:
        """Images of the official test set, or None where the set has none."""
        published = PUBLISHED.get(self.name)
        return published.sizes[1] if published else None


@dataclass(frozen=True)
class Published:
    """A data set of four gzipped IDX files: their hashes, their mirrors, their sizes."""

    sha256: dict[str, str]
    mirrors: tuple[str, ...]
    sizes: tuple[int, int]
    classes: tuple[str, ...]


IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

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


@dataclass(frozen=True)
class RawSet:
    """Images and labels as published."""

    name: str
    images: np.ndarray
    """(n, height, width) uint8, bright ink on a dark ground."""
    labels: np.ndarray
    """(n,) uint8, indices into `classes`."""
    is_test: np.ndarray
    """(n,) bool, True for the official test set; all False where there is none."""
    white: int
    """The grey level of full ink: 255, or 16 in optdigits."""
    classes: tuple[str, ...]


def download(params: Params, folder: Path, read_image: ReadImage, root: Path = paths.HOME) -> str:
    """Fill `folder` with the raw files of the wanted set and `dataset.json`.

    The files arrive in a folder beside it and are moved into place together, so that an
    interrupted download leaves nothing that looks finished.

    Args:
        params: The wanted data set.
        folder: Where the files go; replaced as a whole.
        read_image: How the images of a `folder` set are read; they are all tried.
        root: What a relative mirror or `params.path` is relative to.

    Returns:
        The name of the set that was stored: `params.name`, or the fallback's.

    Raises:
        UserError: if no mirror served the right bytes and `params.fallback` is `none`, or if
            the own data set in `params.path` cannot be read.

    """
    arriving = folder.with_name(f".{folder.name}.arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    arriving.mkdir(parents=True)
    try:
        name = params.name
        if published := PUBLISHED.get(name):
            try:
                _fetch(name, published, arriving, root)
            except UserError as error:
                if params.fallback == "none":
                    raise
                _announce_fallback(name, error)
                name = params.fallback
        if name == "optdigits":
            shutil.copyfile(_bundled_digits(), arriving / "digits.csv.gz")
        elif name in ("idx", "folder"):
            _copy_own(name, (root / params.path).resolve(), arriving)
        files.write_json(
            arriving / paths.DATASET_JSON,
            {
                "name": name,
                "files": {
                    str(path.relative_to(arriving)): _sha256(path)
                    for path in sorted(arriving.rglob("*"))
                    if path.is_file()
                },
            },
        )
        load(arriving, read_image)
        shutil.rmtree(folder, ignore_errors=True)
        arriving.rename(folder)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
    return name


def load(folder: Path, read_image: ReadImage) -> RawSet:
    """Read a folder that `download` filled.

    Raises:
        UserError: if a file is missing, damaged or does not hold what its format says.

    """
    name = files.read_json(folder / paths.DATASET_JSON)["name"]
    if name == "optdigits":
        return _load_optdigits(folder / "digits.csv.gz")
    if name == "folder":
        return _load_folder(folder, read_image)
    return _load_idx(folder, name)


def _fetch(name: str, published: Published, folder: Path, root: Path) -> None:
    """Get every published file from the first mirror that serves the right bytes."""
    mirrors = [*filter(None, [os.environ.get(MIRROR_VARIABLE)]), *published.mirrors]
    silent: set[str] = set()
    refusals = []
    with _progress() as progress:
        for filename, sha256 in published.sha256.items():
            for mirror in mirrors:
                if mirror in silent:
                    continue
                try:
                    _fetch_file(mirror, filename, sha256, folder / filename, root, progress)
                    progress.console.print(f"{filename} from {mirror}")
                    break
                except UserError as error:
                    refusals.append(f"{mirror}/{filename}: {error}")
                except ConnectionError as error:
                    silent.add(mirror)
                    refusals.append(f"{mirror}: {error}")
            else:
                raise UserError(
                    "\n  ".join(
                        [
                            f"no mirror of {name} served {filename} with the published SHA-256:",
                            *refusals,
                            f"set {MIRROR_VARIABLE} to a folder or an address that holds the four files",
                        ]
                    )
                )


def _fetch_file(
    mirror: str, filename: str, sha256: str, target: Path, root: Path, progress: "Progress"
) -> None:
    """Copy one file from a folder or an address.

    Raises:
        ConnectionError: if the mirror does not answer at all.
        UserError: if it answers with anything but the published bytes.

    """
    with _open(mirror, filename, root) as (source, size):
        task = progress.add_task(filename, total=size)
        digest, head = hashlib.sha256(), b""
        with target.open("wb") as sink:
            while chunk := source.read(CHUNK_BYTES):
                head = head or chunk[:64]
                digest.update(chunk)
                sink.write(chunk)
                progress.advance(task, len(chunk))
    if digest.hexdigest() != sha256:
        target.unlink()
        progress.remove_task(task)
        if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
            raise UserError("it is an HTML page, not the file")
        raise UserError(f"expected SHA-256 {sha256}, received {digest.hexdigest()}")


@contextmanager
def _open(mirror: str, filename: str, root: Path) -> Iterator[tuple[Any, int | None]]:
    """A readable stream of the file at `mirror`, and its size in bytes where it is known."""
    if not mirror.startswith(("http://", "https://")):
        path = root / mirror / filename
        if not path.is_file():
            raise ConnectionError(f"there is no file {path}")
        with path.open("rb") as source:
            yield source, path.stat().st_size
        return
    import requests

    try:
        with requests.get(
            f"{mirror}/{filename}", stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)
        ) as answer:
            if not answer.ok:
                raise UserError(f"status {answer.status_code} {answer.reason}")
            # The published bytes are gzip files: no transfer encoding may unpack them.
            yield answer.raw, int(answer.headers.get("Content-Length", 0)) or None
    except requests.RequestException as error:
        raise ConnectionError(f"no answer ({type(error).__name__})") from None


def _progress() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=Console(stderr=True),
    )


def _announce_fallback(name: str, error: UserError) -> None:
    from rich.console import Console
    from rich.panel import Panel

    Console(stderr=True).print(
        Panel(
            f"{error}\n\n[bold]This run uses scikit-learn's 1,797 bundled digits (optdigits) "
            f"instead of {name}.[/bold] Every result will say so. When a mirror can be reached, "
            "run `dvc repro --force --single-item download` and then `dvc repro`.",
            title=f"{name} is out of reach",
            border_style="red",
        )
    )


def _bundled_digits() -> Path:
    """scikit-learn's copy of the optdigits test set, found without importing scikit-learn.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    spec = importlib.util.find_spec("sklearn")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")


def _copy_own(name: str, source: Path, target: Path) -> None:
    """Copy a user's own data set, so that the run keeps what it was made from."""
    if not source.is_dir():
        raise UserError(f"dataset.path: expected a folder, but {source} is none")
    if name == "idx":
        wanted = [path for stem in IDX_FILES for path in _idx_candidates(source, stem)[:1]]
    else:
        wanted = [
            path
            for path in sorted(source.glob("*/*"))
            if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
        ]
    if not wanted:
        expected = " or ".join(IDX_FILES[:2]) if name == "idx" else "CLASS/IMAGE.png"
        raise UserError(f"dataset.path: expected files such as {expected} in {source}, found none")
    for path in wanted:
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _idx_candidates(folder: Path, stem: str) -> list[Path]:
    """The files that can hold `stem`: gzipped or not, with '.' or '-' before 'idx'."""
    names = [stem, stem.replace("-idx", ".idx")]
    candidates = [folder / (name + suffix) for name in names for suffix in (".gz", "")]
    return [path for path in candidates if path.is_file()]


def _load_idx(folder: Path, name: str) -> RawSet:
    published = PUBLISHED.get(name)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for images_stem, labels_stem in (IDX_FILES[:2], IDX_FILES[2:]):
        found = [_idx_candidates(folder, stem) for stem in (images_stem, labels_stem)]
        if not any(found) and parts and published is None:
            continue  # an own data set may have no official test set
        for stem, candidates in zip((images_stem, labels_stem), found, strict=True):
            if not candidates:
                raise UserError(f"{folder}: the IDX file {stem}(.gz) is missing")
        images, labels = read_idx(found[0][0], 3), read_idx(found[1][0], 1)
        if len(images) != len(labels):
            raise UserError(
                f"{found[0][0].name} holds {len(images)} images, but {found[1][0].name} holds "
                f"{len(labels)} labels; they must be as many"
            )
        parts.append((images, labels))
    sizes = tuple(len(images) for images, _ in parts)
    if published and sizes != published.sizes:
        raise UserError(f"{name}: expected {published.sizes} images, found {sizes}")
    if len({images.shape[1:] for images, _ in parts}) > 1:
        raise UserError(f"{folder}: training and test images differ in height or width")
    labels = np.concatenate([labels for _, labels in parts])
    classes = published.classes if published else tuple(map(str, range(int(labels.max()) + 1)))
    return RawSet(
        name=name,
        images=np.concatenate([images for images, _ in parts]),
        labels=labels,
        is_test=np.repeat([False, True][: len(sizes)], sizes),
        white=255,
        classes=classes,
    )


def read_idx(path: Path, dimensions: int) -> np.ndarray:
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


def _load_optdigits(path: Path) -> RawSet:
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    return RawSet(
        name="optdigits",
        images=table[:, :64].reshape(-1, 8, 8),
        labels=table[:, 64],
        is_test=np.zeros(len(table), dtype=bool),
        white=16,
        classes=tuple("0123456789"),
    )


def _load_folder(folder: Path, read_image: ReadImage) -> RawSet:
    """One sub-folder a class, named by it; every image holds one digit."""
    found = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in IMAGE_SUFFIXES)
    classes = tuple(sorted({path.parent.name for path in found}))
    if len(classes) < 2:
        raise UserError(
            f"dataset.path: expected a sub-folder of images for each of two or more classes, "
            f"found {list(classes)}"
        )
    return RawSet(
        name="folder",
        images=np.stack([read_image(path) for path in found]),
        labels=np.array([classes.index(path.parent.name) for path in found], dtype=np.uint8),
        is_test=np.zeros(len(found), dtype=bool),
        white=255,
        classes=classes,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
