"""A web server on loopback that misbehaves in one way after the other."""

import contextlib
import gzip
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

Behaviour = Callable[[socket.socket, bytes], None]
"""Answers one request, whose body would rightly be the bytes."""

OK = b"HTTP/1.1 200 OK\r\n"


def length(count: int | str) -> bytes:
    return f"Content-Length: {count}\r\n".encode()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def good(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"\r\n" + body)


def without_length(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Connection: close\r\n\r\n" + body)


def in_chunks(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    client.sendall(b"".join(chunked(body[start : start + 7]) for start in range(0, len(body), 7)))
    client.sendall(b"0\r\n\r\n")


def said_to_be_gzipped(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"Content-Encoding: gzip\r\n\r\n" + body)


def said_to_be_of_an_unknown_encoding(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"Content-Encoding: rot13, gzip\r\n\r\n" + body)


RIGHT = {
    behave.__name__: behave
    for behave in (
        good,
        without_length,
        in_chunks,
        said_to_be_gzipped,
        said_to_be_of_an_unknown_encoding,
    )
}
"""Ways in which the published bytes may come."""


def text(answer: bytes) -> Behaviour:
    """Sends these bytes, whatever was asked for, and closes."""
    return lambda client, body: client.sendall(answer)


def closed_early(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"\r\n" + body[:-3])


def closed_early_without_length(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"\r\n" + body[:-3])


def reset(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"\r\n" + body[:5])
    time.sleep(0.05)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_at_once(client: socket.socket, body: bytes) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stalled(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"\r\n" + body[:5])
    client.recv(1)


def stalled_in_the_headers(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Content-Le")
    client.recv(1)


def silent(client: socket.socket, body: bytes) -> None:
    client.recv(1)


def slow_headers(client: socket.socket, body: bytes) -> None:
    for byte in OK + b"Server: " + b"a" * 1000:
        client.sendall(bytes([byte]))
        time.sleep(0.02)


def slow_body(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body)) + b"\r\n")
    for byte in body:
        client.sendall(bytes([byte]))
        time.sleep(0.05)


def endless_body(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"\r\n")
    while True:
        client.sendall(bytes(1 << 16))


def endless_chunks(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        client.sendall(chunked(bytes(1 << 16)))


def endless_chunk_size(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        client.sendall(b"0" * (1 << 16))


def endless_header(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"X-Long: ")
    while True:
        client.sendall(b"a" * (1 << 16))


def endless_headers(client: socket.socket, body: bytes) -> None:
    client.sendall(OK)
    while True:
        client.sendall(b"X-One-More: a\r\n" * 1000)


def endless_informational_answers(client: socket.socket, body: bytes) -> None:
    while True:
        client.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


def endless_redirect_body(client: socket.socket, body: bytes) -> None:
    client.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
    while True:
        client.sendall(bytes(1 << 16))


def more_than_announced(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + length(len(body) - 3) + b"\r\n" + body)


def gzipped_once_more(client: socket.socket, body: bytes) -> None:
    packed = gzip.compress(body)
    client.sendall(OK + length(len(packed)) + b"Content-Encoding: gzip\r\n\r\n" + packed)


def another_file(client: socket.socket, body: bytes) -> None:
    good(client, bytes(len(body)))


def ranged(client: socket.socket, body: bytes) -> None:
    client.sendall(b"HTTP/1.1 206 Partial Content\r\n" + length(len(body)) + b"\r\n" + body)


def cut_in_a_chunk(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body)[:-9])


def without_last_chunk(client: socket.socket, body: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body[:-3]))


def length_of(value: str) -> Behaviour:
    return lambda client, body: client.sendall(OK + length(value) + b"\r\n" + body)


def redirect_to(place: str) -> Behaviour:
    return text(f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())


def status(code: int) -> Behaviour:
    return text(f"HTTP/1.1 {code} \x1b[31mbad\r\nContent-Length: 0\r\n\r\n".encode())


PAGE = b"<!DOCTYPE html><html><body>sign in</body></html>"

WRONG: dict[str, Behaviour] = {
    "closed at once": text(b""),
    "closed in the headers": text(OK + b"Content-Le"),
    "an HTML page": text(OK + length(len(PAGE)) + b"\r\n" + PAGE),
    "no HTTP": text(b"\x00\x01\x02 hello\r\n\r\n"),
    "no status": text(b"HTTP/1.1\r\n\r\n"),
    "a status that is no number": text(b"HTTP/1.1 two OK\r\n\r\n"),
    "a header without a colon": text(OK + b"nothing\r\n\r\n"),
    "no text in a header": text(OK + b"\xff\x00: \x00\r\n\r\n"),
    "a length that is no number": length_of("many"),
    "a negative length": length_of("-5"),
    "a length of two numbers": length_of("5, 6"),
    "a huge length": length_of("9" * 30),
    "a length beside chunks": text(OK + length(3) + b"Transfer-Encoding: chunked\r\n\r\nabc"),
    "a chunk size that is no number": text(
        OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"
    ),
    "a negative chunk size": text(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n"),
    "a chunk that is longer": text(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabcdef\r\n"),
    "an unknown transfer encoding": text(OK + b"Transfer-Encoding: rot13\r\n\r\nabc"),
    "a redirect to itself": redirect_to("?again"),
    "a redirect to nowhere": text(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to another protocol": redirect_to("ftp://127.0.0.1/"),
    "a redirect to a file": redirect_to("file:///etc/passwd"),
    "a redirect to a bad address": redirect_to("http://[bad"),
    "a redirect to a bad port": redirect_to("http://127.0.0.1:99999/"),
    "a redirect to a dead server": redirect_to("http://127.0.0.1:9/"),
    "another protocol": text(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    **{f"status {code}": status(code) for code in (204, 304, 403, 404, 429, 500, 503, 999)},
    **{
        behave.__name__.replace("_", " "): behave
        for behave in (
            closed_early,
            closed_early_without_length,
            reset,
            reset_at_once,
            stalled,
            stalled_in_the_headers,
            silent,
            slow_headers,
            slow_body,
            endless_body,
            endless_chunks,
            endless_chunk_size,
            endless_header,
            endless_headers,
            endless_informational_answers,
            endless_redirect_body,
            more_than_announced,
            gzipped_once_more,
            another_file,
            ranged,
            cut_in_a_chunk,
            without_last_chunk,
        )
    },
}
"""Ways in which they may not."""


@contextlib.contextmanager
def serving(
    behave: Behaviour, content: dict[str, bytes], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The address of a server that answers every request so; `content` is what it should serve."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            client: socket.socket = self.request
            # A client that has left is none of the server's faults.
            with contextlib.suppress(OSError):
                if tls:
                    client = tls.wrap_socket(client, server_side=True)
                request = b""
                while b"\r\n\r\n" not in request:
                    request += client.recv(4096)
                    if request[:1] == b"\x16":  # a TLS handshake
                        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        return
                path = request.split()[1].decode().partition("?")[0]
                behave(client, content.get(path.rpartition("/")[2], b"nothing"))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
