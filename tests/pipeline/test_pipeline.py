"""The real `dvc repro`, on the bundled digits, in a temporary clone."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from digits.core import config
from tests.pipeline.conftest import environment, lock, set_params, store_runs

MEASURED = {
    f"{stage}@{model}"
    for stage in ("evaluate", "robustness", "transfer", "confidence")
    for model in config.MODELS
}


def would_run(run) -> set[str]:
    """The stages whose own dependencies have changed; what follows them is not foreseen."""
    shown = run("dvc", "repro", "--dry").stdout
    return set(re.findall(r"Running stage '(.+)'", shown))


def test_every_model_was_trained_evaluated_and_compared(reproduced):
    comparison = json.loads((reproduced / "metrics/comparison.json").read_text())
    assert tuple(comparison) == config.MODELS
    assert comparison["svc"]["test_accuracy"] > 0.95
    assert comparison["cnn"]["test_accuracy"] > 0.5
    for model in config.MODELS:
        predictions = (reproduced / f"metrics/{model}/predictions.csv").read_text().splitlines()
        assert len(predictions) == 1 + 80
        test = json.loads((reproduced / f"metrics/{model}/test.json").read_text())
        train = json.loads((reproduced / f"metrics/{model}/train.json").read_text())
        assert test["model_sha256"] == train["model_sha256"]


def test_nothing_is_called_mnist_that_is_not(reproduced):
    for path in [*reproduced.glob("metrics/**/*.json"), reproduced / "reports/comparison.md"]:
        text = path.read_text()
        assert "mnist" not in text.lower()
    for model in config.MODELS:
        bundle = json.loads((reproduced / f"models/{model}/bundle.json").read_text())
        assert bundle["dataset"] == "optdigits"


def test_nothing_is_done_twice(run):
    began = time.perf_counter()
    assert "up to date" in run("dvc", "repro").stdout
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("train.svc.C", "5.0", {"train_svc"}),
        ("train.cnn.learning_rate", "0.003", {"train_cnn"}),
        (
            "hardware.threads",
            "1",
            {f"train_{model}" for model in config.MODELS} | MEASURED | {"forms"},
        ),
    ],
)
def test_a_parameter_touches_its_own_model_only(run, reproduced, key, value, expected):
    set_params(reproduced, **{key: value})
    # The report names the digest of params.yaml.
    assert would_run(run) == expected | {"report"}


def test_editing_the_cnn_leaves_the_other_models_alone(run, reproduced):
    path = reproduced / "digits/models/cnn.py"
    path.write_text(path.read_text() + "\n")
    assert would_run(run) == {"train_cnn", "train_reader"}  # which is the same network


def test_every_training_is_one_finished_run(reproduced):
    client, runs = store_runs(reproduced)
    named = {run.data.tags["model"]: run for run in runs if "dvc.experiment" not in run.data.tags}
    assert set(named) == set(config.MODELS)
    for model, run in named.items():
        assert run.info.status == "FINISHED"
        assert run.data.tags["dvc.stage"] == f"train_{model}"
        assert run.data.tags["dataset"] == run.data.params["dataset.used"] == "optdigits"
        assert {"test_accuracy", "train_seconds", "images_per_second"} <= set(run.data.metrics)
        assert {item.dataset.name for item in run.inputs.dataset_inputs} == {
            "optdigits train",
            "optdigits validation",
            "optdigits test",
        }
        figures = {item.path for item in client.list_artifacts(run.info.run_id, "figures")}
        assert {"figures/confusion.png", "figures/misclassified.png"} <= figures
    history = client.get_metric_history(named["cnn"].info.run_id, "epoch/validation_accuracy")
    assert [point.step for point in history] == [1, 2, 3, 4, 5, 6]


def test_sync_makes_what_is_missing_and_only_that(run, reproduced):
    (reproduced / "mlflow.db").rename(reproduced / "mlflow.db.kept")
    try:
        assert (
            f"{len(config.MODELS)} run(s) written, 0 up to date"
            in run("python", "-m", "digits", "sync").stdout
        )
        assert (
            f"0 run(s) written, {len(config.MODELS)} up to date"
            in run("python", "-m", "digits", "sync").stdout
        )
        assert len(store_runs(reproduced)[1]) == len(config.MODELS)
    finally:
        (reproduced / "mlflow.db.kept").replace(reproduced / "mlflow.db")


def test_training_again_from_nothing_gives_the_same_bytes(run, reproduced):
    before = lock(reproduced)
    for stage in ("preprocess", "split", "train_cnn", "train_svc", "evaluate@cnn"):
        run("dvc", "repro", "--force", "--single-item", "--no-run-cache", stage)
    after = lock(reproduced)
    changed = {path for path in before if before[path] != after[path]}
    timings = {f"metrics/{model}/timing.json" for model in ("cnn", "svc")}
    assert changed == timings | {"metrics/cnn/speed.json"}


def test_a_wrong_parameter_fails_at_once_and_costs_nothing(run, reproduced):
    before = lock(reproduced)
    set_params(reproduced, **{"train.svc.C": "'10'"})
    set_params(reproduced, **{"preprocess.deskew": "false"})
    failed = run("dvc", "repro", check=False)
    assert failed.returncode != 0
    assert "train.svc.C" in failed.stderr
    assert "remove the quotes" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert lock(reproduced) == before


def test_a_gpu_that_is_not_there_is_an_error(run, reproduced):
    if subprocess.run(["sh", "-c", "command -v nvidia-smi"], capture_output=True).returncode == 0:
        pytest.skip("this machine may have a GPU")
    set_params(reproduced, **{"hardware.device": "gpu"})
    failed = run("dvc", "repro", "train_ann", check=False)
    assert failed.returncode != 0
    assert "expected an NVIDIA GPU" in failed.stderr


def test_a_killed_run_can_be_repeated(run, reproduced):
    set_params(reproduced, **{"train.ann.epochs": "2000"})
    with subprocess.Popen(
        ["dvc", "repro", "train_ann"],
        cwd=reproduced,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as repro:
        assert repro.stdout is not None
        for line in repro.stdout:
            if "Epoch 2/" in line:
                break
        os.killpg(repro.pid, signal.SIGKILL)
    set_params(reproduced, **{"train.ann.epochs": "5"})
    run("dvc", "repro", "train_ann")
    assert "evaluate@ann" in would_run(run)
    deadline = time.time() + 30
    while time.time() < deadline:
        statuses = {run.info.status for run in store_runs(reproduced)[1]}
        if "RUNNING" not in statuses:
            break
        time.sleep(0.5)
    assert statuses == {"FINISHED", "KILLED"}


def test_dvc_shows_metrics_and_plots(run, reproduced):
    metrics = json.loads(run("dvc", "metrics", "show", "--json").stdout)
    shown = metrics[""]["data"]
    assert set(shown) == {
        f"metrics/{model}/{name}.json"
        for model in config.MODELS
        for name in ("validation", "summary")
    }
    assert shown["metrics/cnn/validation.json"]["data"]["validation_accuracy"] > 0.5
    assert shown["metrics/cnn/summary.json"]["data"]["test_accuracy"] > 0.5
    run("dvc", "plots", "show", "--out", "plots-page")
    page = (reproduced / "plots-page/index.html").read_text()
    assert "Validation accuracy by epoch" in page
    assert len(list((reproduced / "plots-page").rglob("*.png"))) >= 9


def test_predict_reads_image_files_as_evaluate_reads_images(run, reproduced, tmp_path):
    from PIL import Image
    from sklearn.datasets import load_digits

    from digits.data import preprocess
    from digits.scan.single.normalise import as_mnist

    digits = load_digits().images.astype("uint8")
    images = preprocess.resize(digits, (28, 28), 16, 255)
    wanted = {}
    for row in (reproduced / "metrics/svc/predictions.csv").read_text().splitlines()[1:]:
        index, _, prediction = map(int, row.split(",")[:3])
        image = images[index]
        if (unchanged := as_mnist(image)) is not None and (unchanged == image).all():
            path = tmp_path / f"{index}.png"
            Image.fromarray(image).save(path)
            wanted[str(path)] = str(prediction)
    assert len(wanted) > 30
    said = run("python", "-m", "digits", "predict", "--model", "svc", "--json", *wanted)
    read = {
        answer["image"]: digit["predictions"]["svc"]["label"]
        for answer in map(json.loads, said.stdout.splitlines())
        for digit in answer["digits"]
    }
    assert read == wanted
    missing = run("python", "-m", "digits", "predict", "--model", "svc", "no.png", check=False)
    assert missing.returncode == 1
    assert "no.png" in missing.stderr


def test_doctor_finds_everything_in_order_and_then_not(run, reproduced):
    assert "not ok" not in run("python", "-m", "digits", "doctor").stdout
    set_params(reproduced, **{"train.svc.C": "5.0"})
    found = run("python", "-m", "digits", "doctor", check=False)
    assert found.returncode == 1
    assert "train_svc" in found.stdout
