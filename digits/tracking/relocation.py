"""A project that is moved or copied takes its store along.

MLflow writes the absolute place of artifacts into every row; those of the project's own store
follow the folder in which the project lies now.
"""

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("trace_tags", "value"),
)
"""Tables and columns in which MLflow keeps places of artifacts."""


def follow(store: Path, artifacts: Path) -> None:
    """Let every place in the store that lies in the project's former folder lie in the present one.

    Args:
        store: The SQLite file.
        artifacts: Where the project keeps artifacts now.

    """
    with contextlib.closing(sqlite3.connect(store, timeout=20)) as opened, opened:
        for former in _former(opened, artifacts):
            for before, now in (
                (f"{former.as_uri()}/", f"{artifacts.parent.as_uri()}/"),
                (f"{former}/", f"{artifacts.parent}/"),
            ):
                for table, column in _there(opened):
                    opened.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (now, len(before) + 1, len(before), before),
                    )


def _former(opened: sqlite3.Connection, artifacts: Path) -> list[Path]:
    """Folders in which experiments keep artifacts as this project does, and that are not its."""
    ending = f"/{artifacts.name}"
    here = artifacts.as_uri()
    found = opened.execute("SELECT artifact_location FROM experiments").fetchall()
    return [
        Path(url2pathname(urlsplit(place).path)).parent
        for (place,) in found
        if place and place.startswith("file://") and place.endswith(ending) and place != here
    ]


def _there(opened: sqlite3.Connection) -> list[tuple[str, str]]:
    """Those of `PLACES` that this version of MLflow has."""
    return [
        (table, column)
        for table, column in PLACES
        if column in {row[1] for row in opened.execute(f"PRAGMA table_info({table})")}
    ]
