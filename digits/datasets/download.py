"""The wanted data set into one folder: from mirrors, from the user, or the fallback."""

import functools
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from digits.core import paths, records
from digits.core.config import Section
from digits.core.errors import UserError, printable
from digits.datasets import own, transfer
from digits.datasets.raw import optdigits
from digits.datasets.raw.class_folders import ReadImage
from digits.datasets.raw.published import MIRROR_VARIABLE, PUBLISHED, File, mirrors
from digits.datasets.raw.read import read_files
from digits.datasets.replacing import digests, replaced

if TYPE_CHECKING:
    from rich.console import Console
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
        return sum(published.images) if published else None

    @property
    def published_test_size(self) -> int | None:
        """Images of the official test set, or None where the set has none."""
        published = PUBLISHED.get(self.name)
        return published.images[1] if published else None


def download(
    params: Params,
    folder: Path,
    read_image: ReadImage,
    root: Path = paths.HOME,
    limits: transfer.Limits = transfer.LIMITS,
) -> str:
    """Fill `folder` with the raw files of the wanted set and `dataset.json`, or leave it as it is.

    Args:
        params: The wanted data set.
        folder: Where the files go; replaced as a whole.
        read_image: How the images of a `folder` set are read; they are all tried.
        root: What a relative mirror or `params.path` is relative to.
        limits: How slow mirrors may be.

    Returns:
        The name of the set that was stored: `params.name`, or the fallback's.

    Raises:
        UserError: if no mirror served the right bytes and `params.fallback` is `none`, or if
            the own data set in `params.path` cannot be used.

    """
    with replaced(folder) as arriving:
        name = params.name
        if name in PUBLISHED:
            try:
                _fetch(name, arriving, root, limits)
            except UserError:
                if params.fallback == "none":
                    raise
                _announce_fallback(name)
                name = params.fallback
        if name in ("idx", "folder"):
            source = Path(os.path.abspath(root / params.path))
            own.copy(name, source, arriving, read_image)
        else:
            if name == "optdigits":
                shutil.copyfile(optdigits.bundled(), arriving / optdigits.FILE)
            read_files(arriving, name, read_image, name)
        records.RawFiles(name=name, files=digests(arriving)).write(arriving / paths.DATASET_JSON)
    return name


def _fetch(name: str, folder: Path, root: Path, limits: transfer.Limits) -> None:
    """Get every published file, each from the first mirror that serves the right bytes.

    Raises:
        UserError: with a line for each mirror, if some file was served by none.

    """
    missing = list(PUBLISHED[name].files)
    refusals: list[str] = []
    deadline = time.monotonic() + limits.total_seconds
    with _progress() as progress:
        for mirror in mirrors(name):
            shown, wanted = transfer.shown(mirror), len(missing)
            reasons = _fetch_from(mirror, missing, folder, root, limits, deadline, progress)
            if reasons:
                others = f" (and {len(reasons) - 1} more of its files)" if reasons[1:] else ""
                refusals.append(printable(f"{shown}: {reasons[0]}{others}"))
                _say(progress.console, f"refused: {refusals[-1]}")
            if len(missing) < wanted:
                _say(progress.console, f"{wanted - len(missing)} file(s) of {name} from {shown}")
            if not missing:
                return
    for path in folder.iterdir():  # the fallback's files stand alone
        path.unlink()
    lines = [f"no mirror of {name} served {missing[0].name} as it is published:", *refusals]
    raise UserError(
        "\n  ".join(lines)
        + f"\nset {MIRROR_VARIABLE} to a folder or an address that holds the four files"
    )


def _fetch_from(
    mirror: str,
    missing: list[File],
    folder: Path,
    root: Path,
    limits: transfer.Limits,
    deadline: float,
    progress: "Progress",
) -> list[str]:
    """Get what one mirror has of the `missing` files, which leave the list; why not the others."""
    reasons: list[str] = []
    for file in tuple(missing):
        task = progress.add_task(file.name, total=file.size)
        advance = functools.partial(progress.advance, task)
        try:
            transfer.fetch(mirror, file, folder / file.name, root, limits, deadline, advance)
            missing.remove(file)
        except transfer.Unusable as error:
            progress.remove_task(task)
            return [*reasons, str(error)]
        except transfer.Refused as error:
            progress.remove_task(task)
            reasons.append(f"{file.name}: {error}")
    return reasons


def _announce_fallback(name: str) -> None:
    console = _console()
    console.rule(f"{name} is out of reach", characters="=", style="bold red")
    for line in (
        f"No mirror served {name}, for the reasons above. This run uses scikit-learn's 1,797 "
        "bundled digits (optdigits) instead, and every result will say so.",
        f"The results of {name} that are committed (metrics/, reports/, dvc.lock) are replaced in "
        "the working tree by those of optdigits.",
        "",
        "  to stop now:         Ctrl-C; dataset.fallback: none in params.yaml stops always",
        "  to get them back:    git restore dvc.lock metrics reports",
        "  with a mirror again: dvc repro --force --single-item download && dvc repro",
    ):
        _say(console, line)
    console.rule(characters="=", style="bold red")


def _say(console: "Console", line: str) -> None:
    """Print one line as it is: not as markup, and not wrapped, so that commands can be copied."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _console() -> "Console":
    from rich.console import Console

    return Console(stderr=True)


def _progress() -> "Progress":
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=_console(),
    )
