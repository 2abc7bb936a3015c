"""The drawing of the pipeline: what waits for what, and that the committed one is up to date."""

import xml.etree.ElementTree

from digits.core import config, paths
from digits.report import pipeline

TREE = {
    "split": {"outs": ["data/split"]},
    "train_ann": {"deps": ["data/split/train.npz"], "outs": ["models/ann"]},
    "train_svc": {"deps": ["data/split/train.npz"], "outs": ["models/svc"]},
    "evaluate": {
        "matrix": {"model": ["ann", "svc"]},
        "deps": ["data/split", "models/${item.model}"],
        "outs": [{"metrics/${item.model}/test.json": {"cache": False}}],
        "metrics": [{"metrics/${item.model}/summary.json": {"cache": False}}],
    },
    "confidence": {
        "matrix": {"model": ["ann", "svc"]},
        "deps": ["models/${item.model}"],
        "outs": ["models/confidence/${item.model}.json"],
    },
    "compare": {"deps": ["metrics/ann", "metrics/svc"]},
}


def test_a_stage_waits_for_what_it_reads_and_not_for_what_they_wait_for():
    found = {stage.name: stage for stage in pipeline.stages(TREE)}
    assert {name: stage.follows for name, stage in found.items()} == {
        "split": (),
        "train_ann": ("split",),
        "train_svc": ("split",),
        "evaluate": ("train_ann", "train_svc"),
        "confidence": ("train_ann", "train_svc"),
        "compare": ("evaluate",),
    }
    assert [stage.column for stage in found.values()] == [0, 1, 1, 2, 2, 3]
    assert [stage.times for stage in found.values()] == [1, 1, 1, 2, 2, 1]


def test_the_committed_drawing_is_of_the_committed_pipeline():
    drawn = pipeline.draw(pipeline.stages(config.read(paths.DVC_YAML)["stages"]))
    assert pipeline.DRAWING.read_text(encoding="utf-8") == drawn
    xml.etree.ElementTree.fromstring(drawn)
