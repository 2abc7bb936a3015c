"""How much the service takes, how fast it must come, and what happens beyond."""

import socket
import threading
import time

import requests

from digits.serve.web import serving
from tests.web.conftest import post, raw, refused


def test_too_many_bytes_are_refused(serve, drawing):
    with serve(body_bytes=10_000) as service:
        assert post(service, drawing).status_code == 200
        refused(post(service, b"x" * 10_001), 413)
        # Without a length that is announced, and so many that they are not read to the end.
        refused(post(service, (b"x" * 1000 for _ in range(20))), 413)
        refused(post(service, b"x" * 100_000), 413)
        refused(
            requests.post(
                f"{service.address}/api/predict", files={"image": b"x" * 10_000}, timeout=5
            ),
            413,
        )
        assert post(service, drawing).status_code == 200


def test_too_many_digits_are_refused(serve, drawing):
    with serve(digits=1) as service:
        assert "found 2" in refused(post(service, drawing), 422)


def test_a_flood_is_told_to_come_again(serve, drawing):
    with serve(workers=1, waiting=1) as service:
        service.reader.may_read.clear()
        answers: list[requests.Response] = []
        # One image is being read and one waits: of three the last one is refused.
        clients = [
            threading.Thread(target=lambda: answers.append(post(service, drawing)))
            for _ in range(3)
        ]
        for client in clients:
            client.start()
        deadline = time.monotonic() + 10
        while not answers and time.monotonic() < deadline:
            time.sleep(0.01)
        refused(answers[0], 429)
        assert int(answers[0].headers["retry-after"]) > 0
        assert requests.get(f"{service.address}/healthz", timeout=5).json() == {"status": "ok"}
        service.reader.may_read.set()
        for client in clients:
            client.join()
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429]
        assert post(service, drawing).status_code == 200


def test_all_bodies_together_are_limited(serve, drawing):
    with serve(held_bytes=len(drawing) + 1) as service:
        head = (
            f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(drawing)}\r\n"
        )
        with raw(service, head.encode() + b"\r\n" + drawing[:-1]):
            time.sleep(0.2)
            refused(post(service, drawing), 429)
        deadline = time.monotonic() + 10
        while (status := post(service, drawing).status_code) != 200:
            assert status == 429
            assert time.monotonic() < deadline


def test_open_requests_are_limited(serve, drawing):
    with serve(bodies=1) as service:
        head = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        with raw(service, head):
            time.sleep(0.2)
            refused(post(service, drawing), 429)
            assert requests.get(f"{service.address}/healthz", timeout=5).ok
        deadline = time.monotonic() + 10
        while post(service, drawing).status_code != 200:
            assert time.monotonic() < deadline


def test_what_takes_too_long_is_given_up(serve, drawing):
    with serve(work_seconds=0.2) as service:
        service.reader.may_read.clear()
        assert refused(post(service, drawing), 503)
        service.reader.may_read.set()


def test_who_sends_slowly_is_cut_off(serve, drawing, monkeypatch):
    monkeypatch.setattr(serving, "HEADER_SECONDS", 0.3)
    with serve(body_seconds=0.3) as service:
        head = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        with raw(service, head + b"x") as connection:
            assert b" 408 " in connection.makefile("rb").read()
        for beginning in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: local"):
            with raw(service, beginning) as connection:
                assert connection.makefile("rb").read() == b""
        assert post(service, drawing).status_code == 200


def test_silent_connections_make_room(serve, drawing, monkeypatch):
    monkeypatch.setattr(serving, "CONNECTIONS", 16)
    with serve() as service:
        silent = [raw(service, b"") for _ in range(40)]
        assert post(service, drawing).status_code == 200
        assert silent[0].recv(1) == b""
        for connection in silent:
            connection.close()


def test_connections_are_limited(serve, drawing, monkeypatch):
    monkeypatch.setattr(serving, "CONNECTIONS", 2)
    with serve() as service:
        head = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        sending = [raw(service, head) for _ in range(2)]
        time.sleep(0.2)
        refused(requests.get(f"{service.address}/healthz", timeout=5), 429)
        sending[0].close()
        time.sleep(0.2)
        assert requests.get(f"{service.address}/healthz", timeout=5).ok
        sending[1].close()


def test_who_takes_no_answer_is_cut_off(serve, monkeypatch):
    monkeypatch.setattr(serving, "ANSWER_SECONDS", 0.3)
    with serve() as service:
        request = b"GET /static/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        # More than fits into the buffers of both sides.
        with raw(service, 2000 * request):
            deadline = time.monotonic() + 20
            while not service.connections:
                assert time.monotonic() < deadline
            while service.connections:
                time.sleep(0.05)
                assert time.monotonic() < deadline


def test_an_answer_is_sent_at_once(service):
    with raw(service, b""):
        deadline = time.monotonic() + 10
        while not service.connections:
            assert time.monotonic() < deadline
        for connection in service.connections:
            connected = connection.transport.get_extra_info("socket")
            assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
