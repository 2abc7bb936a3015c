"""Trainings as the store tells of them, and the table that puts them side by side."""

from digits.tracking import by_hardware
from digits.tracking.run import Settings, StoredRun

PARAMETERS = {"epochs": "2", "split.seed": "0", "dataset.used": "mnist"}
SPLITS = {
    part: {"images": 5, "sha256": letter * 64}
    for part, letter in (("train", "a"), ("validation", "b"), ("test", "c"))
}
SETTINGS = {"cnn": Settings(PARAMETERS, SPLITS), "svc": Settings({}, {})}
EPOCHS = [
    {"epoch": 1, "validation_accuracy": 0.9, "seconds": 12.0},
    {"epoch": 2, "validation_accuracy": 0.98, "seconds": 20.0},
]


def training(
    run_id, device_name="A", device="cpu", started=0.0, parameters=None, splits=None, **rest
):
    """A run of the CNN; `rest` are its metrics, and `tags`."""
    tags = {
        "model": "cnn",
        "dataset": "mnist",
        "digits.model": "m",
        "hardware.device": device,
        "hardware.device_name": device_name,
        "hardware.precision": "float32",
        "hardware.threads": "2",
        "hardware.packages.keras": "3",
        "evaluation.cpu": "A",
        "evaluation.threads": "2",
    }
    return StoredRun(
        run_id=run_id,
        name=f"cnn {run_id}",
        model="cnn",
        parameters=PARAMETERS | {"hardware.used_device_name": device_name} | (parameters or {}),
        tags=tags | rest.pop("tags", {}),
        splits=SPLITS | (splits or {}),
        metrics={
            "test_accuracy": 0.99,
            "test_accuracy_low": 0.98,
            "test_accuracy_high": 0.995,
            "train_seconds": 20.0,
            "images_per_second": 9000.0,
            "peak_memory_mib": 500.0,
        }
        | rest,
        started=started,
    )


def predictions(*classes):
    """predictions.csv for images 60000, 60001, ..., all of class 7."""
    rows = [f"{60000 + place},7,{read}" for place, read in enumerate(classes)]
    return "\n".join(["index,label,prediction", *rows, ""]).encode()


def select(*runs, settings=SETTINGS):
    (selection,) = by_hardware.select(runs, settings, ["cnn"])
    return selection


def table(*runs, files=None, epochs=None, published=None):
    return by_hardware.table(select(*runs), files or {}, epochs or {}, published)
