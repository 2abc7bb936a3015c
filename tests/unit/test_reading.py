"""Pictures read with tiny models: the reader, `digits predict`, and the annotated picture."""

import csv
import io
import json
import os
import shutil
import stat
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from typer.testing import CliRunner

from digits import cli, scan
from digits.core import paths
from digits.core.errors import UserError
from digits.evaluation import abstention
from digits.inference import bundle
from digits.inference.predictor import Predictor
from digits.serve import annotate
from digits.serve.reader import Page, Reader

DESCRIPTION: dict[str, Any] = {
    "model": "svc",
    "dataset": "drawn",
    "classes": ["0", "1"],
    "raw_side": [28, 28],
    "white": 255,
    "preprocess": {
        "scale": "unit",
        "denoise": "none",
        "deskew": True,
        "center": False,
        "size": "28",
    },
    "temperature": 1.0,
    "calibrated": True,
    "parameters": 784,
    "trained_with": {"device": "cpu", "precision": "float32", "library": "none"},
}


def ink_in_the_middle(side=28, weight=1.0):
    """A graph whose second output is the ink in the middle: a 1 has some, a 0 has none."""
    weights = np.zeros((side, side, 2), np.float32)
    middle = slice(side // 2 - side // 14, side // 2 + side // 14)
    weights[middle, middle, 1] = weight
    nodes = [
        helper.make_node("Reshape", ["images", "row"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["ink"]),
        helper.make_node("Add", ["ink", "bias"], ["logits"]),
    ]
    constants = {
        "row": np.array([-1, side * side]),
        "weights": weights.reshape(-1, 2),
        "bias": np.array([4, 0], np.float32),
    }
    return helper.make_model(
        helper.make_graph(
            nodes,
            "test",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", side, side, 1])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )


def ring(canvas, x, y, tall, ink=0):
    cv2.ellipse(canvas, (x, y), (tall // 3, tall // 2), 0, 0, 360, ink, max(tall // 8, 1), 16)


def bar(canvas, x, y, tall, ink=0):
    cv2.line(canvas, (x, y - tall // 2), (x, y + tall // 2), ink, max(tall // 8, 1), 16)


def cross(canvas, x, y, tall, ink=0):
    half = tall // 2
    for rise in (-half, half):
        cv2.line(canvas, (x - half, y - rise), (x + half, y + rise), ink, tall // 8, 16)


def page(*rows, tall=70):
    """Dark shapes on white, 110 pixels apart: "0" a ring, "1" a bar, "x" a cross."""
    canvas = np.full((120 * len(rows) + 40, 110 * max(map(len, rows)) + 40), 255, np.uint8)
    for row, shapes in enumerate(rows):
        for column, shape in enumerate(shapes):
            draw = {"0": ring, "1": bar, "x": cross}[shape]
            draw(canvas, 75 + 110 * column, 80 + 120 * row, tall)
    return canvas


def save_rule(folder, model):
    """A rule to which rings and bars are digits, and nothing else."""
    images = np.stack([scan.find_digits(page(shape))[0].image for shape in "01"])
    predictor = Predictor.load(folder / model, threads=1)
    vectors = abstention.features(predictor.prepare(images))
    subspaces = abstention.fit(vectors, np.arange(2), 2)
    abstention.save(abstention.Rule(0.9, 0.5, subspaces), model, predictor.bundle.digest, folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for model, weight in (("svc", 1.0), ("cnn", 2.0)):
        graph = ink_in_the_middle(weight=weight)
        bundle.save(folder / model, graph, DESCRIPTION | {"model": model})
        save_rule(folder, model)
    return folder


@pytest.fixture
def models(made, tmp_path, monkeypatch):
    folder = shutil.copytree(made, tmp_path / "models")
    monkeypatch.setattr(paths, "MODELS", folder)
    return folder


@pytest.fixture
def predict(models):
    def run(*arguments):
        return CliRunner().invoke(cli.app, ["predict", *map(str, arguments)])

    return run


def saved(path, grey):
    Image.fromarray(grey).save(path)
    return path


# The reader -------------------------------------------------------------------------------------


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
        assert list(digit.opinions) == ["svc", "cnn"]
        assert digit.agreed
        for opinion in digit.opinions.values():
            assert opinion.score == max(opinion.scores) == opinion.scores[int(opinion.label)]
            assert sum(opinion.scores) == pytest.approx(1)


def test_boxes_end_outside_the_ink(made):
    (digit,) = Reader(["svc"], made, threads=1).read(page("0")).digits
    left, top, right, bottom = digit.box
    rows, columns = np.nonzero(page("0") < 128)
    assert (left, top) == pytest.approx((columns.min(), rows.min()), abs=2)
    assert (right, bottom) == pytest.approx((columns.max() + 1, rows.max() + 1), abs=2)
    assert digit.image.shape == (28, 28)
    assert digit.image.dtype == np.uint8


def test_what_is_no_digit_is_not_sure_whatever_its_score(made):
    read = Reader(["svc"], made, threads=1).read(page("0x1"))
    opinion = read.digits[1].opinions["svc"]
    assert opinion.score > 0.9
    assert not opinion.sure
    assert not read.digits[1].agreed
    assert read.numbers("svc") == ["0?1"]


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


def test_a_missing_bundle_or_rule_is_said(models):
    with pytest.raises(UserError, match=r"no trained model in .*ann"):
        Reader(["svc", "ann"], models)
    abstention.path("svc", models).unlink()
    with pytest.raises(UserError, match="dvc repro confidence@svc"):
        Reader(["svc"], models)


def test_pictures_of_another_kind_are_refused(made):
    reader = Reader(["svc"], made, threads=1)
    for picture in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8)):
        with pytest.raises(UserError, match="expected a grey image"):
            reader.read(picture)


# The command line -------------------------------------------------------------------------------


def test_one_digit_is_said_in_one_line(predict, tmp_path):
    done = predict(saved(tmp_path / "one.png", page("1")), "--model", "svc")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{tmp_path}/one.png: 1 (9")
    done = predict(saved(tmp_path / "x.png", page("x")))
    assert done.exit_code == 0
    assert "not sure, perhaps 1 (" in done.stdout


def test_a_page_is_said_row_by_row(predict, tmp_path):
    done = predict(saved(tmp_path / "page.png", page("01", "1x")))
    lines = done.stdout.splitlines()
    assert lines[0].endswith("page.png: 4 digits")
    assert lines[1:3] == ["  01", "  1?"]
    assert lines[3].startswith("  not sure: digit 2 of row 2, cnn 1? (")
    assert len(lines) == 4


def test_all_models_side_by_side(predict, models, tmp_path):
    for model in ("ann", "vgg16"):
        bundle.save(models / model, ink_in_the_middle(), DESCRIPTION | {"model": model})
        save_rule(models, model)
    done = predict(saved(tmp_path / "page.png", page("0x")), "--model", "all")
    numbers = [line.split() for line in done.stdout.splitlines()[1:5]]
    assert numbers == [["ann", "0?"], ["cnn", "0?"], ["vgg16", "0?"], ["svc", "0?"]]


def test_a_blank_page_is_read_too(predict, tmp_path):
    blank = saved(tmp_path / "blank.png", np.full((200, 200), 255, np.uint8))
    done = predict(blank)
    assert done.exit_code == 0
    assert "no digit found" in done.stdout
    assert json.loads(predict(blank, "--json").stdout)["digits"] == []
    assert len(predict(blank, "--csv").stdout.splitlines()) == 1


def test_one_json_object_an_image(predict, tmp_path):
    good = saved(tmp_path / "page.png", page("01", "x"))
    done = predict("--json", good, tmp_path / "none.png", good)
    first, missing, again = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 1
    assert first == again
    assert first["image"] == str(good)
    assert first["numbers"] == {"cnn": ["01", "?"]}
    assert [digit["row"] for digit in first["digits"]] == [0, 0, 1]
    said = first["digits"][0]["models"]["cnn"]
    assert (said["label"], said["sure"]) == ("0", True)
    assert said["score"] == said["scores"]["0"] == max(said["scores"].values())
    assert set(missing) == {"image", "error"}
    assert "found none" in missing["error"]


def test_one_csv_line_a_digit(predict, tmp_path):
    good = saved(tmp_path / 'a "page", of digits.png', page("01", "x"))
    done = predict("--csv", good, tmp_path / "none.png")
    assert done.exit_code == 1
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {line["image"] for line in lines} == {str(good)}
    assert [(line["row"], line["position"]) for line in lines] == [
        ("1", "1"),
        ("1", "2"),
        ("2", "1"),
    ]
    assert [line["label"] for line in lines] == ["0", "1", "1"]
    assert [line["sure"] for line in lines] == ["yes", "yes", "no"]
    assert int(lines[0]["left"]) < int(lines[0]["right"]) < int(lines[1]["left"])
    assert "none.png" in done.stderr


def test_csv_and_json_exclude_each_other(predict, tmp_path):
    done = predict("--csv", "--json", saved(tmp_path / "one.png", page("1")))
    assert isinstance(done.exception, UserError)


def test_an_image_in_mnists_form_is_read_as_it_is(predict, models, tmp_path):
    canvas = np.zeros((28, 28), np.uint8)
    ring(canvas, 14, 14, 18, 255)
    np.testing.assert_array_equal(scan.as_mnist(canvas), canvas)
    answer = json.loads(predict("--json", saved(tmp_path / "digit.png", canvas)).stdout)
    (digit,) = answer["digits"]
    scores = Predictor.load(models / "cnn").read(canvas[None])[0]
    assert list(digit["models"]["cnn"]["scores"].values()) == pytest.approx(scores, abs=1e-6)


def hostile(folder):
    good = (folder / "good.png").read_bytes()
    (folder / "folder.png").mkdir()
    contents = {
        "empty.png": b"",
        "cut.png": good[: len(good) // 2],
        "page.png": b"<!DOCTYPE html><html></html>",
        "text.jpg": b"hello",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in ("folder.png", *contents, "missing.png")]


def test_what_cannot_be_read_does_not_keep_the_rest_from_it(predict, tmp_path):
    good = saved(tmp_path / "good.png", page("0"))
    bad = hostile(tmp_path)
    done = predict(good, *bad, good)
    assert done.exit_code == 1
    assert done.stdout.count("good.png: 0 (") == 2
    assert done.stderr.count("error: ") == len(bad)
    for path in bad:
        assert f"error: {path.name}: " in done.stderr


def test_other_formats_and_depths_are_read(predict, tmp_path):
    grey = page("01")
    frames = [Image.fromarray(grey), Image.fromarray(page("11"))]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.merge(
        "CMYK", [Image.new("L", grey.shape[::-1])] * 3 + [Image.fromarray(255 - grey)]
    ).save(tmp_path / "print.jpg")
    done = predict("--json", *(tmp_path / name for name in ("moving.gif", "deep.png", "print.jpg")))
    assert done.exit_code == 0
    for answer in map(json.loads, done.stdout.splitlines()):
        assert answer["numbers"] == {"cnn": ["01"]}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said(predict, tmp_path):
    path = saved(tmp_path / "secret.png", page("0"))
    path.chmod(stat.S_IWUSR)
    done = predict(path)
    assert done.exit_code == 1
    assert "Permission denied" in done.stderr


def test_a_name_that_is_not_unicode_is_printed(predict, tmp_path):
    path = tmp_path / os.fsdecode(b"odd\xff.png")
    saved(path, page("0"))
    assert "odd\\udcff.png: 0 (" in predict(path).stdout
    assert predict("--csv", path).exit_code == 0


HEAVY = {"tensorflow", "keras", "mlflow", "sklearn", "pandas", "scipy", "matplotlib", "onnx"}


def test_predicting_loads_no_heavy_library(models, tmp_path):
    code = f"""if True:
        import sys
        from pathlib import Path
        from digits import cli
        from digits.core import paths
        paths.MODELS = Path({str(models)!r})
        try:
            cli.app(["predict", {str(saved(tmp_path / "1.png", page("1")))!r},
                     "--show", {str(tmp_path / "out.png")!r}])
        except SystemExit as end:
            assert not end.code
        print(*{HEAVY} & set(sys.modules))
    """
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.ROOT
    )
    first, *rest = shown.stdout.splitlines()
    assert "1.png: 1 (" in first
    assert rest == [""]


# The annotated picture --------------------------------------------------------------------------


def colours(png):
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).reshape(-1, 3)
    return {
        name: int((pixels == colour).all(axis=1).sum())
        for name, colour in (("sure", annotate.SURE), ("unsure", annotate.UNSURE))
    }


def box_pixels(png, read, index, colour):
    """Share of the box's upper side that has the colour."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    scale = pixels.shape[1] / read.width
    left, top, right, _ = (round(side * scale) for side in read.digits[index].box)
    line = pixels[top - annotate.LINE - 1, left:right]
    return (line == colour).all(axis=1).mean()


@pytest.mark.parametrize("light_on_dark", [False, True])
def test_sure_and_unsure_differ_in_colour_and_in_line(made, light_on_dark):
    grey = page("0x1")
    grey = 255 - grey if light_on_dark else grey
    read = Reader(["svc"], made, threads=1).read(grey)
    png = annotate.annotated(grey, read)
    assert box_pixels(png, read, 0, annotate.SURE) > 0.95
    assert 0.3 < box_pixels(png, read, 1, annotate.UNSURE) < 0.7
    assert colours(png)["sure"] > colours(png)["unsure"] > 100


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((28, 28), (640, 640)), ((3000, 4000), (1600, 1200)), ((1, 5000), (1600, 1))],
)
def test_the_annotated_picture_has_a_size_to_look_at(shape, expected):
    blank = np.zeros(shape, np.uint8)
    png = annotate.annotated(blank, Page(shape[1], shape[0], ()))
    assert Image.open(io.BytesIO(png)).size == expected


def test_pictures_are_written_beside_each_other(predict, tmp_path):
    one, other = (saved(tmp_path / f"{name}.png", page(name)) for name in ("0", "1"))
    out = tmp_path / "new" / "out.png"
    assert predict(one, "--show", out).exit_code == 0
    assert colours(out.read_bytes())["sure"] > 100
    assert predict(one, tmp_path / "none.png", other, "--show", out).exit_code == 1
    names = {path.name for path in out.parent.iterdir()}
    assert names == {"out.png", "out-1.png", "out-3.png"}


def test_a_picture_never_replaces_what_is_read(predict, tmp_path):
    one = saved(tmp_path / "one.png", page("1"))
    numbered = saved(tmp_path / "out-2.png", page("0"))
    before = one.read_bytes(), numbered.read_bytes()
    (tmp_path / "sub").mkdir()
    for arguments in (
        (one, "--show", tmp_path / "sub" / ".." / "one.png"),
        (one, numbered, "--show", tmp_path / "out.png"),
        (one, "--show", tmp_path / "sub"),
        (one, "--show", tmp_path / "out.jpg"),
    ):
        assert isinstance(predict(*arguments).exception, UserError)
    assert (one.read_bytes(), numbered.read_bytes()) == before


def test_a_picture_that_cannot_be_written_loses_no_answer(predict, tmp_path):
    one = saved(tmp_path / "one.png", page("1"))
    done = predict("--json", one, "--show", one / "out.png")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["numbers"] == {"cnn": ["1"]}
    assert "cannot be written" in done.stderr
