"""Serve the page and the HTTP interface with uvicorn."""

import asyncio
import errno
import logging
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import joblib
import uvicorn
from fastapi import FastAPI
from threadpoolctl import threadpool_limits
from uvicorn.protocols.http.h11_impl import H11Protocol

from digits import paths, reading
from digits.errors import UserError
from digits.web import app
from digits.web.limits import LOCAL_HOSTS, Settings, host_name

HEADER_SECONDS = 10.0
"""Until the head of a request has come."""
CONNECTIONS = 512
"""At once; when half of them are there, the one that has been silent for longest makes room."""
ANYWHERE = ("0.0.0.0", "::")


class Protocol(H11Protocol):
    """HTTP/1.1 that also cuts off who sends no request, or sends its head slowly."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS // 2:
            # By when each will be cut off.
            silent = {
                one: one._waiting.when()
                for one in self.connections
                if isinstance(one, Protocol) and one._waiting
            }
            if silent:
                oldest = min(silent, key=silent.__getitem__)
                oldest._unwatch()
                self.connections.discard(oldest)
                oldest.transport.abort()
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEADER_SECONDS, self._cut)

    def _unwatch(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _cut(self) -> None:
        self._waiting = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def run(
    models: list[str],
    host: str,
    port: int,
    allowed: list[str],
    store: Path | None,
) -> None:
    """Serve until interrupted.

    Args:
        models: Which read; the first one is the default.
        host: Address to bind to.
        port: 0 for any free one.
        allowed: Further names that the Host header may hold.
        store: Folder that takes corrections, or None to take none.

    Raises:
        UserError: if a model is missing, or host and port cannot be had.

    """
    # Several small images at once: threads of BLAS, OpenCV and ONNX Runtime would only wait for
    # each other (a drawing is found in 6 ms of processor time instead of 87).
    threadpool_limits(1, "blas")
    cv2.setNumThreads(1)
    listening = bind(host, port)
    with listening:
        reader = reading.Reader(models, threads=1)
        names = {*LOCAL_HOSTS, *(host_name(name) for name in allowed)}
        settings = Settings(
            hosts=tuple(names | ({host.lower()} - set(ANYWHERE))),
            workers=max(2, joblib.cpu_count()),
        )
        shown = "localhost" if host in ANYWHERE else f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{listening.getsockname()[1]}", flush=True)
        print(f"models: {', '.join(reader.models)}", flush=True)
        if host in ANYWHERE and not allowed:
            print("only localhost is answered: name this machine with --allow-host NAME")
        if store is not None:
            print(f"corrections are stored in {paths.relative(store)}", flush=True)
        with suppress(KeyboardInterrupt):
            server(app.create(reader, settings, store)).run(sockets=[listening])


def server(application: FastAPI) -> uvicorn.Server:
    """A server that cuts off slow senders and says nothing about each request."""
    logging.getLogger("uvicorn.error").addFilter(_is_no_noise)
    config = uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def _is_no_noise(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's log tells more than that a client sent nonsense."""
    return not record.getMessage().startswith(
        ("Invalid HTTP request", "Unsupported upgrade request", "No supported WebSocket")
    )


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
