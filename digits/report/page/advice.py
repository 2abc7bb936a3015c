"""What a recommendation and the tests between models say, in sentences."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from digits.core.records import Pair, Row, Significance, Transfer
from digits.evaluation.recommendation import THROUGHPUT, Choice, Recommendation, Standing
from digits.report import measures, text
from digits.report.text import interval, listed, percent, stated_p

WRITERS: dict[str, Callable[[float], str]] = {
    "s": text.seconds,
    "ms": text.milliseconds,
    "MiB": measures.mebibytes,
    "images/s": lambda speed: f"{text.number(speed)} images/s",
    "J": lambda energy: f"{text.number(energy)} J",
    "share": percent,
}
"""How a criterion's figure is written, by its unit."""


def answer(found: Recommendation) -> str:
    """Which model to use, in one sentence or two."""
    goal, open_ = percent(found.required, 0), found.standing(Standing.OPEN)
    if not found.standings:
        return "No model can be recommended: there is no validation set to choose by."
    if found.model is None:
        return f"No model reaches {goal} on the validation set."
    lead, shown = "", "shown to reach"
    if not found.standing(Standing.REACHED):
        lead = f"No model is shown to reach {goal}; {listed(open_)} cannot be told from it. "
        shown = "that may reach"
    if len(found.sufficient) == 1:
        return f"{lead}Use {found.model}: it is the only model {shown} {goal}."
    return (
        f"{lead}Use {found.model}: of the models {shown} {goal} ({listed(found.sufficient)}), it "
        f"is the best or as good as the best by {len(found.won(found.model))} of "
        f"{len(found.choices)} criteria."
    )


def reasons(found: Recommendation, rows: Mapping[str, Row], pairs: Iterable[Pair]) -> list[str]:
    """Further sentences.

    Args:
        found: The recommendation.
        rows: The figures of each model that it was chosen from.
        pairs: The tests between these models.

    """
    goal = percent(found.required, 0)
    if not found.standings:
        return ["Give split.validation some images; choosing by the test set would spoil it."]
    if found.model is None:
        best = max(found.standings, key=lambda model: rows[model].validation_accuracy or 0)
        return [f"{best} comes nearest: {_validated(rows[best])} there."]
    row = rows[found.model]
    said = [
        f"Of {row.validation_images:,} validation images, which chose it, {found.model} predicts "
        f"{_validated(row)} correctly; of {row.test_images:,} test images, which chose nothing, "
        f"{percent(row.test_accuracy)} (95% interval "
        f"{interval(row.test_accuracy_low, row.test_accuracy_high)})."
    ]
    if row.test_accuracy_low < found.required:
        said.append(
            f"That interval goes below {goal}: on new images {found.model} may miss the goal."
        )
    said += _better_elsewhere(found)
    said += _fastest(found)
    for standing, told in (
        (Standing.OPEN, f"Cannot be told from {goal} by so many validation images"),
        (Standing.MISSED, f"Below {goal} on the validation set"),
    ):
        if named := [f"{model}, {_validated(rows[model])}" for model in found.standing(standing)]:
            said.append(f"{told}: {'; '.join(named)}.")
    return said + [sentence for pair in pairs if (sentence := against(found.model, pair))]


def _validated(row: Row) -> str:
    ends = interval(row.validation_accuracy_low, row.validation_accuracy_high)
    return f"{percent(row.validation_accuracy)} (95% interval {ends})"


def written(choice: Choice, model: str) -> str:
    """A model's figure, with its unit; a dash where it is not known."""
    figure = choice.figures.get(model)
    return text.UNKNOWN if figure is None else WRITERS[choice.criterion.unit](figure.value)


def _better_elsewhere(found: Recommendation) -> list[str]:
    """By which criteria another sufficient model is better than the recommended one."""
    assert found.model is not None
    lost = [
        f"{choice.criterion.name} ({choice.best[0]} {written(choice, choice.best[0])}, "
        f"{found.model} {written(choice, found.model)})"
        for choice in found.choices
        if found.model not in choice.best
    ]
    return [f"Another of these is better by {listed(lost)}."] if lost else []


def _fastest(found: Recommendation) -> list[str]:
    """The fastest sufficient model, and one that is faster still and not sufficient."""
    choice = next((one for one in found.choices if one.criterion == THROUGHPUT), None)
    if choice is None:
        return []
    fastest, overall = choice.best[0], choice.best_of_all[0]
    others = f", {listed(choice.best[1:])} as fast" if choice.best[1:] else ""
    said = [f"The fastest sufficient model is {fastest} ({written(choice, fastest)}){others}."]
    if overall not in found.sufficient:
        said.append(
            f"{overall} is faster still ({written(choice, overall)}), but "
            f"{found.standings[overall]} {percent(found.required, 0)}."
        )
    return [" ".join(said)]


def elsewhere(
    found: Recommendation, transfers: Mapping[str, Transfer], tests: Significance | None
) -> list[str]:
    """What digits of other hands say of the recommendation, in a sentence or two, or none.

    Args:
        found: The recommendation.
        transfers: How each model predicts digits of other hands.
        tests: Between the models on these digits; None where they were not tested.

    """
    told = {model: one.reporting for model, one in transfers.items() if one.reporting is not None}
    if found.model not in told:
        return []
    best = max(told, key=lambda model: told[model].accuracy)
    shown, chosen = told[best], percent(told[found.model].accuracy)
    lead = (
        f"predicts the most correctly: {percent(shown.accuracy)} of {shown.images} (95% interval "
        f"{interval(shown.accuracy_low, shown.accuracy_high)})"
    )
    beaten = {
        pair.second if pair.first == best else pair.first: pair.p_corrected
        for pair in (tests.pairs if tests else ())
        if pair.differs and best in (pair.first, pair.second)
    }
    better = ""
    if beaten:
        lesser = listed(f"{model} ({stated_p(p)})" for model, p in beaten.items())
        better = f"It is better there than {lesser}"
    if best == found.model:
        return [f"Of digits of other hands, too, {best} {lead}.{f' {better}.' if better else ''}"]
    if found.model in beaten:
        advised = f"{better}: where users bring digits of their own, use {best}."
    else:
        unlike = f"no difference from {found.model} is shown"
        advised = f"{better}; {unlike}." if beaten else f"{unlike.capitalize()} there."
    return [f"Of digits of other hands {best} {lead}, {found.model} {chosen}. {advised}"]


def against(chosen: str, pair: Pair) -> str | None:
    """What a test says of `chosen` and the other model of the pair; None if it is of two others."""
    if chosen not in (pair.first, pair.second):
        return None
    other = pair.second if chosen == pair.first else pair.first
    lead = pair.difference if chosen == pair.second else -pair.difference
    if lead == 0:
        return f"{chosen} and {other} predict equally many test images correctly."
    side = "ahead of" if lead > 0 else "behind"
    verdict = "this difference is real" if pair.differs else "this difference could be chance"
    return (
        f"On the test set {chosen} is {abs(lead) * 100:.2f} percentage points "
        f"({text.number(abs(lead) * 10_000)} digits of 10,000) {side} {other}: {verdict} "
        f"({stated_p(pair.p_corrected)})."
    )


def verdict(model: str, tests: Sequence[Pair], accuracies: Mapping[str, float]) -> str:
    """What the paired tests say of other configurations of one model, in one sentence.

    Args:
        model: The model.
        tests: Of every other configuration against the reference.
        accuracies: The accuracy of each configuration on the test set.

    """
    if not tests:
        return f"No other configuration of {model} was run."
    error = {name: percent(1 - accuracy) for name, accuracy in accuracies.items()}
    real = [test for test in tests if test.differs]
    better = [test for test in real if test.difference > 0]
    worse = [test for test in real if test.difference < 0]
    start = error[tests[0].first]
    parts: list[str] = []
    for change, found in (("lower", better), ("raise", worse)):
        if not found:
            continue
        verb = f"{change}s" if len(found) == 1 else change
        ends = [f"{error[test.second]} ({stated_p(test.p_corrected)})" for test in found]
        whose = "it" if parts else f"the error of {model} from {start}"
        parts.append(f"{listed(test.second for test in found)} {verb} {whose} to {listed(ends)}")
    others = [test.second for test in tests if not test.differs]
    if others and parts:
        parts.append(f"of {listed(others)} no difference is shown")
    elif others:
        parts.append(
            f"against the error of {model}, {start}, no difference is shown of {listed(others)}"
        )
    return f"{'; '.join(parts)}."
