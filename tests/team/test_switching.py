"""A running service changes to other champions under load, and no request notices."""

import threading
import time

import requests

from digits.serve.web import app, serving
from digits.serve.web.settings import Settings
from digits.team import champion
from digits.tracking import models as logged
from tests import tiny
from tests.web.conftest import encoded

SWITCHES, CLIENTS, REQUESTS_A_SECOND = 20, 4, 100
AFTER_EACH = CLIENTS + 1
"""Answers to wait for: one of them was asked for after the change."""


def registered(door, models, model):
    """The version of a tiny model."""
    members = {
        name: (models.parent / place).read_bytes() for name, place in logged.places(model).items()
    }
    run = door.client.create_run(door.store.experiment)
    logged.log(door.client, door.store.experiment, run.info.run_id, model, members)
    return door.register(model, run.info.run_id, members)


def test_twenty_changes_of_the_champion_under_requests(door, models):
    versions = [registered(door, models, model) for model in ("svc", "cnn")]
    door.crown(versions[0].number)
    follower = champion.Follower(door, 1)
    listening = serving.bind("127.0.0.1", 0)
    server = serving.server(
        app.create(follower, Settings(workers=2, waiting=64, work_seconds=300), None)
    )
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    drawn, answers, over = encoded(tiny.page("1")), [], threading.Event()

    def ask():
        with requests.Session() as session:
            while not over.is_set():
                began = time.monotonic()
                got = session.post(f"{address}/api/predict", drawn, timeout=60)
                answers.append((got.status_code, got.text))
                time.sleep(max(0, CLIENTS / REQUESTS_A_SECOND - (time.monotonic() - began)))

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    served = []
    for turn in range(1, SWITCHES + 1):
        version = versions[turn % 2]
        door.crown(version.number)
        follower.look()
        (told,) = requests.get(f"{address}/api/models", timeout=60).json()["models"]
        served.append(told["sha256"] == version.sha256)
        seen = len(answers)
        while len(answers) < seen + AFTER_EACH and all(one.is_alive() for one in clients):
            time.sleep(0.005)
    over.set()
    for one in clients:
        one.join(60)
    server.should_exit = True
    thread.join(20)
    listening.close()
    assert served == [True] * SWITCHES
    assert {status for status, _ in answers} == {200}
    # Each of the two models has a score of its own; no other answer was given.
    assert len({text for _, text in answers}) == 2
