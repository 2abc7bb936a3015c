"""Which model to use: accuracy against cost, and what the tests allow to be said of it.

The validation set chooses; figures of the test set are reported and choose nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REQUIRED = 0.99
"""The accuracy on the validation set that a model must reach to be recommended."""
COSTS = {"train_seconds": "training time", "latency_ms": "latency", "bundle_mib": "size"}
"""What a model costs: columns of comparison.json, and what they are called."""

Row = Mapping[str, Any]


def front(rows: Mapping[str, Row], cost: str, accuracy: str = "validation_accuracy") -> list[str]:
    """The Pareto front: the models to which no other is superior, by ascending cost.

    Another model is superior if it is at least as accurate and at most as costly, and better in
    one of the two.  Models that are equal in both stand on the front together; a model of which
    one of the two is not known does not.

    Args:
        rows: The figures of each model, as in comparison.json.
        cost: The column of the cost.
        accuracy: The column of the accuracy.

    """
    known = {
        model: (row[accuracy], row[cost])
        for model, row in rows.items()
        if row.get(accuracy) is not None and row.get(cost) is not None
    }
    kept = [
        model
        for model, (right, price) in known.items()
        if not any(
            other_right >= right
            and other_price <= price
            and (other_right, other_price) != (right, price)
            for other_right, other_price in known.values()
        )
    ]
    return sorted(kept, key=lambda model: known[model][1])


def recommend(
    rows: Mapping[str, Row], pairs: Sequence[Mapping[str, Any]], required: float = REQUIRED
) -> dict[str, Any]:
    """The cheapest models among those that reach `required` on the validation set.

    Args:
        rows: The figures of each model, as in comparison.json.
        pairs: The tests between the models, as `significance.pairs` makes them.
        required: The accuracy to reach.

    Returns:
        required; reached, the models that reach it; fronts, the Pareto front of each of `COSTS`;
        cheapest, for each of them the cheapest model that reaches it, or None; model, the one to
        use, or None; sentence, which says so; and reasons, further sentences.

    """
    validated = {
        model: row["validation_accuracy"]
        for model, row in rows.items()
        if row.get("validation_accuracy") is not None
    }
    reached = [model for model, accuracy in validated.items() if accuracy >= required]
    cheapest = {cost: _cheapest(rows, reached, cost) for cost in COSTS}
    chosen = _most_often(list(cheapest.values()), validated)
    found = {
        "required": required,
        "reached": reached,
        "fronts": {cost: front(rows, cost) for cost in COSTS},
        "cheapest": cheapest,
        "model": chosen,
    }
    if chosen is None:
        return found | _without(rows, validated, required)
    return found | {
        "sentence": _sentence(chosen, cheapest, reached, required),
        "reasons": _reasons(chosen, rows, validated, pairs, required),
    }


def _cheapest(rows: Mapping[str, Row], models: Iterable[str], cost: str) -> str | None:
    known = [model for model in models if rows[model].get(cost) is not None]
    return min(
        known,
        key=lambda model: (rows[model][cost], -rows[model]["validation_accuracy"]),
        default=None,
    )


def _most_often(winners: Sequence[str | None], validated: Mapping[str, float]) -> str | None:
    """The model that is cheapest by most measures; among equals the more accurate one."""
    known = dict.fromkeys(model for model in winners if model is not None)
    return max(known, key=lambda model: (winners.count(model), validated[model]), default=None)


def _sentence(
    chosen: str, cheapest: Mapping[str, str | None], reached: Sequence[str], required: float
) -> str:
    won = [COSTS[cost] for cost, model in cheapest.items() if model == chosen]
    goal = f"{required:.0%}"
    if len(reached) == 1:
        return f"Use {chosen}: it is the only model that reaches {goal}."
    others = [
        f"{model} by {COSTS[cost]}"
        for cost, model in cheapest.items()
        if model not in (chosen, None)
    ]
    if not others:
        return (
            f"Use {chosen}: of the models that reach {goal} ({listed(reached)}), it costs the "
            f"least by {listed(won)}."
        )
    return (
        f"Use {chosen}: of the models that reach {goal} ({listed(reached)}), it costs the least "
        f"by {listed(won)}; {listed(others)}."
    )


def _reasons(
    chosen: str,
    rows: Mapping[str, Row],
    validated: Mapping[str, float],
    pairs: Sequence[Mapping[str, Any]],
    required: float,
) -> list[str]:
    row = rows[chosen]
    said = [
        f"On the validation set, which chose it, {chosen} reads {validated[chosen]:.2%} right; on "
        f"the test set, which chose nothing, {row['test_accuracy']:.2%} (95% interval "
        f"{row['test_accuracy_low']:.2%} to {row['test_accuracy_high']:.2%})."
    ]
    if row["test_accuracy_low"] < required:
        said.append(
            f"That interval goes below {required:.0%}: on new images {chosen} may miss the goal."
        )
    said += [sentence for pair in pairs if (sentence := against(chosen, pair))]
    below = [
        f"{model} ({validated[model]:.2%})" for model in validated if validated[model] < required
    ]
    if below:
        said.append(f"Below {required:.0%} on the validation set: {listed(below)}.")
    return said


def against(chosen: str, pair: Mapping[str, Any]) -> str | None:
    """What a test says of `chosen` and the other model of the pair; None if it is of two others."""
    if chosen not in (pair["first"], pair["second"]):
        return None
    other = pair["second"] if chosen == pair["first"] else pair["first"]
    lead = pair["difference"] if chosen == pair["second"] else -pair["difference"]
    if lead == 0:
        return f"{chosen} and {other} read equally many test images right."
    size = f"{abs(lead) * 100:.2f} percentage points {'ahead of' if lead > 0 else 'behind'} {other}"
    verdict = "this difference is real" if pair["differs"] else "this difference could be chance"
    return f"On the test set {chosen} is {size}: {verdict} ({probability(pair['p_corrected'])})."


def _without(
    rows: Mapping[str, Row], validated: Mapping[str, float], required: float
) -> dict[str, Any]:
    """What to say where no model can be recommended."""
    if not validated:
        return {
            "sentence": "No model can be recommended: there is no validation set to choose by.",
            "reasons": [
                "Give split.validation some images; choosing by the test set would spoil it."
            ],
        }
    best = max(validated, key=lambda model: validated[model])
    row = rows[best]
    return {
        "sentence": f"No model reaches {required:.0%} on the validation set.",
        "reasons": [
            f"{best} comes nearest: {validated[best]:.2%} on the validation set, "
            f"{row['test_accuracy']:.2%} on the test set (95% interval "
            f"{row['test_accuracy_low']:.2%} to {row['test_accuracy_high']:.2%})."
        ],
    }


def verdict(model: str, tests: Sequence[Mapping[str, Any]], accuracies: Mapping[str, float]) -> str:
    """What the paired tests say of other set-ups of one model, in one sentence.

    Args:
        model: The model.
        tests: Of every other set-up against the reference, as `significance.against` makes them.
        accuracies: The accuracy of each set-up on the test set.

    """
    if not tests:
        return f"No other set-up of {model} was run."
    error = {name: f"{1 - accuracy:.2%}" for name, accuracy in accuracies.items()}
    real = [test for test in tests if test["differs"]]
    better = [test for test in real if test["difference"] > 0]
    worse = [test for test in real if test["difference"] < 0]
    start = error[tests[0]["first"]]
    parts: list[str] = []
    for change, found in (("lower", better), ("raise", worse)):
        if not found:
            continue
        verb = f"{change}s" if len(found) == 1 else change
        names = listed([test["second"] for test in found])
        ends = listed(
            [f"{error[test['second']]} ({probability(test['p_corrected'])})" for test in found]
        )
        of = "it" if parts else f"the error of {model} from {start}"
        parts.append(f"{names} {verb} {of} to {ends}")
    others = [test["second"] for test in tests if not test["differs"]]
    if others and parts:
        parts.append(f"of {listed(others)} no difference is shown")
    elif others:
        parts.append(
            f"against the error of {model}, {start}, no difference is shown of {listed(others)}"
        )
    return "; ".join(parts) + "."


def probability(p: float) -> str:
    """A p value in words: as many digits as it deserves."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.01 else f"p = {p:.2f}"


def listed(names: Sequence[str]) -> str:
    """The names as in "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
