"""Pictures read with tiny models."""

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.evaluation import abstention, examples
from digits.inference import bundle
from digits.scan.page.find import find_digits
from digits.serve.reader import Prediction, ReadDigit, Reader
from tests.tiny import DESCRIPTION, ink_in_the_middle, page, save_rule


def test_a_page_is_read_row_by_row_by_every_model(made):
    reader = Reader(["svc", "cnn"], made, threads=1)
    read = reader.read(page("011", "10"))
    assert (read.width, read.height) == (370, 280)
    assert reader.models == ("svc", "cnn")
    assert reader.classes == ("0", "1")
    assert [digit.row for digit in read.digits] == [0, 0, 0, 1, 1]
    for model in reader.models:
        assert read.numbers(model) == ["011", "10"]
        assert reader.digests[model] == bundle.load(made / model).digest
    for digit in read.digits:
        assert list(digit.predictions) == ["svc", "cnn"]
        assert digit.agree
        assert digit.confident
        assert digit.nearest == ()
        for said in digit.predictions.values():
            assert said.score == max(said.scores) == said.scores[int(said.label)]
            assert sum(said.scores) == pytest.approx(1)
            assert said.withheld is None


def test_boxes_end_outside_the_ink(made):
    (digit,) = Reader(["svc"], made, threads=1).read(page("0")).digits
    left, top, right, bottom = digit.box
    rows, columns = np.nonzero(page("0") < 128)
    assert (left, top) == pytest.approx((columns.min(), rows.min()), abs=2)
    assert (right, bottom) == pytest.approx((columns.max() + 1, rows.max() + 1), abs=2)
    assert digit.image.shape == (28, 28)
    assert digit.image.dtype == np.uint8


def test_what_is_no_digit_is_withheld_whatever_its_score(made):
    read = Reader(["svc"], made, threads=1).read(page("0x1"))
    digit = read.digits[1]
    said = digit.predictions["svc"]
    assert said.score > 0.9
    assert not said.confident
    assert said.withheld == "unlike"
    assert digit.agree
    assert not digit.confident
    assert read.numbers("svc") == ["0?1"]
    # What it is unlike stands beside it.
    (near,) = digit.nearest
    assert near.label == said.label == "1"
    np.testing.assert_array_equal(near.image, find_digits(page("1"))[0].image)


def test_agreement_compares_labels_and_not_scores():
    def digit(*labels):
        said = {
            str(place): Prediction(label, 0.5 + place / 10, (0.5, 0.5), place > 0, "score")
            for place, label in enumerate(labels)
        }
        return ReadDigit((0, 0, 1, 1), 0, np.zeros((28, 28), np.uint8), said)

    assert digit("4", "4", "4").agree
    assert not digit("4", "4", "8").agree
    assert not digit("4", "4", "4").confident


def test_long_names_of_classes_are_set_apart(models):
    bundle.save(models / "svc", ink_in_the_middle(), DESCRIPTION | {"classes": ["coat", "bag"]})
    save_rule(models, "svc")
    read = Reader(["svc"], models, threads=1).read(page("0x1"))
    assert read.numbers("svc") == ["coat ? bag"]


def test_a_blank_page_holds_nothing(made):
    read = Reader(["svc"], made, threads=1).read(np.full((300, 400), 255, np.uint8))
    assert read.digits == ()
    assert read.numbers("svc") == []


def test_models_of_different_classes_do_not_read_together(models):
    letters = DESCRIPTION | {"model": "cnn", "classes": ["a", "b"]}
    bundle.save(models / "cnn", ink_in_the_middle(), letters)
    save_rule(models, "cnn")
    with pytest.raises(UserError, match="different classes"):
        Reader(["svc", "cnn"], models)


def test_a_missing_bundle_rule_or_set_of_examples_is_said(models):
    with pytest.raises(UserError, match=r"no trained model in .*ann"):
        Reader(["svc", "ann"], models)
    examples.path("svc", models).unlink()
    with pytest.raises(UserError, match=r"svc.npz.*dvc repro confidence@svc"):
        Reader(["svc"], models)
    abstention.path("svc", models).unlink()
    with pytest.raises(UserError, match="dvc repro confidence@svc"):
        Reader(["svc"], models)


def test_pictures_of_another_kind_are_refused(made):
    reader = Reader(["svc"], made, threads=1)
    for picture in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8)):
        with pytest.raises(UserError, match="expected a grey image"):
            reader.read(picture)
