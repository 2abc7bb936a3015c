"""What metrics/*.json hold: every file fits its record, and what does not fit is named."""

import json

import pytest
from pydantic import ValidationError

from digits.core import files, paths, records
from digits.core.errors import UserError
from digits.core.record import Record
from digits.evaluation.forms import Forms
from tests import made_records

KINDS: dict[str, type[Record]] = {
    "train": records.Train,
    "test": records.Test,
    "timing": records.Timing,
    "speed": records.Speed,
    "summary": records.Summary,
    "validation": records.Validation,
    "robustness": records.Robustness,
    "transfer": records.Transfer,
    "confidence": records.Confidence,
    "comparison": records.Comparison,
    "significance": records.Significance,
    "other_hands": records.Significance,
    "forms": Forms,
}
COMMITTED = sorted(paths.METRICS.rglob("*.json"))


@pytest.mark.parametrize("path", COMMITTED, ids=[paths.relative(path) for path in COMMITTED])
def test_a_record_is_written_as_it_was_read(path, tmp_path):
    KINDS[path.stem].read(path).write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.fixture
def timing():
    return made_records.timing().as_dict()


def test_the_time_is_written_with_milliseconds_and_zone(timing):
    assert timing["started"] == "2026-01-01T00:00:00.000+00:00"


def test_what_was_not_given_is_not_written_and_null_is(tmp_path):
    ends = dict.fromkeys(("error_low", "error_high", "taken_low", "taken_high"))
    bought = {"coverage": 1.0, "error": None, "taken_for_digits": 0.5} | ends
    path = tmp_path / "confidence.json"
    named = {"model": "ann", "dataset": "mnist", "model_sha256": "a" * 64, "calibrated": False}
    content = {**named, "images": 0, "nondigits": 2, "others": [bought]}
    files.write_json(path, content)
    record = records.Confidence.read(path)
    assert record.as_dict() == content
    assert list(record.as_dict()) == list(content)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_seconds": "1.5"}, 'train_seconds: Input should be a valid number, received "1.5"'),
        ({"train_seconds": -1}, "train_seconds: Input should be greater than or equal to 0"),
        ({"epoch_seconds": [1.0, None]}, "epoch_seconds.1: "),
        ({"started": "2026-01-01T00:00:00"}, "started: "),
        ({"train_secnds": 1.0}, "train_secnds: unknown key"),
        ({"hardware": {"device": "tpu"}}, "hardware.device: Input should be 'cpu' or 'gpu'"),
        ({"hardware": {"device": "cpu"}}, "hardware.threads: this key is missing"),
        ({"hardware": ["word"] * 100}, "..."),
    ],
)  # fmt: skip
def test_what_does_not_fit_names_file_key_and_way_out(timing, tmp_path, change, words):
    path = tmp_path / "timing.json"
    files.write_json(path, timing | change)
    with pytest.raises(UserError) as caught:
        records.Timing.read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "dvc repro" in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "NaN", "\0"])
def test_what_is_no_record_at_all_is_refused(tmp_path, content):
    path = tmp_path / "timing.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"timing\.json does not hold"):
        records.Timing.read(path)


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(UserError, match="is missing; make it with `dvc repro`"):
        records.Train.read(tmp_path / "train.json")


def test_a_figure_that_cannot_be_is_refused_where_it_is_made():
    with pytest.raises(ValidationError):
        records.Point(amount=1, correct=1, accuracy=float("nan"), low=0.0, high=1.0)
    with pytest.raises(ValidationError):
        records.Point(amount=1, correct=1, accuracy=1.5, low=0.0, high=1.0)


def test_a_record_does_not_change(timing):
    record = records.Timing.parse(json.dumps(timing), "timing.json")
    with pytest.raises(ValidationError):
        record.train_seconds = 0.0
