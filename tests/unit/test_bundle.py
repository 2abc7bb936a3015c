"""A saved model, whole or refused."""

import json

import pytest

from digits.core.errors import UserError
from digits.inference import bundle
from tests.tiny import HALVES, left_or_right


@pytest.fixture
def saved(tmp_path):
    bundle.save(tmp_path / "svc", left_or_right(), HALVES)
    return tmp_path / "svc"


def test_saved_and_loaded(saved):
    loaded = bundle.load(saved)
    assert loaded.description.classes == ("0", "1")
    assert loaded.size == sum(path.stat().st_size for path in saved.iterdir())
    assert sorted(path.name for path in saved.iterdir()) == ["bundle.json", "model.onnx"]


def test_the_same_model_has_the_same_digest(saved, tmp_path):
    again = bundle.save(tmp_path / "other", left_or_right(), HALVES)
    assert again == bundle.load(saved).digest
    hotter = bundle.save(tmp_path / "hotter", left_or_right(), HALVES | {"temperature": 3.0})
    assert hotter != again


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "model.onnx").unlink(), "no trained model"),
        (lambda folder: (folder / "bundle.json").unlink(), "no trained model"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "is damaged: its SHA-256"),
        (lambda folder: (folder / "bundle.json").write_text("{"), "damaged or of another version"),
        (lambda folder: edit(folder / "bundle.json", temperature="1"), "temperature"),
        (lambda folder: edit(folder / "bundle.json", news=1), "news"),
        (lambda folder: (folder / "bundle.json").write_text(" " * 2**21), "over 1048576 bytes"),
        (lambda folder: (folder / "bundle.json").write_text("[" * 10**5), "damaged"),
        (lambda folder: (folder / "bundle.json").write_bytes(b"\xff\xfe{}"), "damaged"),
    ],
)
def test_a_damaged_bundle_is_refused(saved, damage, words):
    damage(saved)
    with pytest.raises(UserError, match=words) as caught:
        bundle.load(saved)
    assert "dvc repro train_svc" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 0.0),
        ("temperature", -1.0),
        ("temperature", 1e-9),
        ("temperature", 1e9),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", None),
        ("white", 0),
        ("white", -1),
        ("white", 256),
        ("white", 255.5),
        ("classes", []),
        ("classes", ["0", "0"]),
        ("classes", ["0", ""]),
        ("classes", "01"),
        ("raw_side", [0, 4]),
        ("raw_side", [4]),
        ("raw_side", [4, -4]),
        ("raw_side", [10**9, 10**9]),
        ("parameters", -1),
        ("model", ""),
        ("preprocess", {}),
        ("preprocess", None),
        ("preprocess", {**HALVES["preprocess"], "scale": "unknown"}),
        ("preprocess", {**HALVES["preprocess"], "deskew": "yes"}),
        ("preprocess", {**HALVES["preprocess"], "new": 1}),
    ],
)
def test_a_description_that_no_training_writes_is_refused(saved, key, value):
    edit(saved / "bundle.json", **{key: value})
    with pytest.raises(UserError, match=key) as caught:
        bundle.load(saved)
    assert "dvc repro train_svc" in str(caught.value)
    assert "\n" not in str(caught.value)
