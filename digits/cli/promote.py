"""`digits promote`, `rollback` and `history`: the champion, and how it came to be one."""

from typing import Annotated

import typer

from digits.cli.arguments import Model
from digits.core.errors import printable

Why = Annotated[str, typer.Option("--why", help="A reason, for the history.")]


def promote(
    model: Annotated[Model, typer.Argument(help="The newcomer.")],
    why: Why = "",
) -> None:
    """Let a model be champion in MLflow's registry, unless it is inferior to the present one.

    It must reach the floors in params.yaml and, on the same validation images, not be worse than
    the champion by the margin there. The exit status is 1 if it is refused.
    """
    from digits.core import config
    from digits.team import promotion, registry, standards
    from digits.team.champion import open_registry
    from digits.tracking import connection

    params = config.load("promotion", standards.Params)
    with connection.in_reach(f"digits promote {model.value}"):
        event, verdict = promotion.promote(model.value, why, params, open_registry())
    for name, outcome in verdict.outcomes.items():
        print(f"{name} images against the champion: {promotion.told(outcome)}")
    if event is None:
        print(f"{model.value} is the champion already")
    elif event.version is None:
        print(f"{model.value} is refused:")
        for reason in verdict.reasons:
            print(f"  {reason}")
        raise typer.Exit(1)
    else:
        print(f"{model.value} is champion: version {event.version} of {registry.NAME}")


def rollback(why: Why = "") -> None:
    """Return to the champion before the present one."""
    from digits.team import promotion
    from digits.team.champion import open_registry
    from digits.tracking import connection

    with connection.in_reach("digits rollback"):
        event = promotion.rollback(why, open_registry())
    print(f"{event.model} is champion again: version {event.version}")


def history() -> None:
    """Show who promoted and rolled back what, when and why."""
    from rich.console import Console
    from rich.table import Table

    from digits.team.champion import open_registry
    from digits.tracking import connection

    with connection.in_reach("digits history"):
        registry = open_registry()
        events, champion = registry.history(), registry.champion()
    table = Table("when", "who", "what", "version", "why", box=None, pad_edge=False)
    for event in events:
        version = "" if event.version is None else str(event.version)
        cells = (
            f"{event.at:%Y-%m-%d %H:%M} UTC",
            event.who,
            f"{event.action} {event.model} {event.sha256[:12]}",
            version,
            event.why,
        )
        table.add_row(*(escaped(cell) for cell in cells))
    Console().print(table)
    opened = sum(event.test_opened for event in events)
    print(f"champion: {'none' if champion is None else f'version {champion}'}")
    print(f"the test images were opened {opened} time{'' if opened == 1 else 's'}")


def escaped(text: str) -> str:
    """Text of somebody's for a cell."""
    from rich.markup import escape

    return escape(printable(text))
