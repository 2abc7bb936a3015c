"""`digits mlflow`: browse the runs."""

from typing import Annotated

import typer


def mlflow(
    port: Annotated[int, typer.Option(help="Where to listen, on this machine alone.")] = 5000,
) -> None:
    """Browse the runs with MLflow: trainings by model and by hardware, and experiments.

    Where MLFLOW_TRACKING_URI names a server, nothing is started, and its addresses are printed.
    """
    from digits.tracking import connection, server

    with connection.in_reach("digits mlflow"):
        server.serve(port, lambda line: print(line, flush=True))
