"""What several unit tests need."""

import hashlib
import http.server
import threading

import pytest

from digits.datasets import published as published_sets
from tests.raw_files import small_set


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A small published set, whose mirrors are two folders that do not exist yet."""
    monkeypatch.delenv(published_sets.MIRROR_VARIABLE, raising=False)
    content = small_set()
    small = published_sets.Published(
        sha256={name: hashlib.sha256(data).hexdigest() for name, data in content.items()},
        mirrors=("first", "second"),
        sizes=(6, 2),
        classes=("0", "1"),
    )
    monkeypatch.setitem(published_sets.PUBLISHED, "mnist", small)
    return content


@pytest.fixture
def server(tmp_path):
    """A web server of the folder `web`; gives its address."""
    folder = tmp_path / "web"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()
