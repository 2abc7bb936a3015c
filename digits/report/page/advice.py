"""What a recommendation and the tests between models say, in sentences."""

from collections.abc import Iterable, Mapping, Sequence

from digits.core.records import Pair, Row, Significance, Transfer
from digits.evaluation.recommendation import COSTS, Recommendation
from digits.report.text import interval, listed, percent, stated_p


def answer(found: Recommendation) -> str:
    """Which model to use, in one sentence."""
    goal = percent(found.required, 0)
    if not found.validated:
        return "No model can be recommended: there is no validation set to choose by."
    if found.model is None:
        return f"No model reaches {goal} on the validation set."
    if len(found.reached) == 1:
        return f"Use {found.model}: it is the only model that reaches {goal}."
    won = [name for cost, name in COSTS.items() if found.cheapest[cost] == found.model]
    others = [
        f"{model} by {COSTS[cost]}"
        for cost, model in found.cheapest.items()
        if model not in (found.model, None)
    ]
    return (
        f"Use {found.model}: of the models that reach {goal} ({listed(found.reached)}), it costs "
        f"the least by {listed(won)}{f'; {listed(others)}' if others else ''}."
    )


def reasons(found: Recommendation, rows: Mapping[str, Row], pairs: Iterable[Pair]) -> list[str]:
    """Further sentences.

    Args:
        found: The recommendation.
        rows: The figures of each model that it was chosen from.
        pairs: The tests between these models.

    """
    goal, validated = percent(found.required, 0), found.validated
    if not validated:
        return ["Give split.validation some images; choosing by the test set would spoil it."]
    if found.model is None:
        best = max(validated, key=lambda model: validated[model])
        return [
            f"{best} comes nearest: {percent(validated[best])} on the validation set, "
            f"{_tested(rows[best])}."
        ]
    row = rows[found.model]
    said = [
        f"Of the validation set, which chose it, {found.model} predicts "
        f"{percent(validated[found.model])} correctly; of the test set, which chose nothing, "
        f"{percent(row.test_accuracy)} (95% interval "
        f"{interval(row.test_accuracy_low, row.test_accuracy_high)})."
    ]
    if row.test_accuracy_low < found.required:
        said.append(
            f"That interval goes below {goal}: on new images {found.model} may miss the goal."
        )
    said += [sentence for pair in pairs if (sentence := against(found.model, pair))]
    below = [
        f"{model} ({percent(accuracy)})"
        for model, accuracy in validated.items()
        if accuracy < found.required
    ]
    if below:
        said.append(f"Below {goal} on the validation set: {listed(below)}.")
    return said


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


def _tested(row: Row) -> str:
    ends = interval(row.test_accuracy_low, row.test_accuracy_high)
    return f"{percent(row.test_accuracy)} on the test set (95% interval {ends})"


def against(chosen: str, pair: Pair) -> str | None:
    """What a test says of `chosen` and the other model of the pair; None if it is of two others."""
    if chosen not in (pair.first, pair.second):
        return None
    other = pair.second if chosen == pair.first else pair.first
    lead = pair.difference if chosen == pair.second else -pair.difference
    if lead == 0:
        return f"{chosen} and {other} predict equally many test images correctly."
    size = f"{abs(lead) * 100:.2f} percentage points {'ahead of' if lead > 0 else 'behind'} {other}"
    verdict = "this difference is real" if pair.differs else "this difference could be chance"
    return f"On the test set {chosen} is {size}: {verdict} ({stated_p(pair.p_corrected)})."


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
