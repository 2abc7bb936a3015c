"""The models side by side, as records for programs and as tables for people."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from digits.core import records
from digits.core.errors import UserError
from digits.evaluation import significance
from digits.evaluation.calibration import calibration
from digits.inference import scoring
from digits.report import measures, text

if TYPE_CHECKING:
    import pandas as pd


def read(metrics: Path, models: Iterable[str]) -> records.Comparison:
    """Put the models side by side.

    Args:
        metrics: The folder with a sub-folder a model.
        models: The models, in the order of the rows.

    Raises:
        UserError: if a file is missing or does not fit.

    """
    return records.Comparison(
        {
            model: row(
                records.Train.read(metrics / model / "train.json"),
                records.Test.read(metrics / model / "test.json"),
                records.Timing.read(metrics / model / "timing.json"),
                records.Speed.read(metrics / model / "speed.json"),
            )
            for model in models
        }
    )


def row(
    train: records.Train, test: records.Test, timing: records.Timing, speed: records.Speed
) -> records.Row:
    """The figures by which models are compared, from the files of one of them."""
    validated, held_out = train.validation_accuracy, train.split["validation"].images
    low, high = (
        (None, None) if validated is None else scoring.wilson(round(validated * held_out), held_out)
    )
    return records.Row(
        dataset=test.dataset,
        validation_accuracy=validated,
        validation_accuracy_low=low,
        validation_accuracy_high=high,
        validation_images=held_out,
        test_accuracy=test.accuracy,
        test_accuracy_low=test.accuracy_low,
        test_accuracy_high=test.accuracy_high,
        test_log_loss=test.log_loss,
        test_macro_f1=test.macro_f1,
        test_images=test.images,
        train_seconds=timing.train_seconds,
        train_memory_mib=timing.peak_memory_mib,
        train_joules=timing.energy_joules,
        images_per_second=speed.images_per_second,
        latency_ms=speed.latency_ms,
        predict_memory_mib=speed.memory_mib,
        batch_memory_mib=speed.batch_memory_mib,
        parameters=train.parameters,
        bundle_mib=round(train.bundle_bytes / 2**20, 2),
        device=timing.hardware.device_name,
        precision=timing.hardware.precision,
        threads=timing.hardware.threads,
    )


def tests(predictions: Mapping[str, "pd.DataFrame"]) -> records.Significance:
    """Which differences between the models are real, and how far their scores can be believed.

    Args:
        predictions: For each model, its predictions.csv; all of the same images.  Models without
            predictions are left out, and nothing is tested where there are no others.

    Raises:
        UserError: if the files are not of the same images.

    """
    predictions = {model: table for model, table in predictions.items() if len(table)}
    level = {"level": significance.LEVEL, "power": significance.POWER}
    if not predictions:
        return records.Significance(
            images=0, **level, cochran=None, pairs=(), calibration={}, misclassified_by_all=()
        )
    first = next(iter(predictions.values()))
    for model, table in predictions.items():
        if not table[["index", "label"]].equals(first[["index", "label"]]):
            raise UserError(
                f"metrics/{model}/predictions.csv is of other images than those of "
                f"{next(iter(predictions))}; run `dvc repro`"
            )
    labels = first["label"].to_numpy()
    answers = {model: table["prediction"].to_numpy() for model, table in predictions.items()}
    correct = {model: predicted == labels for model, predicted in answers.items()}
    return records.Significance(
        images=len(labels),
        **level,
        cochran=significance.cochran(correct),
        pairs=significance.pairs(correct),
        calibration={
            model: calibration(labels, table.filter(like="score_").to_numpy())
            for model, table in predictions.items()
        },
        misclassified_by_all=significance.misclassified_by_all(
            first["index"].to_numpy(), labels, answers
        ),
    )


def markdown(compared: records.Comparison) -> str:
    """The rows as a table in Markdown, ending with what they were measured on."""
    rows = compared.root
    columns = (
        "model",
        "validation accuracy",
        "95% interval",
        "test accuracy",
        "95% interval",
        "training",
        "images/s",
        "one image",
        "parameters",
        "size",
        "memory",
        "trained on",
    )
    table = text.markdown_table(
        columns,
        [
            (
                model,
                text.percent(row.validation_accuracy),
                text.interval(row.validation_accuracy_low, row.validation_accuracy_high),
                text.percent(row.test_accuracy),
                text.interval(row.test_accuracy_low, row.test_accuracy_high),
                text.seconds(row.train_seconds),
                text.number(row.images_per_second),
                text.milliseconds(row.latency_ms),
                text.number(row.parameters),
                measures.mebibytes(row.bundle_mib),
                measures.mebibytes(row.predict_memory_mib),
                f"{row.device}, {text.count(row.threads, 'thread')}, {row.precision}",
            )
            for model, row in rows.items()
        ],
    )
    first = next(iter(rows.values()))
    choose = (
        f"choose by its {text.count(first.validation_images, 'validation image')}"
        if first.validation_images
        else "there are no validation images to choose by"
    )
    return (
        f"{table}\n\nData set: {first.dataset}; {choose}, the "
        f"{text.count(first.test_images, 'test image')} were held out from every choice. Speeds "
        "are ONNX Runtime's on the CPU; memory is what loading the model and predicting one image "
        "adds.\n"
    )


def abstention_markdown(measured: Mapping[str, records.Confidence]) -> str:
    """What abstaining buys as a table in Markdown; empty where no model abstains."""
    known = {model: one.bought for model, one in measured.items() if one.bought}
    if not known:
        return ""
    table = text.markdown_table(
        (
            "model",
            "digits answered with confidence",
            "of these misclassified",
            "95% interval",
            "other images taken for digits",
            "95% interval",
        ),
        [
            (
                model,
                text.percent(one.coverage),
                text.percent(one.error),
                text.interval(one.error_low, one.error_high),
                text.percent(one.taken_for_digits, 1),
                text.interval(one.taken_low, one.taken_high),
            )
            for model, one in known.items()
        ],
    )
    first = next(iter(measured.values()))
    return (
        f"{table}\n\nOn held-out images that chose nothing: of {first.dataset}, and "
        f"{text.number(first.nondigits)} letters, signs, scribbles and pairs of digits that the "
        "model of the hand writes; of the reader also the digits that it writes.\n"
    )


def tests_markdown(tests: records.Significance) -> str:
    """The tests between the models as a table in Markdown, with what they say of all of them."""
    columns = (
        "models",
        "difference, points",
        "digits per 10,000",
        "only one correct",
        "p",
        "p, corrected",
        "real",
        "minimum detectable, points",
    )
    table = text.markdown_table(
        columns,
        [
            (
                f"{pair.first}, {pair.second}",
                text.points(pair.difference),
                measures.per_10000(pair.difference),
                f"{pair.only_first_correct}, {pair.only_second_correct}",
                text.p_value(pair.p),
                text.p_value(pair.p_corrected),
                "yes" if pair.differs else "no",
                text.UNKNOWN
                if pair.minimum_detectable_difference is None
                else text.number(pair.minimum_detectable_difference * 100, 2),
            )
            for pair in tests.pairs
        ],
    )
    cochran = tests.cochran
    overall = (
        "All models predict every image alike."
        if cochran is None
        else f"All at once: Cochran's Q = {text.number(cochran.statistic, 1)}, "
        f"{text.stated_p(cochran.p)}."
    )
    errors = ", ".join(
        f"{model} {text.percent(part.expected_calibration_error)}"
        for model, part in tests.calibration.items()
    )
    return (
        f"{table}\n\nMcNemar's exact test on the same images, Holm's correction, level "
        f"{tests.level:g}; the last column is the difference that the correction's first step "
        f"would find with a probability of {text.percent(tests.power, 0)}. {overall} Expected "
        f"calibration error: {errors}. Misclassified by all models: "
        f"{text.count(len(tests.misclassified_by_all), 'image')}.\n"
    )
