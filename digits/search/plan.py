"""What a sweep will take, said before it starts."""

import math
from pathlib import Path

from digits.core import paths, records
from digits.core.errors import UserError
from digits.report import text
from digits.search.definition import Sweep


def described(sweep: Sweep, at_once: int, done: int = 0) -> list[str]:
    """The budget and an estimate of the time, a line each.

    Args:
        sweep: What is to be run.
        at_once: Trials that run at the same time.
        done: Trials that ended before.

    """
    budget = sweep.definition.budget
    ends = [
        text.count(sweep.trials, "trial") if sweep.trials else "",
        f"{budget.minutes:g} minutes" if budget.minutes else "",
        text.count(budget.epochs, "epoch") if budget.epochs else "",
    ]
    varied = [one.key.removeprefix(f"train.{sweep.model}.") for one in sweep.space.parameters]
    lines = [
        f"{sweep.definition.title}",
        f"  varies     {', '.join(varied)}",
        f"  looks for  {', '.join(f'{way[:3]}. {one}' for one, way in _directions(sweep))}",
        f"  budget     {' or '.join(filter(None, ends))}, {at_once} at once"
        + (f"; {text.count(done, 'trial')} ended before" if done else ""),
    ]
    return [*lines, f"  time       {_estimate(sweep, at_once, done)}"]


def _directions(sweep: Sweep) -> list[tuple[str, str]]:
    return list(sweep.definition.directions.items())


def _estimate(sweep: Sweep, at_once: int, done: int) -> str:
    seconds = epoch_seconds(sweep)
    if seconds is None:
        return f"unknown: {sweep.model} was not trained here; the first trials will tell"
    trials = _expected_trials(sweep)
    epochs = expected_epochs(sweep)
    minutes = sweep.definition.budget.minutes
    if trials is None:
        assert minutes is not None
        return (
            f"{minutes:g} minutes, about {minutes * 60 * at_once / (seconds * epochs):.0f} trials"
        )
    total = max(0, trials - done) * epochs * seconds / min(at_once, max(1, trials))
    if minutes is not None:
        total = min(total, minutes * 60)
    early = ", with those that ASHA stops" if sweep.definition.stop_early else ""
    return f"about {duration(total)}, by the recorded training of {sweep.model}{early}"


def _expected_trials(sweep: Sweep) -> int | None:
    known = [sweep.trials] if sweep.trials else []
    if epochs := sweep.definition.budget.epochs:
        known.append(math.ceil(epochs / expected_epochs(sweep)))
    return min(known, default=None)


def expected_epochs(sweep: Sweep) -> float:
    """Epochs of a trial in the mean, where a rung lets no more trials on than it is to."""
    key, most = f"train.{sweep.model}.epochs", sweep.most_epochs()
    varied = {one.key: one.domain for one in sweep.space.parameters}
    longest = float(most)
    if key in varied:
        longest = float(sum(varied[key].extremes()) / len(varied[key].extremes()))
    early = sweep.definition.stop_early
    if early is None:
        return longest
    rungs = [0.0]
    while (rung := early.after * early.keep ** (len(rungs) - 1)) < longest:
        rungs.append(float(rung))
    ends = [*rungs[1:], longest]
    return math.fsum(
        (end - start) / early.keep**at
        for at, (start, end) in enumerate(zip(rungs, ends, strict=True))
    )


def epoch_seconds(sweep: Sweep, metrics: Path = paths.METRICS) -> float | None:
    """Seconds of an epoch on a trial's cores, as far as the recorded training tells; else None."""
    try:
        timing = records.Timing.read(metrics / sweep.model / "timing.json")
    except UserError:
        return None
    times = timing.epoch_seconds or (timing.train_seconds,)
    return sum(times) / len(times) * timing.hardware.threads / sweep.definition.cores


def duration(seconds: float) -> str:
    """A time as in "40 s", "12 min" and "3 h 5 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
