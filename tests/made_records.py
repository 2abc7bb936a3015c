"""Records as stages write them, of models that were never trained."""

from datetime import UTC, datetime

from digits.core import records
from digits.evaluation.forms import Form, Forms
from digits.inference import scoring
from digits.report.outcomes import Figures

HARDWARE = records.Hardware(
    device="cpu",
    device_name="A processor",
    precision="float32",
    threads=2,
    cpu="A processor",
    cores=2,
    memory_gib=8.0,
    gpu=None,
    system="Linux",
    python="3.11.7",
    packages={"numpy": "2.4.6"},
    label="<laptop>",
)


def images(count=12, digest="d" * 64):
    """A set of the split."""
    return records.Images(images=count, per_class=(count,), sha256=digest)


def train(model="ann", validation=0.995, **more):
    """What a training came to."""
    figures = {
        "model": model,
        "dataset": "clothes",
        "model_sha256": "b" * 64,
        "train_accuracy": 0.75,
        "validation_accuracy": validation,
        "validation_loss": None if validation is None else 0.5,
        "temperature": 1.0,
        "parameters": 10,
        "bundle_bytes": 2**20,
        "export_checked_on": 12,
        "export_differs_on": 0,
        "split": {name: images() for name in ("train", "validation", "test")},
    }
    return records.Train(**figures | more)


def timing(seconds=12.0):
    """How long a training took."""
    return records.Timing(
        started=datetime(2026, 1, 1, tzinfo=UTC),
        train_seconds=seconds,
        epoch_seconds=(seconds,),
        peak_memory_mib=100.0,
        hardware=HARDWARE,
    )


def speed(latency_ms=0.5, images_per_second=900.0, hardware=HARDWARE):
    """How fast a model predicts."""
    one = records.Timed(
        batch=1, repeats=100, median_ms=latency_ms, low_ms=latency_ms, high_ms=2 * latency_ms
    )
    batch_ms = 500_000 / images_per_second
    many = records.Timed(
        batch=500, repeats=10, median_ms=batch_ms, low_ms=batch_ms / 2, high_ms=2 * batch_ms
    )
    return records.Speed(
        latency_ms=latency_ms,
        images_per_second=images_per_second,
        memory_mib=10.0,
        batch_memory_mib=20.0,
        single=one,
        batched=many,
        hardware=hardware,
    )


def tested(model, labels, probabilities, classes):
    """How well a model predicts the test set."""
    return records.Test(
        model=model,
        dataset="clothes",
        test_sha256="d" * 64,
        model_sha256="b" * 64,
        **scoring.summarise(labels, probabilities, classes),
    )


def row(validation=0.995, accuracy=0.99, **more):
    """A model's line of the comparison; its interval is half a percentage point to both sides."""
    low, high = (
        (None, None) if validation is None else scoring.wilson(round(validation * 12_000), 12_000)
    )
    figures = {
        "dataset": "clothes",
        "validation_accuracy": validation,
        "validation_accuracy_low": low,
        "validation_accuracy_high": high,
        "validation_images": 12_000,
        "test_accuracy": accuracy,
        "test_accuracy_low": accuracy - 0.005,
        "test_accuracy_high": min(1.0, accuracy + 0.005),
        "test_log_loss": 0.04,
        "test_macro_f1": accuracy,
        "test_images": 10_000,
        "train_seconds": 1.0,
        "train_memory_mib": 500.0,
        "train_joules": None,
        "images_per_second": 1000.0,
        "latency_ms": 1.0,
        "predict_memory_mib": 10.0,
        "batch_memory_mib": 20.0,
        "parameters": 1234,
        "bundle_mib": 1.0,
        "device": "A processor",
        "precision": "float32",
        "threads": 2,
    }
    return records.Row(**figures | more)


def figures(accuracy=0.99, model="ann", **more):
    """What one run of an experiment measured; its interval is half a point to both sides."""
    known = {
        "model": model,
        "dataset": "clothes",
        "measured_on": "validation",
        "accuracy": accuracy,
        "accuracy_low": accuracy - 0.005,
        "accuracy_high": min(1.0, accuracy + 0.005),
        "images": 12_000,
        "validation_accuracy": accuracy,
        "per_class": {},
        "confusion": (),
        "history": (),
        "train_seconds": 1.0,
        "images_per_second": None,
        "latency_ms": None,
        "parameters": 1234,
        "bundle_mib": 1.0,
        "device": "A processor",
        "precision": "float32",
        "threads": 2,
    }
    return Figures(**known | more)


def pair(first, second, difference=0.0, p=1.0, differs=False):
    """The test of two models."""
    return records.Pair(
        first=first,
        second=second,
        only_first_correct=0,
        only_second_correct=0,
        difference=difference,
        p=p,
        minimum_detectable_difference=None,
        p_corrected=p,
        differs=differs,
    )


def change(*shares, images=10, unit="pixels", below=None):
    """The accuracy under a change by 0, 1, 2 and so on."""
    points = tuple(
        records.Point(
            amount=amount,
            correct=round(share * images),
            accuracy=share,
            low=share * 0.9,
            high=1.0,
        )
        for amount, share in enumerate(shares)
    )
    ends = records.FallsBelow(lower=None, upper=below)
    return records.Change(unit=unit, neutral=0, points=points, falls_below=ends)


def robustness(model="ann", **changes):
    """How far digits may change."""
    return records.Robustness(
        model=model,
        dataset="clothes",
        model_sha256="b" * 64,
        set="validation",
        images=10,
        required=0.95,
        changes=changes or {"shift": change(1.0, 0.5, below=0.1)},
    )


def confidence(model="ann", **more):
    """When a model abstains."""
    bought = {
        "coverage": 0.9,
        "error": 0.1,
        "error_low": 0.05,
        "error_high": 0.2,
        "taken_for_digits": 0.3,
        "taken_low": 0.2,
        "taken_high": 0.4,
    }
    figures = {
        "model": model,
        "dataset": "clothes",
        "model_sha256": "b" * 64,
        "calibrated": True,
        "images": 50,
        "nondigits": 20,
        "wanted": 0.9,
        "threshold": 0.5,
        "limit": 0.2,
        "bought": records.Abstaining(**bought),
        "others": (records.Abstaining(**bought), records.Abstaining(**bought | {"coverage": 1.0})),
    }
    return records.Confidence(**figures | more)


def transfer(model="ann", correct=9):
    """How a model predicts digits of other hands."""
    half = records.OnImages(
        images=10, correct=correct, accuracy=correct / 10, accuracy_low=0.5, accuracy_high=1.0
    )
    return records.Transfer(
        model=model,
        dataset="clothes",
        model_sha256="b" * 64,
        source="optdigits",
        choosing=half,
        reporting=half,
        per_class={"0": 1.0, "9": 0.8},
    )


def forms(models):
    """What models make of a form that they all read and of one that none reads."""
    read, misread = ({model: {label: 10} for model in models} for label in "17")
    return Forms(
        dataset="clothes",
        model_sha256=dict.fromkeys(models, "b" * 64),
        written=10,
        among=100,
        neighbours=20,
        forms=(
            Form(digit="1", name="straight", held=1.0, nearest=("1", "1"), answers=read),
            Form(digit="1", name="long flag", held=0.05, nearest=("7", "4"), answers=misread),
        ),
    )
