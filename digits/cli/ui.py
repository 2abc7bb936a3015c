"""`digits ui`: serve the page and the HTTP interface."""

from typing import Annotated

import typer

from digits.cli.arguments import DEFAULT_READER, Model
from digits.core import config, paths


def ui(
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8000,
    model: Annotated[
        list[Model] | None,
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
    """Serve the page that reads drawings and photographs, and the same over HTTP."""
    from digits.serve import feedback as corrections
    from digits.serve.web import serving

    trained = [name for name in config.MODELS if (paths.MODELS / name).is_dir()]
    models = [name for name in dict.fromkeys([DEFAULT_READER.value, *trained]) if name in trained]
    serving.run(
        [chosen.value for chosen in model or []] or models or [DEFAULT_READER.value],
        host,
        port,
        allow_host or [],
        corrections.FOLDER if store_corrections else None,
    )
