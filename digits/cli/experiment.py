"""`digits experiment`: run experiments over the pipeline."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from digits.cli.arguments import Model, experiments
from digits.core import paths
from digits.core.errors import printable

if TYPE_CHECKING:
    from digits.experiments.definition import Experiment
    from digits.experiments.running import FinishedRun
    from digits.report.outcomes import Outcome


def experiment(
    names: Annotated[
        list[str],
        typer.Argument(help="Files of experiments/, without .yaml.", autocompletion=experiments),
    ],
    model: Annotated[
        list[Model] | None, typer.Option(help="Train this model instead; may be repeated.")
    ] = None,
    queue: Annotated[
        bool, typer.Option("--queue", help="Leave the runs to `dvc queue start`.")
    ] = False,
) -> None:
    """Run experiments over the pipeline, each in a copy, and write experiments/outcomes/NAME.json.

    A run that DVC still holds, of the same parameters and code, is not repeated: so an interrupted
    command is given again. The working tree stays as it is; `dvc exp apply` takes a run over.
    """
    from digits.experiments import definition, running

    models = tuple(dict.fromkeys(chosen.value for chosen in model or []))
    defined = [(name, definition.load(name)) for name in names]
    planned = [definition.runs(name, experiment, models) for name, experiment in defined]
    # All are checked before the first one trains.
    possible = [running.possible(runs) for runs in planned]
    if not queue:
        for name, experiment in defined:
            conduct(definition.outcome_name(name, experiment, models), name, experiment, models)
        return
    waiting = [run for runs, _ in possible for run in runs if not running.kept(run)]
    for run in waiting:
        running.queue(run)
    for _, left_out in possible:
        _print_left_out(left_out)
    print(f"{len(waiting)} run(s) are queued, the others are done; type `dvc queue start`, and at")
    print("its end this command without --queue")


def conduct(
    title: str, name: str, experiment: "Experiment", models: tuple[str, ...]
) -> "tuple[Outcome, list[FinishedRun]]":
    """Run one experiment, write and print its outcome under the title, and hand both on."""
    from digits.experiments import definition, running
    from digits.experiments.outcome import gather
    from digits.report import outcomes

    runs, left_out = running.possible(definition.runs(name, experiment, models))
    found = []
    for number, run in enumerate(runs, start=1):
        print(f"[{number}/{len(runs)}] {run.name}: {', '.join(run.models)}", flush=True)
        found.append(running.kept(run) or running.execute(run))
    outcome = gather(title, experiment, found, left_out)
    outcome.write(outcomes.path(title))
    _print_outcome(outcome, [run.name for run in runs])
    print(f"{paths.relative(outcomes.path(title))} is written")
    return outcome, found


def _print_outcome(outcome: "Outcome", names: Sequence[str]) -> None:
    """What a person wants to know of the runs of these names, and of the claims."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from digits.report import text

    table = Table("run", "model", "set", "accuracy", "95% interval", "training", box=None)
    for name, run in zip(names, outcome.runs, strict=True):
        for model, row in run.models.items():
            table.add_row(
                escape(name),
                model,
                row.measured_on,
                text.percent(row.accuracy),
                text.interval(row.accuracy_low, row.accuracy_high),
                text.seconds(row.train_seconds),
            )
    console = Console(highlight=False)
    console.print(table)
    _print_left_out(outcome.left_out)
    for claim in outcome.claims:
        said = f"{claim.text}: {claim.published}; here {claim.ours}"
        console.print(f"{claim.verdict}: {escape(printable(said))}")


def _print_left_out(left_out: dict[str, str]) -> None:
    from digits.report import text

    if left_out:
        reasons, runs = set(left_out.values()), text.count(len(left_out), "run")
        why = reasons.pop() if len(reasons) == 1 else "the outcome says why of each"
        print(f"left out, since this machine cannot do it: {runs}; {why}")
