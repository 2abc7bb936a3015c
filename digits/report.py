"""The models side by side, as a table for people and for programs."""

from pathlib import Path
from typing import Any

import pandas as pd

from digits import files

TEST_FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "log_loss", "macro_f1")


def table(metrics: Path, models: tuple[str, ...]) -> pd.DataFrame:
    """One row a model, from the files in `metrics`.

    Args:
        metrics: The folder with a sub-folder a model.
        models: The models, in the order of the rows.

    Raises:
        UserError: if a file is missing.

    """
    return pd.DataFrame([_row(metrics / model, model) for model in models])


def _row(folder: Path, model: str) -> dict[str, Any]:
    train, test, timing, speed = (
        files.read_json(folder / f"{name}.json") for name in ("train", "test", "timing", "speed")
    )
    hardware = timing["hardware"]
    return {
        "model": model,
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
