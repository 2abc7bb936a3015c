"""`digits release` and `digits fetch`: models for who does not train."""

from pathlib import Path
from typing import Annotated

import typer


def release(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
) -> None:
    """Write the models with report, lock files, bill of materials and checksums into a folder.

    Any web server or release page can hold it; `digits fetch` gets it from there.
    """
    from digits.team import release as releases
    from digits.team.fetch import INDEX, digest

    index = releases.make(folder)
    size = sum(member.size for member in index.files.values())
    print(f"{folder}: {', '.join(index.models)}; {len(index.files)} files, {size / 2**20:.0f} MiB")
    print(f"sha256 of {INDEX}: {digest(folder / INDEX)}")


def fetch(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where the release's folder is.")],
    sha256: Annotated[
        str | None,
        typer.Option(help="Of release.json, as `digits release` told it; others are refused."),
    ] = None,
) -> None:
    """Get the models of a release and check them; what was cut off goes on where it was."""
    from digits.core import paths
    from digits.team import fetch as getting

    index = getting.fetch(url, paths.ROOT, sha256, lambda line: print(line, flush=True))
    print(f"models: {', '.join(index.models)}; read an image with `digits predict IMAGE`")
