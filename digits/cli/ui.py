"""`digits ui`: serve the page and the HTTP interface."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from digits.cli import checkout
from digits.cli.arguments import CHAMPION, DEFAULT_READER, Served
from digits.core import config, paths
from digits.core.errors import UserError

if TYPE_CHECKING:
    from digits.serve.reader import Reader


def ui(
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8000,
    model: Annotated[
        list[Served] | None,
        typer.Option(help="Ask this model, the first one by default; may be repeated.  [all]"),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Answer to this host name too; may be repeated."),
    ] = None,
    store_corrections: Annotated[
        bool, typer.Option("--feedback", help="Store corrections in data/feedback/.")
    ] = False,
) -> None:
    """Serve the page that reads drawings and photographs, and the same over HTTP.

    The champion is the model that MLflow's registry calls so; the service changes with it.
    """
    from digits.serve import feedback as corrections
    from digits.serve.web import serving

    trained = [name for name in config.MODELS if (paths.MODELS / name).is_dir()]
    usual = [name for name in dict.fromkeys([DEFAULT_READER.value, *trained]) if name in trained]
    asked = [chosen.value for chosen in model or []] or usual or [DEFAULT_READER.value]
    serving.run(
        partial(_readers, asked),
        host,
        port,
        allow_host or [],
        corrections.FOLDER if store_corrections else None,
    )


def _readers(asked: list[str], threads: int) -> "Callable[[], Reader]":
    """Load whoever is asked; what is returned gives the reader of the moment."""
    from digits.serve.reader import Reader

    if CHAMPION not in asked:
        reader = Reader(asked, threads=threads)
        return lambda: reader
    if set(asked) != {CHAMPION}:
        raise UserError(f"expected {CHAMPION} alone, received --model {' --model '.join(asked)}")
    checkout.require_registry()
    from digits.team.champion import Follower, open_registry
    from digits.tracking import connection

    with connection.in_reach("digits ui"):
        follower = Follower(open_registry(), threads)
    follower.start()
    return follower
