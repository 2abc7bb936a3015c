"""MLflow's pages in a browser that has never seen them: they land on the trainings."""

import pytest

from digits.tracking.store import Store
from tests.trained import finished


@pytest.mark.parametrize("name", ["by-model", "by-hardware"])
def test_the_printed_address_lands_on_the_trainings(name, mlflow_server, browser, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.address)
    store = Store()
    store.publish(finished())
    store.keep_comparison("hardware", {}, {"hardware.json": b"{}"})
    (line,) = [line for line in mlflow_server.said if line.endswith(f"={name}")]
    browser(
        "Emulation.setDeviceMetricsOverride",
        width=1600,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser("Page.navigate", url=line.split()[-1])
    browser.wait("document.body?.innerText.includes('matching run')")
    browser.wait("document.body.innerText.includes('test_accuracy')")
    shown = browser.text("body")
    for column in ("model", "dataset", "hardware", "validation_accuracy", "train_seconds"):
        assert column in shown
    assert "latency_ms" in shown
    assert "bundle_mib" in shown
    assert "Test CPU, 2 threads, float32" in shown
    assert "0.99" in shown
    assert "comparison" not in shown
    assert "Assistant" not in shown
