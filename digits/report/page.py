"""The report: everything that was measured, on one page that needs nothing but itself."""

import base64
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import config, files, paths, records
from digits.evaluation import recommendation
from digits.report import charts
from digits.tracking import git

if TYPE_CHECKING:
    import pandas as pd

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "report.html"
DIGESTED = ("locks/compute.lock", "params.yaml")

PREPROCESSING, AUGMENTATION, HARDWARE = "preprocessing", "augmentation", "hardware"
REPRODUCED = ("digits-svc", "ann-10k", "mlp-128", "three-networks")
"""The experiments whose outcomes are shown, in this order."""

SET_SIDE_BY_SIDE = (("shift", 2), ("shift", 4), ("rotation", 30), ("scale", 0.6), ("scale", 1.3))
"""Changes and amounts at which the published set-ups and ours are put side by side."""

MISREAD_SHOWN = 36
UNKNOWN = "\N{EN DASH}"
UNITS = {"train_seconds": "seconds", "latency_ms": "milliseconds", "bundle_mib": "MiB"}
CONFUSED = 0.3
"""Exponent of the colours in a confusion matrix: the diagonal is near 1 and the errors near 0.001,
and both are to be seen."""


@dataclass(frozen=True)
class Measured:
    """The files of one model."""

    train: dict[str, Any]
    test: dict[str, Any]
    timing: dict[str, Any]
    speed: dict[str, Any]
    robustness: dict[str, Any] | None
    history: "pd.DataFrame"
    """history.csv."""
    predictions: "pd.DataFrame"
    """predictions.csv."""
    misread: dict[int, np.ndarray]
    """By place in the data set, (height, width) uint8, ink at 255."""

    @property
    def classes(self) -> list[str]:
        return list(self.test["per_class"])


@dataclass(frozen=True)
class Results:
    """All that the page tells."""

    rows: dict[str, dict[str, Any]]
    """comparison.json."""
    tests: dict[str, Any]
    """significance.json."""
    models: dict[str, Measured]
    outcomes: dict[str, dict[str, Any]]
    """By the name of the experiment, of those that were made."""
    provenance: dict[str, Any]


def read(metrics: Path, outcomes: Path, provenance: dict[str, Any]) -> Results:
    """Gather what the pipeline and the experiments have left.

    Args:
        metrics: The folder with comparison.json, significance.json and a sub-folder a model.
        outcomes: The folder with a JSON file an experiment; experiments may be missing.
        provenance: As the function of that name gives it.

    Raises:
        UserError: if a file of the pipeline is missing.

    """
    rows = records.Comparison.read(metrics / "comparison.json").as_dict()
    return Results(
        rows=rows,
        tests=records.Significance.read(metrics / "significance.json").as_dict(),
        models={model: _measured(metrics / model) for model in rows},
        outcomes={
            name: outcome
            for name in (PREPROCESSING, AUGMENTATION, *REPRODUCED, HARDWARE)
            if (outcome := _outcome(outcomes, name))
        },
        provenance=provenance,
    )


def _outcome(folder: Path, name: str) -> dict[str, Any] | None:
    """One experiment, with what was measured of further models; None if it was not made."""
    found = [folder / f"{name}.json", *sorted(folder.glob(f"{name}-of-*.json"))]
    parts = [files.read_json(path) for path in found if path.is_file()]
    for part in parts[1:]:
        parts[0]["runs"] += part["runs"]
        for key in {"tests", "repeats", "welch"} & part.keys() & parts[0].keys():
            parts[0][key] = part[key] | parts[0][key]
    return parts[0] if parts else None


def _measured(folder: Path) -> Measured:
    import pandas as pd

    robustness = folder / "robustness.json"
    with np.load(folder / "misread.npz") as stored:
        misread = dict(zip(stored["index"].tolist(), stored["images"], strict=True))
    return Measured(
        train=records.Train.read(folder / "train.json").as_dict(),
        test=records.Test.read(folder / "test.json").as_dict(),
        timing=records.Timing.read(folder / "timing.json").as_dict(),
        speed=records.Speed.read(folder / "speed.json").as_dict(),
        robustness=records.Robustness.read(robustness).as_dict() if robustness.is_file() else None,
        history=pd.read_csv(folder / "history.csv"),
        predictions=pd.read_csv(folder / "predictions.csv"),
        misread=misread,
    )


def provenance(root: Path) -> dict[str, Any]:
    """What the results follow from.

    Returns:
        commit, the last one that changed the code or the parameters of a stage, or None outside a
        repository; changed, whether they differ from it; digests, the SHA-256 of the files of
        `DIGESTED`.

    """
    stages = config.read(root / paths.DVC_YAML.name)["stages"].values()
    deps = {
        dep for stage in stages for dep in stage["deps"] if dep.startswith(("digits/", "stages/"))
    }
    code = [*sorted(deps), paths.DVC_YAML.name, *DIGESTED]
    commit = git.last_commit_of(code, root)
    return {
        "commit": commit,
        "changed": bool(commit and git.changed(code, folder=root)),
        "digests": {
            name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in DIGESTED
        },
    }


def render(results: Results) -> str:
    """The page as HTML; the same results give the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": _percent,
        "points": _points,
        "seconds": _seconds,
        "number": _number,
        "short": lambda value: f"{value:.3g}".replace("-", "\N{MINUS SIGN}"),
        "p": lambda p: UNKNOWN if p is None else recommendation.probability(p),
        "unbroken": _unbroken,
        "listed": lambda names: recommendation.listed(list(names)),
    }
    return environment.get_template(TEMPLATE).render(_context(results))


def _percent(value: float | None, decimals: int = 2) -> str:
    return UNKNOWN if value is None else f"{value * 100:.{decimals}f}%"


def _points(value: float) -> str:
    """A difference of two accuracies, in percentage points, with a true minus sign."""
    return f"{value * 100:+.2f}".replace("-", "\N{MINUS SIGN}")


def _seconds(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.0f} s" if value >= 10 else f"{value:.1f} s"


def _number(value: float | None, decimals: int = 0) -> str:
    return UNKNOWN if value is None else f"{value:,.{decimals}f}"


def _unbroken(text: str) -> str:
    """A sentence whose p values stay on one line."""
    return re.sub("p ([<=]) ", "p\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)


def _context(results: Results) -> dict[str, Any]:
    rows, models, outcomes = results.rows, results.models, results.outcomes
    advice = recommendation.recommend(rows, results.tests["pairs"])
    dataset = next(iter(rows.values()))["dataset"]
    return {
        "dataset": dataset,
        "rows": rows,
        "headline": _headline(rows),
        "markers": {model: _marker(model) for model in rows},
        "advice": advice,
        "costs": recommendation.COSTS,
        "pareto": _pareto(rows, advice),
        "best": _best(rows),
        "accuracies": charts.svg(
            charts.accuracies(rows, advice["required"]),
            "accuracies",
            "Test accuracy of each model with its 95% interval",
        ),
        "tests": results.tests,
        "calibration": _calibration(results.tests),
        "learning": {model: _learning(model, part) for model, part in models.items()},
        "last_epoch": {
            model: part.history.iloc[-1].to_dict()
            for model, part in models.items()
            if "kept_epoch" in part.train
        },
        "confusion": {model: _confusion(part) for model, part in models.items()},
        "misread": {model: _misread(part) for model, part in models.items()},
        "misread_shown": MISREAD_SHOWN,
        "misread_by_all": _misread_by_all(results),
        "robustness": _robustness(models),
        "side_by_side": [{"change": name, "amount": amount} for name, amount in SET_SIDE_BY_SIDE],
        "set_ups": _set_ups(models, outcomes),
        "preprocessing": _preprocessing(outcomes.get(PREPROCESSING)),
        "augmentation": _augmentation(outcomes.get(AUGMENTATION)),
        "reproduced": {name: outcomes.get(name) for name in REPRODUCED},
        "hardware": _hardware(outcomes.get(HARDWARE)),
        "split": next(iter(models.values())).train["split"],
        "digests": {model: part.test["model_sha256"] for model, part in models.items()},
        "machines": _machines({model: part.timing["hardware"] for model, part in models.items()}),
        "speed_machines": _machines(
            {model: part.speed["hardware"] for model, part in models.items()}
        ),
        "provenance": results.provenance,
    }


def _headline(rows: Mapping[str, Any]) -> str:
    model = max(rows, key=lambda name: rows[name]["test_accuracy"])
    row = rows[model]
    return (
        f"Of {row['test_images']:,} test images, {model} reads the most right: "
        f"{row['test_accuracy']:.2%} (95% interval {row['test_accuracy_low']:.2%} to "
        f"{row['test_accuracy_high']:.2%})."
    )


def _marker(model: str) -> str:
    return {"o": "●", "s": "■", "^": "▲", "D": "◆"}[charts.MARKERS.get(model, "o")]


def _pareto(rows: Mapping[str, Any], advice: Mapping[str, Any]) -> list[dict[str, Any]]:
    panels = []
    for cost, name in recommendation.COSTS.items():
        front = advice["fronts"][cost]
        figure = charts.pareto(rows, cost, front, advice["required"], f"{name}, {UNITS[cost]}")
        label = f"Validation accuracy against {name}; on the Pareto front: {', '.join(front)}"
        panels.append(
            {"name": name, "front": front, "svg": charts.svg(figure, f"pareto-{cost}", label)}
        )
    return panels


def _best(rows: Mapping[str, Any]) -> dict[str, Any]:
    """The best value of each column of the table of results."""
    highest = ("validation_accuracy", "test_accuracy", "test_macro_f1", "images_per_second")
    lowest = ("test_log_loss", "train_seconds", "latency_ms", "parameters", "bundle_mib")
    best = {}
    for choose, columns in ((max, highest), (min, lowest)):
        for column in columns:
            known = [row[column] for row in rows.values() if row[column] is not None]
            best[column] = choose(known, default=None)
    return best


def _calibration(tests: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        model: {
            "error": part["expected_calibration_error"],
            "svg": charts.svg(
                charts.reliability(model, part["bins"]),
                f"reliability-{model}",
                f"Accuracy of {model} by the confidence of its answers, and how many there are",
            ),
        }
        for model, part in (tests.get("calibration") or {}).items()
        if part
    }


def _learning(model: str, part: Measured) -> list[str]:
    """A panel for accuracy and one for loss; none for a model without epochs to connect."""
    kept = part.train.get("kept_epoch")
    if kept is None or len(part.history) == 1:
        return []
    return [
        charts.svg(
            charts.learning(model, part.history, measure, kept),
            f"learning-{model}-{measure}",
            f"{measure} of {model} by epoch, on the training and the validation set",
        )
        for measure in ("accuracy", "loss")
        if part.history.filter(like=f"_{measure}").notna().any().any()
    ]


def _confusion(part: Measured) -> dict[str, Any]:
    counts = np.zeros((len(part.classes),) * 2, int)
    np.add.at(counts, (part.predictions["label"], part.predictions["prediction"]), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return {
        "classes": part.classes,
        "long": max(map(len, part.classes)) > 2,
        "counts": counts.tolist(),
        "shares": shares.tolist(),
        "strengths": (shares**CONFUSED).round(3).tolist(),
        "images": counts.sum(axis=1).tolist(),
    }


def _misread(part: Measured) -> dict[str, Any]:
    """The surest mistakes first."""
    table = part.predictions
    wrong = table[table["label"] != table["prediction"]]
    sureness = wrong.filter(like="score_").max(axis=1).to_numpy()
    order = np.argsort(-sureness, kind="stable")[:MISREAD_SHOWN]
    return {
        "count": len(wrong),
        "digits": [
            {
                "image": _picture(part.misread[int(wrong["index"].iloc[place])]),
                "label": part.classes[wrong["label"].iloc[place]],
                "prediction": part.classes[wrong["prediction"].iloc[place]],
                "sureness": sureness[place],
            }
            for place in order
        ],
    }


def _picture(image: np.ndarray) -> str:
    """A (height, width) uint8 image as the address of a PNG: black ink on a transparent ground."""
    from PIL import Image

    buffer = io.BytesIO()
    ink = np.stack([np.zeros_like(image), image], axis=-1)
    Image.fromarray(ink, "LA").save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _misread_by_all(results: Results) -> list[dict[str, Any]]:
    part = next(iter(results.models.values()))
    shown = []
    for digit in results.tests["misread_by_all"]:
        answers: dict[str, list[str]] = {}
        for model, answer in digit["predictions"].items():
            answers.setdefault(part.classes[answer], []).append(model)
        shown.append(
            {
                "image": _picture(part.misread[digit["index"]]),
                "label": part.classes[digit["label"]],
                "answers": answers,
            }
        )
    return shown


def _robustness(models: Mapping[str, Measured]) -> dict[str, Any] | None:
    known = {model: part.robustness for model, part in models.items() if part.robustness}
    if not known:
        return None
    first = next(iter(known.values()))
    changes = {
        name: {model: part["changes"][name] for model, part in known.items()}
        for name in first["changes"]
    }
    return {
        "set": first["set"],
        "images": first["images"],
        "required": first["required"],
        "models": list(known),
        "changes": changes,
        "panels": {
            name: charts.svg(
                charts.robustness(change, first["required"]),
                f"robustness-{name}",
                f"Accuracy of each model by {name}",
            )
            for name, change in changes.items()
        },
    }


def _set_ups(models: Mapping[str, Measured], outcomes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The published networks, the ANN with and without augmentation, and ours, under change."""
    named = [
        (f"{model}, as published", figures.get("robustness"))
        for run in outcomes.get("three-networks", {"runs": []})["runs"]
        for model, figures in run["models"].items()
    ]
    seen = set()
    for run in outcomes.get(AUGMENTATION, {"runs": []})["runs"]:
        if run["variant"] not in seen:
            seen.add(run["variant"])
            named += [
                (f"{model}, {run['variant']}", figures.get("robustness"))
                for model, figures in run["models"].items()
            ]
    if not named:
        return []
    named += [(f"{model}, ours", part.robustness) for model, part in models.items()]
    return [
        {
            "name": name,
            "unchanged": _accuracy_at(measured, "shift", 0),
            "changed": [_accuracy_at(measured, *change) for change in SET_SIDE_BY_SIDE],
        }
        for name, measured in named
        if measured
    ]


def _accuracy_at(robustness: Mapping[str, Any], change: str, amount: float) -> float | None:
    points = robustness["changes"].get(change, {"points": []})["points"]
    return next((point["accuracy"] for point in points if point["amount"] == amount), None)


def _by_model(outcome: Mapping[str, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The figures of an outcome's runs, by model and by variant."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for run in outcome["runs"]:
        for model, figures in run["models"].items():
            found.setdefault(model, {}).setdefault(run["variant"], []).append(figures)
    return found


def _preprocessing(outcome: dict[str, Any] | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    shown = {}
    for model, variants in _by_model(outcome).items():
        rows = {variant: runs[0] for variant, runs in variants.items()}
        tests = outcome["tests"].get(model, [])
        real = [test["second"] for test in tests if test["differs"]]
        figure = charts.errors(model, rows, outcome["reference"], real)
        shown[model] = {
            "rows": rows,
            "tests": {test["second"]: test for test in tests},
            "svg": charts.svg(
                figure,
                f"preprocessing-{model}",
                f"Error of {model} on the test set by preprocessing, with 95% intervals",
            ),
            "verdict": recommendation.verdict(
                model, tests, {variant: row["test_accuracy"] for variant, row in rows.items()}
            ),
        }
    return outcome | {"shown": shown}


def _augmentation(outcome: dict[str, Any] | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    by_model = _by_model(outcome)
    shown = {}
    for model, means in outcome["repeats"].items():
        accuracies = {
            variant: [row["test_accuracy"] for row in runs]
            for variant, runs in by_model.get(model, {}).items()
        }
        shown[model] = {
            "means": means,
            "welch": outcome["welch"].get(model, {}),
            "svg": charts.svg(
                charts.repeats(model, accuracies, means),
                f"augmentation-{model}",
                f"Test accuracy of {model} over seeds, by augmentation",
            ),
        }
    return outcome | {"shown": shown}


def _hardware(outcome: dict[str, Any] | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    variants: dict[str, dict[str, Any]] = {}
    for run in outcome["runs"]:
        variants[run["variant"]] = run["models"] | variants.get(run["variant"], {})
    measures = {
        "test_accuracy": ("Accuracy", "test accuracy, 95% interval"),
        "train_seconds": ("Training time", "seconds, logarithmic"),
        "images_per_second": ("Inference", "images a second, logarithmic"),
    }
    panels = {
        title: charts.svg(
            charts.by_variant(variants, measure, unit),
            f"hardware-{measure}",
            f"{title} of each model on each hardware",
        )
        for measure, (title, unit) in measures.items()
    }
    models = list(dict.fromkeys(model for rows in variants.values() for model in rows))
    return outcome | {"variants": variants, "panels": panels, "models": models}


def _machines(hardware: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What models ran on, each once, with the models that ran there."""
    known: list[Mapping[str, Any]] = []
    for machine in hardware.values():
        if machine not in known:
            known.append(machine)
    return [
        {"models": [model for model in hardware if hardware[model] == machine], **machine}
        for machine in known
    ]
