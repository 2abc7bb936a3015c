"""The wanted data set into one folder: from mirrors, from the user, or the fallback."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from digits.core import paths, records
from digits.core.config import Section
from digits.core.errors import UserError
from digits.datasets import optdigits, own, raw
from digits.datasets.published import MIRROR_VARIABLE, PUBLISHED, Published
from digits.datasets.transfer import fetch_file

if TYPE_CHECKING:
    from rich.progress import Progress


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


def download(
    params: Params, folder: Path, read_image: raw.ReadImage, root: Path = paths.HOME
) -> str:
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
            shutil.copyfile(optdigits.bundled(), arriving / optdigits.FILE)
        elif name in ("idx", "folder"):
            own.copy(name, (root / params.path).resolve(), arriving)
        records.RawFiles(
            name=name,
            files={
                str(path.relative_to(arriving)): _sha256(path)
                for path in sorted(arriving.rglob("*"))
                if path.is_file()
            },
        ).write(arriving / paths.DATASET_JSON)
        raw.load(arriving, read_image)
        shutil.rmtree(folder, ignore_errors=True)
        arriving.rename(folder)
    finally:
        shutil.rmtree(arriving, ignore_errors=True)
    return name


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
                    fetch_file(mirror, filename, sha256, folder / filename, root, progress)
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
                            f"set {MIRROR_VARIABLE} to a folder or an address that holds the "
                            "four files",
                        ]
                    )
                )


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


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
