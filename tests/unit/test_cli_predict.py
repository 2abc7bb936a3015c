"""`digits predict`, with tiny models."""

import csv
import io
import json
import os
import pty
import stat
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from digits import cli
from digits.core import config, paths
from digits.core.errors import UserError
from digits.inference import bundle
from digits.inference.predictor import Predictor
from digits.scan.single.normalise import as_mnist
from tests.tiny import DESCRIPTION, ink_in_the_middle, page, ring, save_rule, saved


@pytest.fixture
def predict(models):
    def run(*arguments):
        return CliRunner().invoke(cli.app, ["predict", *map(str, arguments)])

    return run


def test_one_digit_is_said_in_one_line(predict, tmp_path):
    done = predict(saved(tmp_path / "one.png", page("1")), "--model", "svc")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"{tmp_path}/one.png: 1 (9")
    done = predict(saved(tmp_path / "x.png", page("x")))
    assert done.exit_code == 0
    assert done.stdout == f"{tmp_path}/x.png: abstains: 1? (unlike any 1 in the training set)\n"
    assert "%" not in done.stdout


def test_a_page_is_said_row_by_row(predict, tmp_path):
    done = predict(saved(tmp_path / "page.png", page("01", "1x")))
    lines = done.stdout.splitlines()
    assert lines[0].endswith("page.png: 4 digits")
    assert lines[1:3] == ["  01", "  1?"]
    assert lines[3] == "  digit 2 of row 2: reader abstains: 1? (unlike any 1 in the training set)"
    assert len(lines) == 4


def test_all_models_side_by_side(predict, models, tmp_path):
    for model in ("ann", "cnn", "vgg16"):
        bundle.save(models / model, ink_in_the_middle(), DESCRIPTION | {"model": model})
        save_rule(models, model)
    done = predict(saved(tmp_path / "page.png", page("0x")), "--model", "all")
    numbers = [line.split() for line in done.stdout.splitlines()[1:6]]
    assert numbers == [[model, "0?"] for model in config.MODELS]


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
    assert first["numbers"] == {"reader": ["01", "?"]}
    assert [digit["row"] for digit in first["digits"]] == [0, 0, 1]
    said = first["digits"][0]["predictions"]["reader"]
    assert (said["label"], said["confident"]) == ("0", True)
    assert [digit["withheld"] for digit in first["digits"]] == [None, None, "unlike"]
    assert [example["label"] for example in first["digits"][2]["nearest"]] == ["1"]
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
    assert [line["confident"] for line in lines] == ["yes", "yes", "no"]
    assert int(lines[0]["left"]) < int(lines[0]["right"]) < int(lines[1]["left"])
    assert "none.png" in done.stderr


def test_csv_and_json_exclude_each_other(predict, tmp_path):
    done = predict("--csv", "--json", saved(tmp_path / "one.png", page("1")))
    assert isinstance(done.exception, UserError)


def test_an_image_in_mnists_form_is_read_as_it_is(predict, models, tmp_path):
    canvas = np.zeros((28, 28), np.uint8)
    ring(canvas, 14, 14, 18, 255)
    np.testing.assert_array_equal(as_mnist(canvas), canvas)
    answer = json.loads(predict("--json", saved(tmp_path / "digit.png", canvas)).stdout)
    (digit,) = answer["digits"]
    scores = Predictor.load(models / "reader").read(canvas[None])[0]
    assert list(digit["predictions"]["reader"]["scores"].values()) == pytest.approx(
        scores, abs=1e-6
    )


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


@pytest.mark.parametrize(
    "name",
    ["x" * 300 + ".png", "/dev/null", "/dev/zero", "no/folder.png", ".", "", "/proc/self/mem"],
)
def test_what_is_no_file_is_one_line(predict, tmp_path, name):
    good = saved(tmp_path / "good.png", page("0"))
    done = predict(name, good)
    assert done.exit_code == 1
    assert "good.png: 0 (" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {name.rpartition('/')[2] or '.'}: ")


def test_a_place_that_cannot_be_written_to_is_one_line(predict, tmp_path):
    good = saved(tmp_path / "good.png", page("0"))
    for place in ("x" * 300 + ".png", "/proc/out.png", good / "out.png"):
        done = predict(good, "--show", place)
        assert done.exit_code == 1
        assert "good.png: 0 (" in done.stdout
        (line,) = done.stderr.splitlines()
        assert "cannot be written" in line


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
        assert answer["numbers"] == {"reader": ["01"]}


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
    assert r"odd\udcff.png" in predict("--csv", path).stdout
    assert json.loads(predict("--json", path).stdout)["image"].endswith(r"odd\udcff.png")


HOSTILE = [
    "\x1b[2J\x1b]0;gone\x07.png",
    "a\nb\tc\rd.png",
    "\u202egnp.exe.png",
    "\x9b31m.png",
    "[bold].png",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_a_name_commands_the_terminal(predict, tmp_path, name):
    good = saved(tmp_path / name, page("01"))
    bad = tmp_path / f"missing{name}"
    for arguments in ((good, bad), ("--csv", good, bad), ("--json", good, bad)):
        done = predict(*arguments)
        shown = done.stdout + done.stderr
        assert shown.isprintable() or set(shown) - set("\n") == set(filter(str.isprintable, shown))
        assert done.exit_code == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == [str(good), str(bad)]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\uff1d1", "-2+3|cmd"])
def test_no_cell_is_computed_by_a_spreadsheet(predict, models, tmp_path, monkeypatch, name):
    labels = {"classes": ["=0", "@1"]}
    bundle.save(models / "svc", ink_in_the_middle(), DESCRIPTION | labels)
    save_rule(models, "svc")
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / f"{name}.png", page("01"))
    done = predict("--csv", "--model", "svc", "--", f"{name}.png")
    lines = list(csv.reader(io.StringIO(done.stdout)))
    assert len(lines) == 3
    cells = [cell for line in lines for cell in line]
    assert not [cell for cell in cells if cell.lstrip()[:1] in "=+-@\t\uff1d"]
    assert [line[8] for line in lines[1:]] == ["'=0", "'@1"]


def test_an_image_is_read_from_standard_input(models, tmp_path):
    def predict(*arguments, **given):
        return CliRunner().invoke(cli.app, ["predict", *map(str, arguments)], **given)

    image = saved(tmp_path / "page.png", page("01"))
    done = predict("-", "--json", "--show", tmp_path / "out.png", input=image.read_bytes())
    answer = json.loads(done.stdout)
    assert (answer["image"], answer["numbers"]) == ("-", {"reader": ["01"]})
    assert (tmp_path / "out.png").is_file()
    done = predict("-", image, input=image.read_bytes())
    assert done.stdout.splitlines()[0] == "-: 2 digits"
    for nonsense in (b"", b"hello", image.read_bytes()[:100]):
        done = predict("-", image, input=nonsense)
        assert done.exit_code == 1
        assert done.stderr.startswith("error: the image: ")
        assert "page.png: 2 digits" in done.stdout
    twice = predict("-", "-", input=image.read_bytes())
    assert "expected - once" in str(twice.exception)


def test_a_terminal_is_no_image(models):
    controlling, terminal = pty.openpty()
    code = f"""if True:
        from pathlib import Path
        from digits import cli
        from digits.core import paths
        paths.MODELS = Path({str(models)!r})
        import sys
        sys.argv = ["digits", "predict", "-"]
        cli.main()
    """
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=terminal, capture_output=True, text=True, cwd=paths.ROOT
    )
    os.close(controlling)
    os.close(terminal)
    assert done.returncode == 1
    assert "digits predict - < page.png" in done.stderr


def test_a_terminal_of_another_encoding_gets_what_it_can_show(models, tmp_path):
    image = saved(tmp_path / "größer-四.png", page("01"))
    code = f"""if True:
        from pathlib import Path
        from digits import cli
        from digits.core import paths
        paths.MODELS = Path({str(models)!r})
        import sys
        sys.argv = ["digits", "predict", {str(image)!r}]
        cli.main()
    """
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=paths.ROOT,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert r"gr\xf6\xdfer-\u56db.png: 2 digits" in done.stdout


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


def test_pictures_are_written_beside_each_other(predict, tmp_path):
    one, other = (saved(tmp_path / f"{name}.png", page(name)) for name in ("0", "1"))
    out = tmp_path / "new" / "out.png"
    assert predict(one, "--show", out).exit_code == 0
    assert max(Image.open(out).size) == 640
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


def test_a_file_is_replaced_only_by_force(predict, tmp_path):
    one, other = (saved(tmp_path / f"{name}.png", page(name)) for name in ("0", "1"))
    kept = {}
    for name in ("out.png", "out-2.png"):
        (tmp_path / name).write_bytes(b"precious")
        kept[name] = b"precious"
    (tmp_path / "link.png").symlink_to("nowhere.png")
    for arguments in (
        (one, "--show", tmp_path / "out.png"),
        (one, other, "--show", tmp_path / "out.png"),
        (one, "--show", tmp_path / "link.png"),
    ):
        done = predict(*arguments)
        assert "exists; choose another name, or give --force" in str(done.exception)
        assert not done.stdout
    assert {name: (tmp_path / name).read_bytes() for name in kept} == kept
    assert predict(one, "--show", tmp_path / "out.png", "--force").exit_code == 0
    assert Image.open(tmp_path / "out.png").size[1] == 640
    assert (tmp_path / "out-2.png").read_bytes() == b"precious"
    assert "expected --show" in str(predict(one, "--force").exception)


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_not_even_by_force_is_an_image_replaced_that_is_read(predict, tmp_path, link):
    one = saved(tmp_path / "one.png", page("1"))
    link(one, tmp_path / "same.png")
    done = predict(one, "--show", tmp_path / "same.png", "--force")
    assert "is one of the images to read" in str(done.exception)


def test_a_picture_that_cannot_be_written_loses_no_answer(predict, tmp_path):
    one = saved(tmp_path / "one.png", page("1"))
    done = predict("--json", one, "--show", one / "out.png")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["numbers"] == {"reader": ["1"]}
    assert "cannot be written" in done.stderr
