"""Small folders of outputs, recorded and made anew, are set against each other."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto, helper

from digits.core import files
from digits.data import split
from digits.inference import bundle, scoring
from digits.inference.predictor import Predictor
from digits.verification import compare
from digits.verification.compare import Difference, Evidence, Report, Verdict

CLASSES = ["0", "1"]
IMAGES = 10_000
METRICS = ("history.csv", "train.json", "timing.json", "predictions.csv", "test.json")
RULE = "models/confidence/svc.json"
OUTPUTS = ("data/split/test.npz", "models/svc", RULE, *(f"metrics/svc/{name}" for name in METRICS))


def table(flipped: int = 0, moved: float = 0.0) -> pd.DataFrame:
    """Predictions of two classes; the first `flipped` images, all ties, are read the other way."""
    second = np.where(np.arange(IMAGES) % 2, 0.9, 0.1)
    second[:50] = 0.499999
    second[:flipped] = 0.500001
    second[-1] -= moved
    scores = np.stack([1 - second, second], axis=1).round(scoring.DECIMALS)
    columns = {"index": np.arange(IMAGES), "label": np.arange(IMAGES) % 2}
    return pd.DataFrame(columns | {"prediction": scores.argmax(1)}).join(
        pd.DataFrame(scores, columns=["score_0", "score_1"])
    )


def write(folder, model="one", predictions=None):
    """The outputs of one model and a part of its data, as the stages would write them."""
    rows = table() if predictions is None else predictions
    metrics = folder / "metrics/svc"
    files.write_text(folder / "data/split/test.npz", "images")
    files.write_text(folder / "models/svc/model.onnx", model)
    files.write_text(folder / "models/svc/bundle.json", f"description of {model}")
    files.write_json(folder / RULE, {"model_sha256": model, "threshold": 0.6})
    files.write_json(metrics / "train.json", {"model_sha256": model, "validation_accuracy": 0.98})
    files.write_json(metrics / "timing.json", {"train_seconds": 1.5, "hardware": {"threads": 2}})
    files.write_text(metrics / "history.csv", "epoch,validation_accuracy\n1,0.98\n")
    rows.to_csv(metrics / "predictions.csv", index=False)
    summary = scoring.summarise(
        rows["label"].to_numpy(), rows[["score_0", "score_1"]].to_numpy(), CLASSES
    )
    files.write_json(metrics / "test.json", {"model_sha256": model, **summary})


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """A committed project, its working tree, and the same made anew."""
    root = tmp_path_factory.mktemp("verified")
    write(root / "working")
    shutil.copytree(root / "working", root / "retrained")
    shutil.copytree(root / "working/metrics", root / "committed/metrics")
    return root


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "root")


def evidence_of(root) -> Evidence:
    return Evidence(
        recorded={path: compare.digest(root / "working" / path) for path in OUTPUTS},
        made={path: root / "retrained" / path for path in OUTPUTS},
        committed=root / "committed",
        working=root / "working",
    )


def judged(evidence) -> dict:
    return {output.path: output for output in compare.judge(evidence)}


def different(evidence) -> dict[str, str]:
    return {
        path: output.detail
        for path, output in judged(evidence).items()
        if output.verdict is Verdict.DIFFERENT
    }


def test_a_digest_is_the_one_that_dvc_records(tmp_path):
    for name, text in {"a": "1", "b/c": "2", "é.txt": "3"}.items():
        files.write_text(tmp_path / "f" / name, text)
    assert compare.digest(tmp_path / "f") == "16a6343efd2b7a65db9774872acf590e.dir"
    assert compare.digest(tmp_path / "f/a") == hashlib.md5(b"1").hexdigest()


def test_the_same_bytes_are_bit_equal_and_times_are_not_compared(root):
    evidence = evidence_of(root)
    time = {"train_seconds": 1.4, "hardware": {"threads": 4}}
    files.write_json(root / "retrained/metrics/svc/timing.json", time)
    files.write_text(root / "working/metrics/svc/timing.json", "a later run")
    shutil.rmtree(root / "working/data")
    found = judged(evidence)
    timed = found.pop("metrics/svc/timing.json")
    assert timed.verdict is Verdict.TIMED
    assert "another machine: threads 2 -> 4" in timed.detail
    assert {output.verdict for output in found.values()} == {Verdict.EQUAL}
    report = Report("c0ffee", 61.0, compare.judge(evidence), [])
    assert report.good
    assert "1 min 1 s: 7 of 7 outputs are bit-equal." in str(report)


def test_a_model_that_rounding_changed_is_within_tolerance(root):
    evidence = evidence_of(root)
    write(root / "retrained", "two", table(flipped=1))
    shutil.rmtree(root / "working/models")
    found = judged(evidence)
    assert found["metrics/svc/history.csv"].verdict is Verdict.EQUAL
    for name in ("models/svc", RULE, *(f"metrics/svc/{name}.json" for name in ("train", "test"))):
        assert found[name].verdict is Verdict.TOLERATED, found[name]
        assert found[name].differing_predictions == 1
        assert "1 of 10,000 predictions differ" in found[name].detail
    assert found["metrics/svc/predictions.csv"].verdict is Verdict.TOLERATED
    report = Report("c0ffee", 1.0, list(found.values()), [])
    assert report.good
    assert "5 within tolerance" in str(report)


def test_predictions_that_are_not_their_scores_are_found_though_the_record_was_adapted(root):
    forged = table()
    forged.loc[:4, "prediction"] = 1 - forged.loc[:4, "prediction"]
    for place in ("working", "committed"):
        forged.to_csv(root / place / "metrics/svc/predictions.csv", index=False)
    found = different(evidence_of(root))
    assert "5 prediction(s) are not the highest score's" in found["metrics/svc/predictions.csv"]


def test_a_report_of_other_bytes_is_different(root):
    for place, text in (("working", "same"), ("committed", "same"), ("retrained", "other")):
        files.write_text(root / place / "reports/report.html", text)
    path = "reports/report.html"
    recorded = {path: compare.digest(root / "working" / path)}
    made = {path: root / "retrained" / path}
    evidence = Evidence(recorded, made, root / "committed", root / "working")
    assert judged(evidence)[path].verdict is Verdict.DIFFERENT


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        (table(flipped=11), "11 of 10,000 predictions differ"),
        (table(moved=0.05), "0 of 10,000 predictions differ, scores by up to 0.05"),
        (table()[:-1], "other images"),
        (table().assign(score_2=0.0), "other images"),
    ],
)
def test_more_than_rounding_is_different(root, predictions, words):
    evidence = evidence_of(root)
    write(root / "retrained", "two", predictions)
    shutil.rmtree(root / "working/models")
    found = different(evidence)
    assert words in found["metrics/svc/predictions.csv"]
    assert words in found["models/svc"]
    assert not Report("c0ffee", 1.0, compare.judge(evidence), []).good


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("models/svc/model.onnx", "working"),
        ("models/svc/extra.txt", "working"),
        ("metrics/svc/predictions.csv", "working"),
        ("metrics/svc/predictions.csv", "committed"),
        ("metrics/svc/timing.json", "committed"),
        ("data/split/test.npz", "working"),
    ],
)
def test_a_planted_file_is_named(root, name, place):
    evidence = evidence_of(root)
    (root / place / name).touch()
    with (root / place / name).open("ab") as planted:
        planted.write(b"x")
    ((path, detail),) = different(evidence).items()
    assert name.startswith(path)
    assert name in detail
    assert "commit" in detail


def test_a_planted_record_is_found(root):
    evidence = evidence_of(root)
    shutil.rmtree(root / "working/models")
    recorded = evidence.recorded | {"models/svc": "0" * 32 + ".dir"}
    assert "bit by bit" in different(replace(evidence, recorded=recorded))["models/svc"]
    recorded = evidence.recorded | {"metrics/svc/predictions.csv": "0" * 32}
    found = different(replace(evidence, recorded=recorded))
    assert "in the commit is not what" in found["metrics/svc/predictions.csv"]


@pytest.mark.parametrize("name", ["train.json", "test.json", "history.csv"])
@pytest.mark.parametrize("model", ["one", "two"])
def test_planted_figures_are_found_though_the_record_was_adapted(root, name, model):
    write(root / "retrained", model, table(flipped=1) if model == "two" else table())
    for place in ("working", "committed"):
        path = root / place / "metrics/svc" / name
        planted = path.read_text().replace("0.98", "0.995").replace("0.9975", "0.9976")
        assert planted != path.read_text()
        files.write_text(path, planted)
    evidence = evidence_of(root)
    shutil.rmtree(root / "working/models")
    assert set(different(evidence)) == {f"metrics/svc/{name}"}


def test_what_is_missing_or_unknown_is_different(root):
    evidence = evidence_of(root)
    made = {path: place for path, place in evidence.made.items() if path != "data/split/test.npz"}
    made["metrics/svc/new.json"] = root / "retrained/metrics/svc/train.json"
    shutil.rmtree(root / "retrained/models")
    found = different(replace(evidence, made=made))
    assert found == {
        "data/split/test.npz": "it was not made again",
        "models/svc": "it was not made again",
        RULE: "it was not made again",
        "metrics/svc/new.json": "the commit's dvc.lock does not record it",
    }


def test_data_of_other_bytes_are_different(root):
    evidence = evidence_of(root)
    files.write_text(root / "retrained/data/split/test.npz", "other images")
    assert different(evidence) == {"data/split/test.npz": "data/split/test.npz has other bytes"}


def ink(weight: float):
    """A graph that gives the ink of a 1 x 2 image, the second pixel's times `weight`."""
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Reshape", ["images", "row"], ["flat"]),
                helper.make_node("Mul", ["flat", "weights"], ["logits"]),
            ],
            "test",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, 2, 1])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
            [
                helper.make_tensor("row", TensorProto.INT64, [2], [-1, 2]),
                helper.make_tensor("weights", TensorProto.FLOAT, [2], [1, weight]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )


def save(folder, weight: float, images: np.ndarray) -> None:
    """A model that can be run, its metrics, and its test set."""
    description = {
        "model": "svc",
        "dataset": "mnist",
        "classes": CLASSES,
        "raw_side": [1, 2],
        "white": 255,
        "preprocess": {
            "scale": "unit",
            "denoise": "none",
            "deskew": False,
            "center": False,
            "size": "native",
        },
        "temperature": 1.0,
        "calibrated": True,
        "parameters": 1,
        "trained_with": {},
    }
    shutil.rmtree(folder / "models/svc")
    (folder / "data/split/test.npz").unlink()
    sha256 = bundle.save(folder / "models/svc", ink(weight), description)
    labels = np.zeros(len(images), np.uint8)
    nothing = np.arange(0)
    split.save(folder / "data/split", images, labels, (nothing, nothing, np.arange(len(images))))
    probabilities = Predictor.load(folder / "models/svc").probabilities(images)
    rows = pd.DataFrame(probabilities.round(6), columns=["score_0", "score_1"])
    rows.insert(0, "index", np.arange(len(images)))
    rows.insert(1, "label", 0)
    rows.insert(2, "prediction", probabilities.argmax(1))
    rows.to_csv(folder / "metrics/svc/predictions.csv", index=False)
    files.write_json(folder / "metrics/svc/train.json", {"model_sha256": sha256})


@pytest.mark.parametrize(("kept", "verdict"), [(1.001, "within tolerance"), (1.5, "different")])
def test_the_model_at_hand_is_asked_itself(root, rng, kept, verdict):
    images = rng.random((200, 1, 2, 1), dtype=np.float32)
    images[:, 0, 1] += 0.5
    save(root / "retrained", 1.0, images)
    save(root / "working", kept, images)
    # Predictions that the retrained model agrees with, beside a model that may not have made them.
    for name in ("train.json", "predictions.csv"):
        source = "working" if name == "train.json" else "retrained"
        for place in ("working", "committed"):
            path = root / place / "metrics/svc" / name
            path.write_bytes((root / source / "metrics/svc" / name).read_bytes())
    assert judged(evidence_of(root))["models/svc"].verdict == verdict
    (root / "committed/metrics/svc/train.json").write_text(json.dumps({"model_sha256": "other"}))
    shutil.copy(root / "committed/metrics/svc/train.json", root / "working/metrics/svc")
    assert "is not the model that" in different(evidence_of(root))["models/svc"]


def test_predictions_are_matched_by_image():
    apart = compare.difference(table(), table(flipped=3).sample(frac=1, random_state=0))
    assert apart == Difference(IMAGES, 3, pytest.approx(2e-6), (0.9975, 0.9974))
