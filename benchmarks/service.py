"""How many images a second the service reads, how long each takes, and whether its memory is flat.

    python -m benchmarks.service [--requests 20000] [--clients 8] [--model cnn]

Starts the service with corrections in a folder of its own and sends images at the full rate: most
of 28 x 28 pixels with one digit, as programs send them, some drawings of several digits, some
damaged.  Most ask the first model, some all of them, and some digits are corrected.  The same image
must get the same answer each time.  The clients take a part of the same cores, some 0.5 ms a
request.  With five models and two cores, 20,000 requests take about two minutes.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer

from benchmarks import handwriting
from digits.core import config, errors, paths
from digits.scan.page.find import find_digits
from digits.serve import png

IMAGES = 200
DRAWING = (640, 400)
"""Width and height in pixels."""
DRAWING_EVERY, DAMAGED_EVERY = 40, 50
"""Of so many images one is a drawing, is damaged."""
ALL_EVERY, CORRECTION_EVERY = 9, 49
"""Of so many requests one asks all models, is followed by a correction."""
WARM = 0.25
"""Share of the requests after which memory is to be flat."""

SERVE = """
import sys
from pathlib import Path
from digits.serve.web import serving
serving.run(sys.argv[2:], "127.0.0.1", 0, [], Path(sys.argv[1]))
"""


@dataclass
class Tally:
    """What the clients saw since it was asked last, and what must stay the same."""

    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    first: dict[tuple[int, str], bytes] = field(default_factory=dict)
    """The first answer to each image and query."""


@dataclass(frozen=True)
class Use:
    """What the service's processes take."""

    megabytes: float
    """Resident, what processes share counted once."""
    processes: int
    seconds: float
    """Of processor time so far."""


def main(
    requests: Annotated[int, typer.Option(min=1, help="How many.")] = 20_000,
    clients: Annotated[int, typer.Option(min=1, help="At once.")] = 8,
    model: Annotated[
        list[str] | None, typer.Option(help="Serve this model; may be repeated.  [all]")
    ] = None,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two lines.")] = 10,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 8,
) -> None:
    """Print rate, times, failures and memory every so often, and in the end what memory did."""
    sent = images(seed)
    models = model or [name for name in config.MODELS[::-1] if (paths.MODELS / name).is_dir()]
    tally, order = Tally(), iter(range(requests))
    with tempfile.TemporaryDirectory() as folder, service(Path(folder), models) as (process, port):
        threads = [
            threading.Thread(target=send, args=(port, models[0], sent, order, tally), daemon=True)
            for _ in range(clients)
        ]
        print("  requests      /s  median ms  99% ms  failures  processor ms     MiB  processes")
        for thread in threads:
            thread.start()
        began, before, memory, failures = time.monotonic(), used(process), [(0, 0.0)], 0
        try:
            while any(thread.is_alive() for thread in threads):
                until = time.monotonic() + every
                for thread in threads:
                    thread.join(max(0.0, until - time.monotonic()))
                times, tally.milliseconds = tally.milliseconds, []
                failed, tally.failures = tally.failures, []
                now, seconds = used(process), time.monotonic() - began
                failures += len(failed)
                if times:
                    memory.append((memory[-1][0] + len(times), now.megabytes))
                    median, late = np.percentile(times, (50, 99))
                    milliseconds = 1000 * (now.seconds - before.seconds) / len(times)
                    print(
                        f"{memory[-1][0]:10,}{len(times) / seconds:8.0f}{median:11.1f}{late:8.1f}"
                        f"{len(failed):10}{milliseconds:14.1f}{now.megabytes:8.0f}"
                        f"{now.processes:11}",
                        flush=True,
                    )
                for failure in sorted(set(failed)):
                    print(f"  {failed.count(failure)} x {failure}", flush=True)
                began, before = time.monotonic(), now
        finally:  # an interrupted measurement tells what it saw
            print(f"\n{trend(memory[1:])}; {failures} of {memory[-1][0]:,} requests failed")
    raise typer.Exit(1 if failures else 0)


def trend(memory: list[tuple[int, float]]) -> str:
    """What memory did once the service was warm.

    Args:
        memory: Requests so far and MiB, in this order.

    """
    warm = [one for one in memory if one[0] >= WARM * memory[-1][0]]
    if len(warm) < 3:
        return "memory: too few lines to tell whether it is flat"
    count, megabytes = np.array(warm).T
    slope = np.polyfit(count, megabytes, 1)[0]
    return (
        f"memory from request {warm[0][0]:,} on: {megabytes.min():.0f} to {megabytes.max():.0f} "
        f"MiB, {slope * 1e5:+.1f} MiB in 100,000 requests"
    )


def images(seed: int) -> list[bytes]:
    """Image files of one digit, and some of others."""
    made = []
    for index in range(IMAGES):
        rng = np.random.default_rng([seed, index])
        labels = rng.integers(0, 10, rng.integers(2, 7)).astype(np.uint8)
        image = handwriting.page(labels, rng, DRAWING, handwriting.LINES).image
        if index % DRAWING_EVERY != 1:
            image = find_digits(image)[0].image
        file = png.encode(image)
        made.append(file[: len(file) // 2] if index % DAMAGED_EVERY == 2 else file)
    return made


@contextmanager
def service(folder: Path, models: list[str]) -> Iterator[tuple[psutil.Process, int]]:
    """Run the service; its process and its port."""
    command = [sys.executable, "-c", SERVE, str(folder / "feedback"), *models]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=paths.ROOT) as started:
        assert started.stdout
        try:
            address = started.stdout.readline()
            if not address:
                raise errors.UserError("the service did not start, for the reason above")
            port = int(address.rpartition(":")[2])
            ask(http.client.HTTPConnection("127.0.0.1", port), "GET", "/healthz")
            yield psutil.Process(started.pid), port
        finally:
            started.terminate()


def used(process: psutil.Process) -> Use:
    """What a process and its descendants take, with those that have ended."""
    megabytes, count, seconds = 0.0, 0, 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
            megabytes += one.memory_full_info().pss / 2**20
        except psutil.NoSuchProcess:
            continue
        count += 1
        seconds += times.user + times.system + times.children_user + times.children_system
    return Use(megabytes, count, seconds)


def send(port: int, first: str, sent: list[bytes], order: Iterator[int], tally: Tally) -> None:
    """Send images over one connection, one after the other, until there is none left."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in order:
        place = number % len(sent)
        wanted = 422 if place % DAMAGED_EVERY == 2 else 200
        query = "" if number % ALL_EVERY == 0 else f"?model={first}"
        began = time.perf_counter()
        try:
            status, body = ask(connection, "POST", f"/api/predict{query}", sent[place])
            tally.milliseconds.append(1000 * (time.perf_counter() - began))
            if status != wanted:
                tally.failures.append(f"{status} {body[:200]!r}")
            elif tally.first.setdefault((place, query), body) != body:
                tally.failures.append("another answer to the same image")
            elif wanted == 200 and number % CORRECTION_EVERY == 0:
                correct(connection, json.loads(body), tally)
        except (OSError, http.client.HTTPException) as error:
            tally.milliseconds.append(1000 * (time.perf_counter() - began))
            tally.failures.append(f"{type(error).__name__} {error}")
            connection.close()


def correct(connection: http.client.HTTPConnection, read: dict, tally: Tally) -> None:
    """Correct the first digit that was read, and withdraw the correction."""
    if not read["digits"]:
        return
    digit = read["digits"][0]
    said = {name: one["label"] for name, one in digit["predictions"].items()}
    correction = json.dumps({"image": digit["image"], "label": "7", "predictions": said}).encode()
    status, body = ask(connection, "POST", "/api/feedback", correction, "application/json")
    if status != 201:
        tally.failures.append(f"correction: {status} {body[:200]!r}")
        return
    status, body = ask(connection, "DELETE", f"/api/feedback/{json.loads(body)['id']}")
    if status != 204:
        tally.failures.append(f"withdrawal: {status} {body[:200]!r}")


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None = None,
    kind: str = "image/png",
) -> tuple[int, bytes]:
    """Status and body of an answer."""
    connection.request(method, path, body, {"content-type": kind} if body else {})
    response = connection.getresponse()
    return response.status, response.read()


if __name__ == "__main__":
    with errors.reported():
        typer.run(main)
