"""The views that MLflow's pages show: what they filter, order and list is what runs have."""

import json
import re

import pytest

from digits.tracking import views
from tests.trained import finished

VIEWS = {tag: value for tag, value in views.tags().items() if tag.startswith(views.TAG)}


@pytest.mark.parametrize("tag", VIEWS)
def test_a_view_is_what_mlflow_reads(tag):
    view = json.loads(VIEWS[tag])
    assert isinstance(view["name"], str)
    assert isinstance(view["createdAt"], int)
    state = json.loads(view["state"])
    run = finished()
    there = {f"tags.`{name}`" for name in run.tags} | {f"metrics.`{name}`" for name in run.metrics}
    assert set(state["selectedColumns"]) <= there
    assert state["orderByKey"] in there | {"tags.`dvc.experiment`"}
    assert set(state["columnWidths"]) == set(state["columnOrder"])


def test_trainings_come_without_experiments_and_comparisons(store):
    store.publish(finished())
    store.keep_comparison("hardware", {}, {"hardware.json": b"{}"})
    filters = {
        tag.removeprefix(views.TAG): json.loads(json.loads(view)["state"])["searchFilter"]
        for tag, view in VIEWS.items()
    }
    found = {
        key: [run.info.run_name for run in store.client.search_runs([store.experiment], condition)]
        for key, condition in filters.items()
    }
    assert found == {"by-model": ["cnn"], "by-hardware": ["cnn"], "experiments": []}


def test_the_store_has_the_views_that_the_addresses_name(store):
    kept = store.client.get_experiment(store.experiment).tags
    assert kept.items() >= views.tags().items()
    addresses = views.addresses("http://127.0.0.1:5000", store.experiment)
    assert len(addresses) == len(VIEWS)
    for address in addresses.values():
        match = re.fullmatch(
            r"http://127\.0\.0\.1:5000/#/experiments/(\d+)/runs"
            r"\?workflowType=machine_learning&viewStateShareKey=(.+)",
            address,
        )
        assert match is not None
        assert match[1] == store.experiment
        assert views.TAG + match[2] in kept
