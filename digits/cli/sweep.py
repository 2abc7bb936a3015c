"""`digits sweep`: search hyperparameters on this machine or a cluster."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digits.core import errors, paths

if TYPE_CHECKING:
    from digits.search.definition import Sweep
    from digits.search.outcome import Outcome


def sweep(
    file: Annotated[Path, typer.Argument(metavar="sweeps/NAME.yaml", help="What to search.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a sweep that was interrupted.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the winner into params.yaml; comments stay.")
    ] = False,
    trial: Annotated[
        int | None, typer.Option(help="With --apply: this trial instead of the winner.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Of a Ray cluster's head, or auto; this machine alone if left out."),
    ] = None,
    storage: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the journal and the report, on a cluster a shared one.",
            show_default="sweeps/results/NAME",
        ),
    ] = None,
    dry: Annotated[
        bool, typer.Option("--dry", help="Check the file and show the budget; run nothing.")
    ] = False,
) -> None:
    """Search hyperparameters: trials with curves in MLflow, a report, a winner for params.yaml.

    Killed at any moment, the sweep goes on with --resume; no trial that has ended is repeated. A
    sweep that has ended is reported again, and --apply takes its winner over.
    """
    from digits.hardware import detect
    from digits.search import definition, objective, outcome, plan, report, running
    from digits.search.progress import Progress
    from digits.tracking import journal

    if trial is not None and not apply:
        raise errors.UserError("--trial names what --apply takes over; expected --apply, too")
    wanted = definition.load(file)
    folder = storage or journal.RESULTS / wanted.name
    at_once = max(1, detect.usable_cores() // wanted.definition.cores)
    if dry:
        print("\n".join(plan.described(wanted, at_once)))
        return
    data = objective.read_data(wanted.model)
    if journal.exists(folder):
        contents = running.check_same(wanted, data, folder)
        left = running.has_left(wanted, contents)
        if left and not resume and not apply:
            raise errors.UserError(
                f"{paths.relative(folder)} holds a sweep with {len(contents.ended)} ended trials "
                "that has not come to its end; go on with --resume, or remove the folder"
            )
        left = left and resume
    else:
        if resume:
            raise errors.UserError(
                f"--resume: {paths.relative(folder)} holds no sweep; begin it without --resume"
            )
        running.begin(wanted, data, folder)
        contents, left = journal.read(folder), True
    if left or resume:
        with running.published(folder):
            setting = running.Setting(folder, address)
            with running.resources(wanted, data, setting) if left else nullcontext() as there:
                if there:
                    at_once = there.at_once(wanted.definition.cores, wanted.definition.gpus)
                    described = plan.described(wanted, at_once, len(contents.ended))
                    print("\n".join(described), flush=True)
                    with Progress(wanted, len(contents.ended)) as progress:
                        running.run(wanted, data, setting, progress, at_once)
            report.write(outcome.of(wanted, journal.read(folder)), folder)
    found = outcome.of(wanted, journal.read(folder))
    written = report.write(found, folder)
    print("\n".join([*report.summary(found), f"{paths.relative(written)} tells more"]))
    if apply:
        _apply(wanted, found, trial)


def _apply(wanted: "Sweep", found: "Outcome", trial: int | None) -> None:
    from digits.search import winner

    values = found.winning
    if trial is not None:
        chosen = [one for one in found.ended if one.number == trial and one.state == "finished"]
        if not chosen:
            numbers = [one.number for one in found.ended if one.state == "finished"]
            raise errors.UserError(f"--trial: expected a finished one, of {_few(numbers)}")
        values = chosen[0].values
    if values is None:
        raise errors.UserError("--apply: no trial has finished, so there is no winner")
    changed = winner.apply(wanted, values)
    for key, (before, now) in changed.items():
        print(f"  {key}: {before} -> {now}")
    print(
        f"{paths.PARAMS_NAME}: {len(changed)} value(s) changed"
        + ("; `dvc repro` makes it official" if changed else "")
    )


def _few(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, sorted(numbers)[:20]))
    return f"{shown}{' ...' if len(numbers) > 20 else ''}" or "which there is none"
