"""`digits doctor` opens every model, lets it answer, and names what cannot be used."""

import numpy as np
import pytest

from digits.core import paths
from digits.core.errors import UserError
from digits.evaluation import abstention
from digits.inference import bundle
from digits.verification import doctor
from tests.tiny import DESCRIPTION, ink_in_the_middle

WEIGHT = {"not a number": np.nan, "infinite": np.inf, "overflowing": 3e38}


def forge(folder, weight=1.0, description=(), operator=None):
    """Put another model with its hashes, and the rule of the old one with its digest."""
    graph = ink_in_the_middle(weight=weight)
    if operator:
        graph.graph.node[1].op_type = operator
    digest = bundle.save(folder / "svc", graph, DESCRIPTION | dict(description))
    rule = abstention.path("svc", folder)
    rule.write_text(rule.read_text().replace(old_digest(folder), digest))


def old_digest(folder):
    return abstention.Stored.model_validate_json(
        abstention.path("svc", folder).read_bytes(), strict=True
    ).model_sha256


def test_a_model_that_answers_is_described(models):
    assert "trained on drawn" in doctor.answer("svc", models)


@pytest.mark.parametrize("weight", WEIGHT.values(), ids=WEIGHT)
def test_a_model_whose_answer_is_not_finite_is_found(models, weight):
    forge(models, weight)
    with pytest.raises(UserError, match="not finite"):
        doctor.answer("svc", models)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"operator": "Conjure"}, "ONNX Runtime refuses it"),
        ({"description": {"classes": ["0", "1", "2"]}}, "to 3 classes"),
        (
            {
                "description": {
                    "raw_side": [9, 9],
                    "preprocess": DESCRIPTION["preprocess"] | {"size": "native"},
                }
            },
            "pixels",
        ),
        ({"description": {"model": "cnn"}}, "it holds the model cnn"),
    ],
)
def test_a_model_that_was_forged_with_its_hashes_is_found(models, changes, words):
    forge(models, **changes)
    with pytest.raises(UserError, match=words) as caught:
        doctor.answer("svc", models)
    assert "dvc repro train_svc" in str(caught.value)


def test_every_fault_is_a_finding_of_its_own(monkeypatch):
    def broken() -> None:
        raise RuntimeError("broken [/bold] library")

    monkeypatch.setattr("digits.hardware.selection.choose", lambda *_: broken())
    monkeypatch.setattr(paths, "DVC_LOCK", paths.ROOT / "no.lock")
    monkeypatch.setattr(paths, "PIPELINE_LOCK", paths.ROOT / "no.lock")
    found = {finding.subject: finding for finding in doctor.examine()}
    assert found["hardware"].text == "RuntimeError: broken [/bold] library"
    assert found["python"].good
    assert found["params.yaml"].good
    assert "dvc repro" in found["dvc.lock"].text
    assert "git checkout no.lock" in found["packages"].text
    assert not any(found[name].good for name in ("hardware", "dvc.lock", "packages"))
