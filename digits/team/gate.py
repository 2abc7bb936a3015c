"""The gate on a change: what it makes of the models, judged against the commit that it starts from.

Only committed files are read, so that the gate works where no model is; the behavioural tests need
the bundles, and say so where they are not there.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from digits.core import config, paths, records
from digits.core.errors import UserError
from digits.team import paired, promotion, standards
from digits.team.promotion import Answers
from digits.tracking import git
from digits.tracking import run as runs
from digits.tracking.git import Read
from digits.verification import doctor
from digits.verification.lock import Lock

BEHAVIOUR = "tests/model"
DECIDING = ("benchmarks", "digits", "tests", paths.DVC_LOCK.name, paths.PARAMS.name)
"""What the behavioural tests depend on."""


@dataclass(frozen=True)
class Compared:
    """One model, now and at the commit before."""

    model: str
    accuracy: float
    """On the validation images."""
    before: float | None
    """None where there is nothing to compare with."""
    outcome: paired.Outcome | None
    """None where it is the same model, or where there is nothing to compare with."""
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Gate:
    """What was found of a change."""

    base: str
    """The commit that it starts from."""
    models: tuple[Compared, ...]
    faults: tuple[str, ...]
    """Those that are no single model's."""
    behaviour: str
    """What came of the behavioural tests, in a line."""
    again: tuple[str, ...]
    """The stages that ran on other inputs than at the base."""
    cached: tuple[str, ...]
    """The others."""

    @property
    def good(self) -> bool:
        """Whether nothing speaks against the change."""
        return not self.faults and not any(one.faults for one in self.models)


def examine(base: str) -> Gate:
    """Judge the working tree against where it left `base`.

    Raises:
        UserError: if `base` is no commit, or params.yaml is wrong.

    """
    params = config.load("promotion", standards.Params)
    start = git.run("merge-base", base, "HEAD").strip()
    read = git.at_revision(start)
    faults = []
    try:
        doctor.lock()
    except UserError as error:
        faults.append(f"dvc.lock: {error}")
    behaviour, broken = _behaviour(start)
    again, cached = stages(read)
    return Gate(
        base=start,
        models=tuple(compare(model, read, params) for model in config.MODELS),
        faults=(*faults, *broken),
        behaviour=behaviour,
        again=again,
        cached=cached,
    )


def compare(model: str, base: Read, params: standards.Params) -> Compared:
    """Hold one model against the floors and against what it was.

    Args:
        model: Its name.
        base: Reads files of the commit before.
        params: The standards.

    """
    folder = paths.METRICS / model
    path = f"metrics/{model}/{runs.VALIDATION}"
    try:
        train = records.Train.read(folder / "train.json")
        figures = (
            records.Speed.read(folder / "speed.json"),
            train,
            records.Robustness.read(folder / "robustness.json"),
        )
        answers = Answers.parse(runs.in_workspace(path), path)
        classes = tuple(records.Test.read(folder / "test.json").per_class)
    except UserError as error:
        return Compared(model, 0.0, None, None, (str(error),))
    faults = list(standards.shortcomings(params, answers.by_class(classes), *figures))
    accuracy, content = float(answers.correct.mean()), base(path)
    if content is None:
        return Compared(model, accuracy, None, None, tuple(faults))
    before = Answers.parse(content, path)
    was = float(before.correct.mean())
    trained = json.loads(base(f"metrics/{model}/train.json") or b"{}")
    if trained.get("model_sha256") == train.model_sha256:
        return Compared(model, accuracy, was, None, tuple(faults))
    try:
        outcome = promotion.compare(before, answers, "validation")
    except UserError as error:
        return Compared(model, accuracy, None, None, (*faults, str(error)))
    if not outcome.passes(params.margin):
        faults.append(promotion.inferior(outcome, params.margin))
    lost = paired.worse_groups(before.correct, answers.correct, answers.labels)
    faults += [
        f"class {classes[label]} is read worse: {won} images won, {missed} lost (p = {p:.1g})"
        for label, (won, missed, p) in lost.items()
    ]
    return Compared(model, accuracy, was, outcome, tuple(faults))


def _behaviour(start: str) -> tuple[str, list[str]]:
    """Run the behavioural tests, unless nothing that they depend on has changed."""
    if not git.changed(DECIDING, since=start):
        return "as at the base: nothing that they depend on has changed", []
    if not all((paths.MODELS / model).is_dir() for model in config.MODELS):
        return "not run: the bundles are not here; `dvc pull` brings them", []
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", BEHAVIOUR],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    named = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    if done.returncode != 0 and not named:
        named = [f"{BEHAVIOUR}: {lines[-1]}"]
    return lines[-1].strip("= "), named


def stages(base: Read) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stages that ran on other inputs than at the base, and those that did not."""
    now = Lock.load(paths.ROOT)
    content = base(paths.DVC_LOCK.name)
    before = Lock.parse(content) if content else Lock(stages={})
    again = tuple(
        name
        for name, stage in now.stages.items()
        if name not in before.stages or before.stages[name].read != stage.read
    )
    return again, tuple(name for name in now.stages if name not in again)


def markdown(gate: Gate, environment: Mapping[str, str] = os.environ) -> str:
    """The comment on a pull request.

    Args:
        gate: What was found.
        environment: Where GitHub tells the address of the repository.

    """
    lines = [f"## Gate: {'passed' if gate.good else 'failed'}", "", f"Against {gate.base[:12]}."]
    faults = [*gate.faults, *(f"{one.model}: {why}" for one in gate.models for why in one.faults)]
    if faults:
        lines += ["", *(f"- {_cell(fault)}" for fault in faults)]
    lines += [
        "",
        "| model | validation accuracy | at the base | difference | won | lost |",
        "|---|---:|---:|---:|---:|---:|",
        *(_row(one) for one in gate.models),
        "",
        "Differences with the interval of the test: its lower end must lie above the margin.",
        "",
        f"- behavioural tests: {_cell(gate.behaviour)}",
        f"- ran again: {', '.join(gate.again) or 'nothing'}",
        f"- from the cache: {', '.join(gate.cached) or 'nothing'}",
        "",
        f"![Comparison of the models]({_figure(environment)})",
        "",
    ]
    return "\n".join(lines)


def _row(one: Compared) -> str:
    before = "-" if one.before is None else f"{one.before:.2%}"
    cells = [one.model, f"{one.accuracy:.2%}", before]
    if one.outcome is None:
        cells += ["same model" if one.before is not None else "-", "", ""]
    else:
        found = one.outcome
        cells += [
            f"{found.difference:+.2%} ({found.low:+.2%} to {found.high:+.2%})",
            str(found.only_after),
            str(found.only_before),
        ]
    return f"| {' | '.join(cells)} |"


def _figure(environment: Mapping[str, str]) -> str:
    """Where the comparison's figure can be seen: in a comment, only under a full address."""
    place = "reports/comparison.png"
    named = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")
    if not all(name in environment for name in named):
        return place
    server, repository, commit = (environment[name] for name in named)
    return f"{server}/{repository}/raw/{commit}/{place}"


def _cell(text: str) -> str:
    """Text on one line that breaks no table."""
    return " ".join(text.split()).replace("|", "\\|")
