"""The report: every section, whatever is missing, and nothing from elsewhere."""

import hashlib
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from digits.core import config, files, paths
from digits.evaluation import recommendation, significance
from digits.report import comparison
from digits.report import text as words
from digits.report.page import render, results
from tests import made_records

CLASSES = ["<b>T-shirt</b>", "Sneaker & co", "bag"]
LABELS = np.tile([0, 1, 2], 4)
ADVICE = recommendation.Params(required_accuracy=0.99, batch_images=1_000_000)
WRONG = {"ann": [0, 4], "svc": [0, 5, 7]}
SECTIONS = [
    "recommendation", "results", "tests", "calibration", "learning", "confusion", "misclassified",
    "robustness", "other-hands", "preprocessing", "augmentation", "reproduction", "hardware",
    "provenance",
]  # fmt: skip
VOID = {"meta", "br", "use", "path", "image"}


class Reader(HTMLParser):
    """What a browser would find; wrongly nested tags are errors."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.ids += [known["id"]] if "id" in known else []
        self.references += [known[name] for name in ("href", "src") if name in known]
        self.references += re.findall(r"url\(([^)]*)\)", known.get("clip-path", ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def rendered(root):
    gathered = results.read(root, WRONG)
    return render.render(gathered, render.recommended(gathered, ADVICE))


def write_model(folder, model, validation=0.995):
    predictions = LABELS.copy()
    predictions[WRONG[model]] = (LABELS[WRONG[model]] + 1) % 3
    probabilities = np.full((len(LABELS), 3), 0.05)
    probabilities[np.arange(len(LABELS)), predictions] = 0.9
    index = np.arange(len(LABELS)) + 100
    scores = pd.DataFrame(probabilities, columns=[f"score_{name}" for name in CLASSES])
    named = pd.DataFrame({"index": index, "label": LABELS, "prediction": predictions})
    table = pd.concat([named, scores], axis=1)
    files.write_text(folder / "predictions.csv", table.to_csv(index=False))
    wrong = predictions != LABELS
    images = np.full((wrong.sum(), 8, 8), 255, np.uint8)
    np.savez_compressed(folder / "misclassified.npz", index=index[wrong], images=images)
    made_records.tested(model, LABELS, probabilities, CLASSES).write(folder / "test.json")
    kept = {"kept_epoch": 2} if model == "ann" else {}
    made_records.train(model, validation, **kept).write(folder / "train.json")
    history = {"epoch": [1], "train_accuracy": [1.0]}
    if model == "ann":
        history = {
            "epoch": [1, 2],
            "train_accuracy": [0.5, 0.75],
            "train_loss": [1.0, 0.5],
            "validation_accuracy": [0.6, validation],
            "validation_loss": [1.0, 0.9],
        }
    files.write_text(folder / "history.csv", pd.DataFrame(history).to_csv(index=False))
    made_records.timing().write(folder / "timing.json")
    made_records.speed().write(folder / "speed.json")
    made_records.robustness(
        model,
        shift=made_records.change(1.0, 0.9, 0.3, below=0.5),
        fading=made_records.change(1.0, 1.0),
    ).write(folder / "robustness.json")
    made_records.transfer(model).write(folder / "transfer.json")
    made_records.confidence(model).write(folder / "confidence.json")
    (folder / "transfer").mkdir()
    for name in (results.PREDICTIONS, results.MISCLASSIFIED):
        shutil.copy(folder / name, folder / "transfer" / name)


def write_project(root, **more):
    metrics = root / "metrics"
    for model in WRONG:
        (metrics / model).mkdir(parents=True)
        write_model(metrics / model, model, **more)
    comparison.read(metrics, WRONG).write(metrics / "comparison.json")
    predictions = {model: pd.read_csv(metrics / model / "predictions.csv") for model in WRONG}
    comparison.tests(predictions).write(metrics / "significance.json")
    comparison.tests(predictions).write(metrics / "other_hands.json")
    made_records.forms(WRONG).write(metrics / "forms.json")
    files.write_arrays(metrics / "forms.npz", images=np.zeros((2, 3, 28, 28), np.uint8))
    (root / "locks").mkdir()
    for name in ("params.yaml", "locks/compute.lock"):
        (root / name).write_text(name)


def figures(accuracy=0.9, **more):
    return made_records.figures(accuracy, images_per_second=100.0, latency_ms=1.0, **more).as_dict()


def write_outcomes(outcomes):
    common: dict[str, Any] = {
        "source": "A & B",
        "question": "",
        "reference": None,
        "assumed": ["<i>one</i>"],
        "fitted": [],
        "left_out": {},
        "claims": [],
    }
    seeds: list[dict[str, Any]] = [
        {"variant": variant, "seed": seed, "models": {"ann": figures(accuracy + seed / 1000)}}
        for variant, accuracy in (("none", 0.9), ("shifts", 0.95))
        for seed in (0, 1)
    ]
    means = {
        variant: significance.repeated(
            [run["models"]["ann"]["accuracy"] for run in seeds if run["variant"] == variant]
        )
        for variant in ("none", "shifts")
    }
    claim = {
        "text": "It is <good>", "variants": [""], "models": ["svc"], "measure": "test_accuracy",
        "published": "97% of 100", "ours": "96.00%", "ours_low": 0.9, "ours_high": 0.99,
        "verdict": "agrees", "how": "p = 0.5",
    }  # fmt: skip
    not_run = {
        "text": "And quick", "variants": ["big"], "models": ["ann"], "measure": "log",
        "published": "99%", "ours": "not run", "verdict": "not run", "how": "",
    }  # fmt: skip
    test = made_records.pair("unit", "deskewed", 0.02, 0.02, True).as_dict()
    made: dict[str, dict[str, Any]] = {
        "preprocessing": {
            "reference": "unit",
            "runs": [
                {"variant": "unit", "seed": None, "models": {"svc": figures(0.9)}},
                {"variant": "deskewed", "seed": None, "models": {"svc": figures(0.92)}},
            ],
            "tests": {"svc": [test]},
        },
        "augmentation": {
            "reference": "none",
            "runs": seeds,
            "repeats": {"ann": means},
            "welch": {"ann": significance.welch([0.9, 0.901], {"shifts": [0.95, 0.951]})},
        },
        "digits-svc": {"reference": None, "runs": [], "claims": [claim, not_run]},
        "hardware": {
            "reference": None,
            "left_out": {"gpu-float16-1": "no GPU"},
            "runs": [
                {"variant": "cpu-float32-1", "seed": None, "models": {"ann": figures()}},
                {"variant": "cpu-float32-2", "seed": None, "models": {"ann": figures(0.91)}},
            ],
        },
        "hardware-of-svc": {
            "reference": None,
            "runs": [{"variant": "cpu-float32-2", "seed": None, "models": {"svc": figures()}}],
        },
    }
    for name, outcome in made.items():
        for run in outcome["runs"]:
            run["differences"] = {}
            for model, row in run["models"].items():
                row["model"] = model
        files.write_json(
            outcomes / f"{name}.json", {"experiment": name, "title": name, **common, **outcome}
        )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    write_project(folder)
    write_outcomes(folder / "experiments" / "outcomes")
    return folder


@pytest.fixture(scope="module")
def text(project):
    return rendered(project)


def section(text, name):
    return text.split(f'<section id="{name}">')[1].split("</section>")[0]


def test_every_section_is_there_and_reached_from_the_contents(text):
    reader = Reader(text)
    assert [name for name in reader.ids if name in SECTIONS] == SECTIONS
    assert [name for name in reader.references if name[1:] in SECTIONS] == [
        f"#{name}" for name in SECTIONS
    ]
    assert "digits experiment" not in section(text, "preprocessing")


def test_ids_are_unique_and_every_reference_is_to_one_or_to_data(text):
    reader = Reader(text)
    assert len(reader.ids) == len(set(reader.ids))
    for reference in reader.references:
        known = {"cards/data.md", *(f"cards/{model}.md" for model in WRONG)}
        known |= {f"#{name}" for name in reader.ids}
        assert reference.startswith("data:image/png;base64,") or reference in known


def test_nothing_comes_from_elsewhere(text):
    assert not re.search(r"https?:|@import|<script|<link", text)


def test_names_and_texts_are_escaped(text):
    for name in (*CLASSES[:2], "<i>one</i>", "<good>", "<laptop>", "A & B"):
        assert name not in text
    assert "&lt;b&gt;T-shirt&lt;/b&gt;" in section(text, "confusion")
    assert "&lt;b&gt;T-shirt&lt;/b&gt;" in section(text, "misclassified")


def test_the_same_results_give_the_same_bytes(project, text):
    assert rendered(project) == text


def test_what_is_said(text):
    assert "could be chance" in section(text, "tests")
    assert "1 of 12 test images is predicted correctly by no model" in section(
        text, "misclassified"
    )
    assert "deskewed lowers the error of svc from 10.00% to 8.00%" in section(text, "preprocessing")
    assert "over 0.5" in section(text, "robustness")
    assert "at no step" in section(text, "robustness")
    assert "svc</span> is not trained in epochs" in section(text, "learning")
    assert "not run" in section(text, "reproduction")
    assert "no GPU" in section(text, "hardware")


def test_what_was_measured_of_further_models_joins_its_experiment(text):
    rows = section(text, "hardware").split("<tbody>")[1].split("</tr>")[:-1]
    shown = [re.sub(r"<[^>]*>", " ", row).split()[1:3] for row in rows]
    assert shown == [["ann", "cpu-float32-1"], ["ann", "cpu-float32-2"], ["svc", "cpu-float32-2"]]


def test_every_image_is_counted_in_the_confusion_matrix(text):
    matrix = section(text, "confusion").split("</figure>")[0]
    assert sorted(re.findall(r">(\d)</text>", matrix)) == ["1", "1", "3", "3", "4"]


def test_the_inputs_are_named_with_their_digests(project, text):
    shown = section(text, "provenance")
    outcomes = [f"experiments/outcomes/{path.name}" for path in project.glob("*/outcomes/*.json")]
    for name in (*results.INPUTS, *outcomes):
        digest = hashlib.sha256((project / name).read_bytes()).hexdigest()
        assert re.search(f"{name}</th>.*{digest}", shown)


def test_what_was_not_made_is_named_with_its_command(tmp_path):
    write_project(tmp_path)
    for model in WRONG:
        for name in ("robustness", "transfer", "confidence"):
            (tmp_path / "metrics" / model / f"{name}.json").unlink()
        shutil.rmtree(tmp_path / "metrics" / model / "transfer")
    for name in ("other_hands", "forms"):
        (tmp_path / "metrics" / f"{name}.json").unlink()
    bare = rendered(tmp_path)
    Reader(bare)
    for name in (
        results.PREPROCESSING,
        results.AUGMENTATION,
        *results.REPRODUCED,
        results.HARDWARE,
    ):
        assert f"digits experiment {name}<" in bare
    assert "dvc repro robustness" in section(bare, "robustness")
    assert "dvc repro transfer" in section(bare, "other-hands")
    assert "dvc repro confidence" in section(bare, "abstention")
    assert "dvc repro forms" in section(bare, "other-hands")


def test_other_hands_are_told_beside_the_test_set(project, tmp_path):
    told = section(rendered(project), "other-hands")
    assert re.search(r"90\.00%.*9 of 10.*50\.00% to 100\.00%", told, re.DOTALL)
    assert "could be chance" in told
    assert re.search(r"<th>bag</th>.*100\.0%.*75\.0%.*30% to 95%", told)
    assert "1 of 12 digits is predicted correctly by no model" in told
    assert told.count("<svg") == 1 + len(WRONG) + 1
    write_project(tmp_path)
    unknown = made_records.transfer().model_copy(update={"choosing": None, "reporting": None})
    for model in WRONG:
        unknown.write(tmp_path / "metrics" / model / "transfer.json")
        path = tmp_path / "metrics" / model / "transfer" / results.PREDICTIONS
        files.write_text(path, path.read_text().splitlines(keepends=True)[0])
    comparison.tests({}).write(tmp_path / "metrics" / "other_hands.json")
    shown = section(rendered(tmp_path), "other-hands")
    assert "trained on these digits" in shown
    assert "Which differences" not in shown


def test_forms_that_some_model_misreads_are_shown(project):
    told = section(rendered(project), "other-hands")
    rows = re.findall(r"<tr><th>1<span.*?</tr>", told)
    assert len(rows) == 1
    assert re.search(r"long flag.*5%.*class=\"low\">0%.*as 7", rows[0])
    assert "Not shown: 1 form of which every model reads at least 90%." in told
    assert "1, long flag, and the nearest training digits: 7 4" in told


def test_what_abstaining_buys_is_told_and_drawn(project, tmp_path):
    told = section(rendered(project), "abstention")
    row = r"90\.00%.*of 50.*10\.00%.*5\.00% to 20\.00%.*30\.0%.*of 20.*20\.00% to 40\.00%"
    assert re.search(row, told, re.DOTALL)
    assert told.count("<svg") == 2
    write_project(tmp_path)
    known = made_records.confidence()
    assert known.bought
    unknown = dict.fromkeys(("taken_for_digits", "taken_low", "taken_high"))
    bought = known.bought.model_copy(update=unknown)
    for model in WRONG:
        made_records.confidence(model, bought=bought, others=()).write(
            tmp_path / "metrics" / model / "confidence.json"
        )
    told = section(rendered(tmp_path), "abstention")
    assert words.UNKNOWN in told
    assert told.count("<svg") == 1


def test_without_validation_set_and_common_mistakes(tmp_path):
    write_project(tmp_path, validation=None)
    path = tmp_path / "metrics" / "significance.json"
    tests = files.read_json(path)
    files.write_json(path, tests | {"cochran": None, "misclassified_by_all": []})
    bare = rendered(tmp_path)
    Reader(bare)
    assert "no validation set to choose by" in section(bare, "recommendation")
    assert words.UNKNOWN in section(bare, "results")
    assert "All models predict every image alike" in section(bare, "tests")
    assert "No image is misclassified by all" in section(bare, "misclassified")
    assert not re.search(r"\bNone\b|\bnan\b", " ".join(Reader(bare).words))


def test_the_stage_lists_what_the_page_is_made_of():
    listed = {Path(path) for path in config.read(paths.DVC_YAML)["stages"]["report"]["deps"]}
    models = [f"metrics/{model}" for model in config.MODELS]
    for read in (*models, *results.INPUTS, "experiments/outcomes", "digits/report/page/templates"):
        assert listed & {Path(read), *Path(read).parents}, read
