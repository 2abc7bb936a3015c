"""Figures of one model."""

import numpy as np
import pandas as pd
import pytest

from digits.core.records import Bin
from digits.report.figures import drawing, model

CLASSES = list("0123456789")


def predictions(rng, count=300):
    labels = np.arange(count) % 10
    answers = np.where(rng.random(count) < 0.8, labels, (labels + 1) % 10)
    scores = rng.uniform(0.5, 0.99, count)
    table = pd.DataFrame({"index": np.arange(count) + 7, "label": labels, "prediction": answers})
    return table.assign(**{f"score_{name}": scores * (answers == int(name)) for name in CLASSES})


def said(axes):
    """What is written in a figure, by its place."""
    return {text.get_position(): text.get_text() for text in axes.texts}


def test_the_confusion_figure_counts_correctly(rng):
    table = predictions(rng)
    matrix = model.counts(table, 10)
    assert matrix.sum() == 300
    assert matrix[3, 4] == ((table["label"] == 3) & (table["prediction"] == 4)).sum()
    (axes,) = model.confusion(matrix, CLASSES).axes
    cells = {place: text for place, text in said(axes).items() if place[0] == round(place[0])}
    assert cells == {
        (column, row): str(matrix[row, column])
        for row, column in np.ndindex(matrix.shape)
        if matrix[row, column]
    }
    assert f"{matrix[3, 3] / 30:.1%}" in said(axes).values()


def test_a_class_without_images_and_long_names(rng):
    matrix = np.diag([3, 0])
    figure = model.confusion(matrix, ["T-shirt & top", "$a$ and $b$"])
    element = drawing.svg(figure, "name", "")
    assert "T-shirt &amp; top" in element
    assert "$a$ and $b$" in element


def test_the_most_confident_mistakes_come_first(rng):
    table = predictions(rng)
    wrong = table[table["label"] != table["prediction"]]
    images = {index: np.full((8, 8), 255, np.uint8) for index in wrong["index"]}
    (axes,) = model.misclassified(table, images, CLASSES, 10, 4).axes
    captions = [text.get_text() for text in axes.texts]
    assert len(captions) == len(axes.images) == 10
    best = wrong.filter(like="score_").max(axis=1)
    first = wrong.loc[best.idxmax()]
    true, predicted = (CLASSES[int(first[column])] for column in ("label", "prediction"))
    assert captions[0] == f"{true} \N{RIGHTWARDS ARROW} {predicted}\n{best.max():.0%}"
    shares = [int(caption.split("\n")[1].rstrip("%")) for caption in captions]
    assert shares == sorted(shares, reverse=True)


def test_digits_do_not_overlap_and_long_captions_make_room():
    images = [np.zeros((4, 4), np.uint8)] * 7
    for captions in (["0"] * 7, ["a very long caption indeed"] * 7):
        figure = model.digits(images, captions, 3)
        (axes,) = figure.axes
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in axes.texts]
        for one, two in ((0, 1), (1, 2), (0, 3)):
            assert not boxes[one].overlaps(boxes[two])
        assert axes.images[3].get_extent()[3] > axes.images[0].get_extent()[3]


def test_a_model_that_makes_no_mistake_has_a_picture(rng):
    table = predictions(rng).assign(prediction=lambda known: known["label"])
    figure = model.misclassified(table, {}, CLASSES, 10, 4, "title")
    assert drawing.png(figure)[:4] == b"\x89PNG"


@pytest.fixture
def history():
    table = pd.DataFrame({"epoch": [1, 2], "train_loss": [1, 0.5], "validation_loss": [1, 0.6]})
    return table.assign(train_accuracy=[0.8, 0.9], validation_accuracy=[0.8, 0.9])


def test_learning_curves_are_the_same_in_picture_and_page(history):
    picture = model.learning("cnn", history, 2, title="title")
    for measure, drawn in zip(model.MEASURES, picture.axes, strict=True):
        (panel,) = model.learning("cnn", history, 2, [measure]).axes
        for one, two in zip(drawn.lines, panel.lines, strict=True):
            np.testing.assert_array_equal(one.get_xydata(), two.get_xydata())
    np.testing.assert_allclose(picture.axes[0].lines[1].get_ydata(), [80, 90])


def test_curves_of_one_epoch_without_validation_set(history):
    short = history[:1].drop(columns=["validation_loss", "validation_accuracy"])
    figure = model.learning("ann", short, 1, title="title")
    assert all(len(axes.lines) == 2 for axes in figure.axes)


def test_reliability_shows_every_bin():
    bins = [
        Bin(low=0.5, high=0.6, images=3, confidence=0.55, accuracy=1 / 3),
        Bin(low=0.9, high=1.0, images=1000, confidence=0.99, accuracy=0.98),
    ]
    upper, lower = model.reliability("svc", bins).axes
    np.testing.assert_allclose(upper.lines[1].get_xydata(), [[55, 100 / 3], [99, 98]])
    assert [bar.get_height() for bar in lower.containers[0]] == [3, 1000]
