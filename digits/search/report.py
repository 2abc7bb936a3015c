"""The report of a sweep: Markdown, pictures and a record, beside its journal."""

from pathlib import Path
from typing import Any

from digits.core import files
from digits.report import text
from digits.report.figures import drawing
from digits.search import figures, space
from digits.search.outcome import Outcome
from digits.search.plan import duration
from digits.search.progress import measure_text, shown
from digits.tracking.journal import OUTCOME, Trial

REPORT = "report.md"
MOST_ROWS = 20
CAPTIONS = {
    "history": "Every trial, and the best so far",
    "curves": "Every trial by epoch, the best one in colour",
    "importance": "How much of the differences between trials each parameter makes",
    "parallel": "Every trial as a path over its values, the best one in colour",
    "front": "The Pareto front in colour: no other trial is better in all objectives",
}


def write(outcome: Outcome, folder: Path) -> Path:
    """Write the report, its pictures and outcome.json; returns the report's path."""
    pictures = figures.drawn(outcome) if outcome.ended else {}
    for name, picture in pictures.items():
        with files.atomic(folder / f"{name}.png") as temporary:
            temporary.write_bytes(drawing.png(picture))
    files.write_json(folder / OUTCOME, record(outcome))
    files.write_text(folder / REPORT, markdown(outcome, list(pictures)))
    return folder / REPORT


def record(outcome: Outcome) -> dict[str, Any]:
    """What the report says, for programs."""
    return {
        "sweep": outcome.contents.header.sweep,
        "name": outcome.sweep.name,
        "model": outcome.sweep.model,
        "dataset": outcome.contents.header.dataset,
        "directions": dict(outcome.sweep.definition.directions),
        "trials": outcome.counts,
        "epochs": outcome.epochs,
        "trial_seconds": round(outcome.trial_seconds, 3),
        "seconds": round(outcome.contents.seconds, 3),
        "front": [
            {"number": one.number, "values": one.values, "measures": one.measures}
            for one in outcome.front
        ],
        "interval": outcome.interval,
        "within_interval": [trial.number for trial in outcome.alike],
        "importance": outcome.importance,
        "seeds": [
            {
                "values": one.values,
                "trials": [trial.number for trial in one.trials],
                "mean": one.mean,
                "deviation": one.deviation,
                "low": one.low,
                "high": one.high,
            }
            for one in outcome.seeds
        ],
    }


def markdown(outcome: Outcome, pictures: list[str]) -> str:
    """The report.

    Args:
        outcome: What there is to tell.
        pictures: Names of the pictures beside it.

    """
    sweep, counts = outcome.sweep, outcome.counts
    lines = [f"# {sweep.definition.title}", "", *summary(outcome), ""]
    if outcome.front:
        lines += ["## Best parameters", "", _best(outcome), ""]
        if len(sweep.definition.objective) > 1:
            lines += ["## Pareto front", "", _trials(outcome, outcome.front), ""]
    if outcome.seeds:
        lines += ["## Over the seeds", "", _seeds(outcome), ""]
    for name in pictures:
        lines += [f"## {CAPTIONS[name]}", "", f"![{CAPTIONS[name]}]({name}.png)", ""]
    finished = [trial for trial in outcome.ended if trial.state == "finished"]
    measure, direction = next(iter(sweep.definition.directions.items()))
    ranked = sorted(
        finished, key=lambda one: one.measures[measure], reverse=direction == "maximize"
    )
    lines += [f"## The best {min(MOST_ROWS, len(ranked))} trials", "", _trials(outcome, ranked), ""]
    failed = [trial for trial in outcome.ended if trial.state == "failed"]
    if failed:
        rows = [(one.number, one.attempts, one.error) for one in failed[:MOST_ROWS]]
        lines += [f"## Failed: {counts['failed']}", ""]
        lines += [text.markdown_table(("trial", "attempts", "why"), rows), ""]
    return "\n".join([*lines, "## What it cost", "", *_cost(outcome), ""])


def summary(outcome: Outcome) -> list[str]:
    """What was found, in a few lines, for the terminal, too."""
    counted = ", ".join(f"{count} {state}" for state, count in outcome.counts.items())
    lines = [f"{text.count(len(outcome.ended), 'trial')}: {counted}."]
    if not outcome.front:
        return [*lines, "No trial has finished, so there is no winner."]
    best = outcome.front[0]
    told = ", ".join(measure_text(one, best.measures[one]) for one in _objectives(outcome))
    among = f" (95% interval {text.interval(*outcome.interval)})" if outcome.interval else ""
    lines.append(f"Best, trial {best.number}: {told}{among}.")
    if outcome.interval and len(outcome.alike) > 1:
        others = len(outcome.alike) - 1
        lines.append(f"{text.count(others, 'other trial')} cannot be told from it by its interval.")
    if outcome.seeds:
        first = outcome.seeds[0]
        measure = _objectives(outcome)[0]
        lines.append(
            f"Over {text.count(len(first.trials), 'seed')}: mean "
            f"{measure_text(measure, first.mean)}, standard deviation {_spread(first.deviation)}."
        )
    return lines


def _objectives(outcome: Outcome) -> tuple[str, ...]:
    return outcome.sweep.definition.objective


def _spread(deviation: float | None) -> str:
    return text.UNKNOWN if deviation is None else text.significant(deviation, 2)


def _best(outcome: Outcome) -> str:
    """Every parameter: before, best, and where the trials lie that are as good."""
    best, base = outcome.front[0], outcome.contents.header.params
    rows = []
    for one in outcome.sweep.space.parameters:
        if one.key not in best.values:
            continue
        alike = [trial.values[one.key] for trial in outcome.alike if one.key in trial.values]
        if all(isinstance(value, int | float) for value in alike):
            near = " to ".join(dict.fromkeys([shown(min(alike)), shown(max(alike))]))
        else:
            near = ", ".join(dict.fromkeys(map(shown, alike)))
        importance = outcome.importance.get(one.key)
        rows.append(
            (
                one.key,
                shown(space.get(base, one.key)),
                shown(best.values[one.key]),
                near,
                text.UNKNOWN if importance is None else text.percent(importance, 0),
            )
        )
    columns = ("parameter", "params.yaml", "best", "trials within its interval", "importance")
    return text.markdown_table(columns, rows)


def _seeds(outcome: Outcome) -> str:
    measure = _objectives(outcome)[0]
    rows = [
        (
            ", ".join(f"{key} {shown(value)}" for key, value in one.values.items()) or "as it is",
            len(one.trials),
            measure_text(measure, one.mean).removeprefix(f"{measure} "),
            _spread(one.deviation),
            text.UNKNOWN
            if one.low is None or one.high is None
            else f"{text.significant(one.low, 4)} to {text.significant(one.high, 4)}",
        )
        for one in outcome.seeds
    ]
    columns = (
        "values",
        "seeds",
        f"mean {measure}",
        "standard deviation",
        "95% interval of the mean",
    )
    return text.markdown_table(columns, rows)


def _trials(outcome: Outcome, trials: tuple[Trial, ...] | list[Trial]) -> str:
    prefix = f"train.{outcome.sweep.model}."
    keys = [one.key for one in outcome.sweep.space.parameters]
    objectives = _objectives(outcome)
    rows = [
        (
            trial.number,
            *(measure_text(one, trial.measures[one]).removeprefix(f"{one} ") for one in objectives),
            trial.epochs,
            text.seconds(trial.seconds),
            *(shown(trial.values[key]) if key in trial.values else "" for key in keys),
        )
        for trial in trials[:MOST_ROWS]
    ]
    columns = ("trial", *objectives, "epochs", "time", *(key.removeprefix(prefix) for key in keys))
    return text.markdown_table(columns, rows)


def _cost(outcome: Outcome) -> list[str]:
    """Time, epochs, and what ASHA saved."""
    cores = outcome.sweep.definition.cores
    used = outcome.trial_seconds
    lines = [
        f"{duration(outcome.contents.seconds)} for {duration(used)} of trials on "
        f"{text.count(cores, 'core')} each; {text.count(outcome.epochs, 'epoch')}.",
    ]
    stopped = [trial for trial in outcome.ended if trial.state == "stopped"]
    if stopped:
        planned = sum(
            _planned(outcome, trial) for trial in outcome.ended if trial.state != "failed"
        )
        share = outcome.epochs / planned
        lines.append(
            f"To the end of all, it would have been {planned:,} epochs: {share:.0%} was spent."
        )
    workers = {
        (one.hardware.get("node"), one.hardware.get("worker"))
        for one in outcome.ended
        if one.hardware
    }
    nodes = {node for node, _ in workers}
    hardware = {
        one.hardware["device_name"] for one in outcome.ended if "device_name" in one.hardware
    }
    lines.append(
        f"{text.count(len(workers), 'worker')} on {text.count(len(nodes), 'node')}"
        + (f": {', '.join(sorted(hardware))}." if hardware else ".")
    )
    again = sum(trial.attempts - 1 for trial in outcome.ended)
    if again:
        lines.append(f"{text.count(again, 'trial')} began again because workers had died.")
    return lines


def _planned(outcome: Outcome, trial: Trial) -> int:
    key = f"train.{outcome.sweep.model}.epochs"
    return int(trial.values.get(key, outcome.sweep.most_epochs()))
