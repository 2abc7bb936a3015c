"""Experiments and `digits verify`, in a clone in which one model was trained."""

import json
import os

import pytest

from tests.pipeline.conftest import lock, reproduce, set_params, store_runs


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    return reproduce(tmp_path_factory.mktemp("clone") / "project", "evaluate@svc", "robustness@svc")


@pytest.mark.parametrize(
    ("name", "gamma", "where"), [("in-a-copy", "0.02", ["--temp"]), ("in-place", "0.04", [])]
)
def test_an_experiment_lands_in_the_one_store(run, reproduced, name, gamma, where):
    gamma_is = ("--set-param", f"train.svc.gamma={gamma}")
    run("dvc", "exp", "run", *where, "--name", name, *gamma_is, "evaluate@svc")
    _, runs = store_runs(reproduced)
    (found,) = [run for run in runs if run.data.tags.get("dvc.experiment") == name]
    assert found.info.status == "FINISHED"
    assert found.data.params["gamma"] == gamma
    assert "test_accuracy" in found.data.metrics
    assert name in run("dvc", "exp", "show", "--csv").stdout


EXPERIMENT = """\
title: A wider and a narrower kernel
models: [svc]
opens_test: true
robustness: true
reference: wide
variants:
  wide: {}
  narrow:
    train: {svc: {gamma: 3.0}}
claims:
  - {variants: [wide], model: svc, text: most, measure: at_least, published: 0.9, alternative: 0.8}
  - {variant: narrow, model: svc, text: none, measure: test_accuracy, published: 0, images: 100}
"""


def test_an_experiment_is_run_tested_and_judged_beside_the_working_tree(run, reproduced):
    definition = reproduced / "experiments/kernels.yaml"
    definition.write_text(EXPERIMENT)
    before = run("git", "status", "--porcelain").stdout
    said = run("python", "-m", "digits", "experiment", "kernels").stdout
    assert "agrees: most" in said
    outcome = json.loads((reproduced / "experiments/outcomes/kernels.json").read_text())
    figures = {shown["variant"]: shown["models"]["svc"] for shown in outcome["runs"]}
    kept = json.loads((reproduced / "metrics/svc/test.json").read_text())
    assert figures["wide"]["accuracy"] == kept["accuracy"]
    assert figures["narrow"]["accuracy"] < kept["accuracy"]
    assert figures["narrow"]["robustness"]["images"] == 40
    (test,) = outcome["tests"]["svc"]
    assert test["differs"]
    assert test["difference"] == pytest.approx(
        figures["narrow"]["accuracy"] - figures["wide"]["accuracy"]
    )
    assert [claim["verdict"] for claim in outcome["claims"]] == ["agrees", "differs"]
    after = set(run("git", "status", "--porcelain").stdout.splitlines())
    assert after - set(before.splitlines()) == {"?? experiments/outcomes/kernels.json"}
    again = run("python", "-m", "digits", "experiment", "kernels")
    assert "Running stage" not in again.stdout
    assert json.loads((reproduced / "experiments/outcomes/kernels.json").read_text()) == outcome
    set_params(reproduced, **{"train.svc.C": "5.0"})
    assert "train_svc" in run("python", "-m", "digits", "experiment", "kernels").stdout


def test_verify_finds_the_same_bytes_and_then_what_was_planted(run, reproduced):
    def verify() -> tuple[int, dict]:
        done = run("python", "-m", "digits", "verify", "--model", "svc", "--json", check=False)
        assert done.stdout, done.stderr
        report = json.loads(done.stdout)
        return done.returncode, {output["path"]: output for output in report["outputs"]}

    store = (reproduced / "mlflow.db").read_bytes()
    status, unchanged = verify()
    assert status == 0
    assert {path for path, output in unchanged.items() if output["verdict"] != "bit-equal"} == {
        "metrics/svc/speed.json",
        "metrics/svc/timing.json",
    }
    assert {"data/raw", "data/split/test.npz", "models/svc", "reports/figures/svc"} < set(unchanged)
    assert (reproduced / "mlflow.db").read_bytes() == store
    assert not run("git", "status", "--porcelain").stdout

    predictions = reproduced / "metrics/svc/predictions.csv"
    predictions.write_text(predictions.read_text().replace(",9,9,", ",9,8,", 1))
    recorded = reproduced / "dvc.lock"
    recorded.write_text(
        recorded.read_text().replace(lock(reproduced)["data/prepared"], "a" * 32 + ".dir")
    )
    run("git", "checkout", "--quiet", "--detach")
    run("git", "commit", "--quiet", "--all", "--message", "planted")
    with (reproduced / "models/svc/model.onnx").open("r+b") as model:
        model.seek(-1, os.SEEK_END)
        last = model.read()
        model.seek(-1, os.SEEK_END)
        model.write(bytes([last[0] ^ 1]))
    status, planted = verify()
    assert status == 1
    different = {path for path, output in planted.items() if output["verdict"] == "different"}
    assert different == {"data/prepared", "metrics/svc/predictions.csv", "models/svc"}
    assert "models/svc/model.onnx in the working tree" in planted["models/svc"]["detail"]
    assert "in the commit" in planted["metrics/svc/predictions.csv"]["detail"]
