"""Serve the page and the HTTP interface with uvicorn."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import h11
import joblib
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from threadpoolctl import threadpool_limits
from uvicorn.protocols.http.h11_impl import H11Protocol

from digits.core import paths
from digits.core.errors import UserError
from digits.serve.feedback import Store
from digits.serve.reader import Reader
from digits.serve.web import app, scanning
from digits.serve.web.problems import CLOSE, LOG, Once, ProblemError, busy
from digits.serve.web.security import LOCAL_HOSTS, host_name
from digits.serve.web.settings import Settings

HEADER_SECONDS = 10.0
"""Until the head of a request has come."""
ANSWER_SECONDS = 30.0
"""Until an answer has been taken, as far as it does not fit into the system's buffers."""
CONNECTIONS = 256
"""At once; then the one that has kept the service waiting for longest makes room."""
ANYWHERE = ("0.0.0.0", "::")


class Protocol(H11Protocol):
    """HTTP/1.1 that also cuts off who sends no request, or slowly, or takes no answer.

    uvicorn has no such limits.  granian 2.8 has one for the head of a request, but waits for ever
    for its first byte and for an answer to be taken, answers wrong requests without a problem,
    and takes those that announce two lengths.  A proxy in front would have to be installed.
    """

    _owed: float | None = None
    """In how many seconds the client had to do its part; None while it is the service's turn."""
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # Head and body are written one after the other: by Nagle's algorithm the second would wait
        # 40 ms for the client to acknowledge the first.  asyncio turns it off only for sockets that
        # were made with a protocol number.
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Writing is then paused whenever the client has not taken everything.
        transport.set_write_buffer_limits(high=0)
        self._watch()
        if len(self.connections) > CONNECTIONS:
            timed = {
                one: one._timer.when()
                for one in self.connections
                if isinstance(one, Protocol) and one is not self and one._timer
            }
            if timed:
                oldest = min(timed, key=timed.__getitem__)
                self.connections.discard(oldest)
                oldest.transport.abort()
            else:
                self.app = _full

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless an answer has begun."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = ProblemError(400, "expected a request as HTTP/1.1 has it").response()
            head = [b"HTTP/1.1 400 Bad Request", b"connection: close"]
            head += [name + b": " + value for name, value in answer.raw_headers]
            self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        if self.cycle is not None:
            self.cycle.disconnected = True  # what the application still says is not sent
        self.transport.close()

    def _watch(self) -> None:
        """Give the client time for its part, if it is its turn and was not before."""
        if self.flow.write_paused:
            owed = ANSWER_SECONDS
        elif self.cycle is None or self.cycle.response_complete:
            owed = HEADER_SECONDS
        else:
            owed = None
        if owed == self._owed:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._owed = owed
        self._timer = None if owed is None else self.loop.call_later(owed, self.transport.abort)


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer over a connection that is one too many."""
    refusal = busy("too many connections are open; try again").response()
    refusal.headers.update(CLOSE)
    await refusal(scope, receive, send)


def run(
    load: Callable[[int], Callable[[], Reader]],
    host: str,
    port: int,
    allowed: list[str],
    store: Path | None,
) -> None:
    """Serve until interrupted.

    Args:
        load: Loads the models for so many threads an image; what it returns gives the reader of the
            moment, as `app.create` takes it.
        host: Address to bind to.
        port: 0 for any free one.
        allowed: Further names that the Host header may hold.
        store: Folder that takes corrections, or None to take none.

    Raises:
        UserError: if a model is missing, corrections cannot be stored, or host and port cannot be
            had.

    """
    # Several small images at once: threads of BLAS, OpenCV and ONNX Runtime would only wait for
    # each other (a drawing is found in 6 ms of processor time instead of 87).
    threadpool_limits(1, "blas")
    cv2.setNumThreads(1)
    corrections = None if store is None else Store(store)
    listening = bind(host, port)
    scanning.preload()
    with listening:
        readers = load(1)
        names = {*LOCAL_HOSTS, *(host_name(name) for name in allowed)}
        settings = Settings(
            hosts=tuple(names | ({host.lower()} - set(ANYWHERE))),
            workers=max(2, joblib.cpu_count()),
        )
        shown = "localhost" if host in ANYWHERE else f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{listening.getsockname()[1]}", flush=True)
        print(f"models: {', '.join(readers().models)}", flush=True)
        if host in ANYWHERE and not allowed:
            print("only localhost is answered: name this machine with --allow-host NAME")
        if store is not None:
            print(f"corrections are stored in {paths.relative(store)}", flush=True)
        with suppress(KeyboardInterrupt):
            server(app.create(readers, settings, corrections)).run(sockets=[listening])


def server(application: FastAPI) -> uvicorn.Server:
    """A server that cuts off slow senders and says nothing about each request."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # of forms that are wrong
    LOG.filters = [Once()]
    config = uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; raises UserError if it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=CONNECTIONS)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} is taken by another program; end it, or choose another port: "
                f"digits ui --port {port + 1}"
            ) from None
        raise UserError(
            f"--host {host} --port {port}: expected an address of this machine and a free port "
            f"({error.strerror})"
        ) from None
