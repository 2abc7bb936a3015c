"""`digits reproduce`: hold the published experiments against their claims."""

from typing import Annotated

import typer

from digits.cli.arguments import Model
from digits.cli.experiment import conduct
from digits.core import config, paths
from digits.core.errors import UserError


def reproduce(
    without: Annotated[
        list[Model] | None, typer.Option(help="Leave this model out; may be repeated.")
    ] = None,
) -> None:
    """Run all published experiments, and hold them against their claims in REPRODUCTION.md."""
    from digits.experiments import definition, reproduction, running
    from digits.experiments.outcome import gather

    outcomes, pictures = [], {}
    published = {name: definition.load(name) for name in reproduction.published()}
    if not published:
        raise UserError(
            f"expected experiments that make claims in {paths.relative(paths.EXPERIMENTS)}, found "
            "none; restore them with `git checkout experiments`"
        )
    for name, defined in published.items():
        running.possible(definition.runs(name, defined))  # refuses wrong values before any training
    for name, defined in published.items():
        models = {model for run in definition.runs(name, defined) for model in run.models}
        kept = tuple(one for one in config.MODELS if one in models - set(without or []))
        outcome, found = (
            conduct(name, name, defined, kept) if kept else (gather(name, defined, [], {}), [])
        )
        outcomes.append(outcome)
        pictures[name] = reproduction.figures(name, defined.shown, found)
    reproduction.write(outcomes, pictures)
    record = reproduction.record(outcomes)
    counts = ", ".join(f"{verdict} {count}" for verdict, count in record.verdicts.items())
    print(f"REPRODUCTION.md: of {record.claims} claims: {counts}")
