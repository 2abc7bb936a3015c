"""MLflow's registry: what was promoted, by whom and why, and what of it may be loaded.

The registered model `digits` has a version for each promotion and the alias `champion`.  Every
change of the alias is a tag of the registered model that nobody writes again: its history.
"""

import getpass
import json
import os
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from digits.core import config
from digits.core.errors import UserError
from digits.core.record import Record, Sha256
from digits.tracking import git, models
from digits.tracking.store import Store

NAME, CHAMPION = "digits", "champion"
EVENT = "digits.event."
"""How the tags begin that are the history."""
LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-f]{32})")
"""The only source of a version that is loaded."""
LONGEST_REASON = 1000
"""Characters; MLflow takes 5,000 for a tag."""


class Event(Record):
    """A change of the champion, or an attempt that was refused."""

    at: AwareDatetime
    who: str
    action: Literal["promoted", "refused", "rolled back"]
    model: str
    sha256: Sha256
    """Of the model: the digest of its description."""
    version: int | None
    """Of the registered model; null for what was refused."""
    before: int | None
    """The champion's version until then; null where there was none."""
    why: Annotated[str, Field(max_length=LONGEST_REASON)]
    test_opened: bool
    """Whether the newcomer was compared on the test images."""


class Version(Record):
    """A version of the registered model that `digits promote` made."""

    number: int
    model: str
    sha256: Sha256
    run_id: str
    model_id: str
    """Of the logged model that has the files."""
    files: dict[str, Sha256]
    """By their names in it."""


class Registry:
    """The registered model of the project."""

    def __init__(self, store: Store) -> None:
        self.store, self.client = store, store.client

    def champion(self) -> int | None:
        """The number of the version that is champion, or None."""
        found = self._registered()
        return None if found is None or CHAMPION not in found.aliases else self._number(found)

    def _number(self, registered: Any) -> int:
        return int(registered.aliases[CHAMPION])

    def _registered(self) -> Any:
        """What MLflow has of the registered model; None where nothing was promoted yet."""
        found = self.client.search_registered_models(f"name = '{NAME}'")
        # A search gives no tags of what has many.
        return self.client.get_registered_model(NAME) if found else None

    def version(self, number: int) -> Version:
        """What a version says of itself.

        Raises:
            UserError: if `digits promote` did not make it.

        """
        found = self.client.get_model_version(NAME, str(number))
        source = LOGGED_MODEL.fullmatch(found.source)
        tags = found.tags
        try:
            members = json.loads(tags[models.FINGERPRINT])
            made = Version.of(
                {
                    "number": number,
                    "model": tags["model"],
                    "sha256": members[models.DESCRIPTION],
                    "run_id": found.run_id,
                    "model_id": source and source[1],
                    "files": members,
                },
                f"version {number}",
            )
        except (KeyError, TypeError, ValueError, UserError):
            raise _refused(number, "`digits promote` did not make it") from None
        if made.model not in config.MODELS or set(members) != set(models.places(made.model)):
            raise _refused(number, "it is not made of the files of a model")
        return made

    def register(self, model: str, run_id: str, members: dict[str, bytes]) -> Version:
        """Make a version of a run's model, which gets all its bytes.

        Args:
            model: Its name.
            run_id: Of its training.
            members: As `tracking.models.files` gives them.

        """
        wanted = models.fingerprint(members)
        logged = next(
            one
            for one in models.of_run(self.client, self.store.experiment, run_id)
            if one.tags.get(models.FINGERPRINT) == wanted
        )
        if models.WHOLE not in logged.tags:
            models.complete(self.client, logged.model_id, members)
        if self._registered() is None:
            self.client.create_registered_model(NAME)
        made = self.client.create_model_version(
            NAME,
            f"models:/{logged.model_id}",
            run_id=run_id,
            model_id=logged.model_id,
            tags={"model": model, models.FINGERPRINT: wanted},
        )
        return self.version(int(made.version))

    def crown(self, number: int) -> None:
        """Let a version be the champion."""
        self.client.set_registered_model_alias(NAME, CHAMPION, str(number))

    def record(self, event: Event) -> None:
        """Add to the history."""
        if self._registered() is None:
            self.client.create_registered_model(NAME)
        key = f"{EVENT}{event.at:%Y%m%dT%H%M%S.%f}.{uuid.uuid4().hex[:8]}"
        self.client.set_registered_model_tag(NAME, key, event.model_dump_json())

    def history(self) -> list[Event]:
        """All that happened, in order."""
        found = self._registered()
        told = {} if found is None else found.tags
        events = (
            Event.parse(content, key) for key, content in told.items() if key.startswith(EVENT)
        )
        return sorted(events, key=lambda event: event.at)

    def fetch(self, version: Version, folder: Path) -> dict[str, Path]:
        """Download the files of a version and check every one of them.

        Args:
            version: The version.
            folder: An empty folder.

        Returns:
            The files by their names in the logged model.

        Raises:
            UserError: if one is missing, or is not the one that was promoted.

        """
        logged = self.client.get_logged_model(version.model_id)
        models.download(logged, version.files, folder)
        for name, digest in version.files.items():
            if models.sha256((folder / name).read_bytes()) != digest:
                raise _refused(version.number, f"its {name} is not the one that was promoted")
        return {name: folder / name for name in version.files}


def who() -> str:
    """Who acts: the user of MLflow's server, git's, or the system's."""
    return os.environ.get("MLFLOW_TRACKING_USERNAME") or git.identity() or _of_the_system()


def _of_the_system() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"user {os.getuid()}"


def now() -> datetime:
    """The time, as the history has it."""
    return datetime.now(UTC)


def reason(given: str, otherwise: Callable[[], str]) -> str:
    """Why, as far as it is kept."""
    return (given or otherwise())[:LONGEST_REASON]


def _refused(number: int, why: str) -> UserError:
    return UserError(
        f"version {number} of {NAME} in MLflow's registry is not loaded: {why}. Promote a model of "
        "this project with `digits promote MODEL`, or return to the champion before with "
        "`digits rollback`"
    )
