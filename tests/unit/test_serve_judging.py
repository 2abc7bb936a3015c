"""Pictures with their classes, read by models and counted."""

from types import SimpleNamespace

import numpy as np
import pytest

from digits.core.errors import UserError
from digits.serve import judging
from tests.tiny import saved


def digit(**said):
    """A digit that each model reads as its label, with confidence unless "?" follows."""
    return SimpleNamespace(
        predictions={
            model: SimpleNamespace(label=label[0], confident=label[-1] != "?")
            for model, label in said.items()
        }
    )


class StubReader:
    """Reads from the brightness of a picture what is on the page."""

    models, classes = ("cnn", "svc"), ("0", "1")
    pages: tuple[list, ...] = (
        [digit(cnn="1", svc="1")],
        [digit(cnn="1?", svc="0")],
        [digit(cnn="0", svc="0?")],
        [],
        [digit(cnn="1", svc="1"), digit(cnn="1", svc="1?")],
    )

    def read(self, grey):
        return SimpleNamespace(digits=self.pages[grey[0, 0]])


@pytest.fixture
def judge(tmp_path):
    def judge(*labels):
        pictures = [
            (label, saved(tmp_path / f"{place}.png", np.full((9, 9), place, np.uint8)))
            for place, label in enumerate(labels)
        ]
        return judging.judge(StubReader(), pictures, tmp_path)

    return judge


def test_right_abstaining_and_confidently_wrong_pictures_are_counted(judge):
    judged = judge("1", "1", "0", "0", "1")
    cnn, svc = judged.models.values()
    assert (cnn.images, cnn.correct, cnn.abstained, cnn.confident_and_wrong) == (5, 3, 2, 1)
    assert (svc.correct, svc.abstained, svc.confident_and_wrong) == (2, 3, 1)
    assert cnn.accuracy_low < cnn.accuracy == 0.6 < cnn.accuracy_high
    assert {name: (one.images, one.correct) for name, one in cnn.per_class.items()} == {
        "1": (3, 2), "0": (2, 1),
    }  # fmt: skip
    (pair,) = judged.pairs
    assert (pair.only_first_correct, pair.only_second_correct) == (1, 0)
    assert [picture.digits for picture in judged.pictures] == [1, 1, 1, 0, 2]
    assert judged.pictures[3].answers["cnn"].guess == ""
    assert judged.pictures[4].answers["cnn"].guess == "11"
    assert judged.pictures[0].image == "0.png"


def test_all_that_cannot_be_judged_is_named_at_once(judge, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    pictures = [("1", tmp_path / "broken.png"), ("x", tmp_path / "x.png")]
    with pytest.raises(UserError) as caught:
        judging.judge(StubReader(), pictures, tmp_path)
    assert "has 2 faults" in str(caught.value)
    assert "broken.png: " in str(caught.value)
    assert "x.png: expected a class that the models know (0, 1), found x" in str(caught.value)
