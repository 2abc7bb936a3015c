"""The models side by side, as tables for people and for programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from digits.core import records
from digits.core.errors import UserError
from digits.evaluation import significance

TEST_FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "log_loss", "macro_f1")


def table(metrics: Path, models: tuple[str, ...]) -> pd.DataFrame:
    """One row a model, from the files in `metrics`.

    Args:
        metrics: The folder with a sub-folder a model.
        models: The models, in the order of the rows.

    Raises:
        UserError: if a file is missing or does not fit.

    """
    return pd.DataFrame([_read_row(metrics / model) for model in models])


def _read_row(folder: Path) -> dict[str, Any]:
    return row(
        records.Train.read(folder / "train.json").as_dict(),
        records.Test.read(folder / "test.json").as_dict(),
        records.Timing.read(folder / "timing.json").as_dict(),
        records.Speed.read(folder / "speed.json").as_dict(),
    )


def row(
    train: dict[str, Any], test: dict[str, Any], timing: dict[str, Any], speed: dict[str, Any]
) -> dict[str, Any]:
    """The figures by which models are compared, from the files of one of them."""
    hardware = timing["hardware"]
    return {
        "model": test["model"],
        "dataset": test["dataset"],
        **{f"test_{name}": test[name] for name in TEST_FIGURES},
        "test_images": test["images"],
        "validation_accuracy": train["validation_accuracy"],
        "train_seconds": timing["train_seconds"],
        "images_per_second": speed["images_per_second"],
        "latency_ms": speed["latency_ms"],
        "parameters": train["parameters"],
        "bundle_mib": round(train["bundle_bytes"] / 2**20, 2),
        "device": hardware["device_name"],
        "precision": hardware["precision"],
        "threads": hardware["threads"],
    }


def markdown(rows: pd.DataFrame) -> str:
    """The table in Markdown, ending with what it was measured on."""
    shown = pd.DataFrame(
        {
            "model": rows["model"],
            "test accuracy": [f"{value:.2%}" for value in rows["test_accuracy"]],
            "95% interval": [
                f"{low:.2%} to {high:.2%}"
                for low, high in zip(
                    rows["test_accuracy_low"], rows["test_accuracy_high"], strict=True
                )
            ],
            "training": [f"{value:,.0f} s" for value in rows["train_seconds"]],
            "images a second": [f"{value:,.0f}" for value in rows["images_per_second"]],
            "one image": [f"{value:.2f} ms" for value in rows["latency_ms"]],
            "parameters": [f"{value:,}" for value in rows["parameters"]],
            "size": [f"{value:,.1f} MiB" for value in rows["bundle_mib"]],
            "trained on": [
                f"{device}, {threads} thread(s), {precision}"
                for device, threads, precision in zip(
                    rows["device"], rows["threads"], rows["precision"], strict=True
                )
            ],
        }
    )
    lines = [shown.columns.tolist(), ["---"] * shown.shape[1], *shown.to_numpy().tolist()]
    text = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    return (
        f"{text}\n\nData set: {rows['dataset'].iloc[0]}, {rows['test_images'].iloc[0]:,} test "
        "images that nothing was chosen by. Speeds are ONNX Runtime's on the CPU.\n"
    )


def tests(predictions: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Which differences between the models are real, and how far their scores can be believed.

    Args:
        predictions: For each model, its predictions.csv; all of the same images.

    Returns:
        images; level and power of the tests; cochran, the test of all models at once; pairs, as
        `significance.pairs`; calibration, a model each; misread_by_all.

    Raises:
        UserError: if the files are not of the same images.

    """
    first = next(iter(predictions.values()))
    for model, table_ in predictions.items():
        if not table_[["index", "label"]].equals(first[["index", "label"]]):
            raise UserError(
                f"metrics/{model}/predictions.csv is of other test images than those of "
                f"{next(iter(predictions))}; run `dvc repro`"
            )
    labels = first["label"].to_numpy()
    answers = {model: table_["prediction"].to_numpy() for model, table_ in predictions.items()}
    correct = {model: read == labels for model, read in answers.items()}
    return {
        "images": len(labels),
        "level": significance.LEVEL,
        "power": significance.POWER,
        "cochran": significance.cochran(correct),
        "pairs": significance.pairs(correct),
        "calibration": {
            model: significance.calibration(labels, table_.filter(like="score_").to_numpy())
            for model, table_ in predictions.items()
        },
        "misread_by_all": significance.misread_by_all(first["index"].to_numpy(), labels, answers),
    }


def tests_markdown(tests: dict[str, Any]) -> str:
    """The tests between the models as a table in Markdown, with what they say of all of them."""
    columns = (
        "models",
        "difference",
        "only one right",
        "p",
        "p, corrected",
        "real",
        "visible from",
    )
    lines = [columns, ("---",) * len(columns)]
    for pair in tests["pairs"]:
        visible = pair["smallest_visible"]
        lines.append(
            (
                f"{pair['first']}, {pair['second']}",
                f"{pair['difference']:+.2%}",
                f"{pair['only_first_right']}, {pair['only_second_right']}",
                f"{pair['p']:.2g}",
                f"{pair['p_corrected']:.2g}",
                "yes" if pair["differs"] else "no",
                "-" if visible is None else f"{visible:.2%}",
            )
        )
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    cochran = tests["cochran"]
    overall = (
        "All models read every image alike."
        if cochran is None
        else f"All at once: Cochran's Q = {cochran['statistic']:.1f}, p = {cochran['p']:.2g}."
    )
    errors = ", ".join(
        f"{model} {part['expected_calibration_error']:.2%}"
        for model, part in tests["calibration"].items()
    )
    return (
        f"{text}\n\nMcNemar's exact test on the same images, Holm's correction, level "
        f"{tests['level']:g}; the last column is the difference that the correction's first step "
        f"would find with a probability of {tests['power']:.0%}. {overall} Expected calibration "
        f"error: {errors}. Misread by all models: {len(tests['misread_by_all'])} images.\n"
    )
