"""The HTTP interface: what it answers, and what it refuses."""

import base64
import io
import re
import struct
import zlib

import cv2
import numpy as np
import pytest
import requests
from PIL import Image

from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from digits.scan.single.decode import read_image
from digits.serve.answer import PageAnswer
from digits.serve.reader import Prediction
from digits.serve.web import app, serving, uploads
from digits.serve.web.problems import ProblemAnswer
from tests.web.conftest import StubReader, encoded, post, raw, refused

BLANK = np.full((60, 80), 255, np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, 4000, np.uint8)


def png_header(width, height):
    """A PNG that announces a size and holds next to nothing."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (chunk, data, b"IEND")
    )


def test_a_drawing_is_read(service, drawing):
    response = post(service, drawing, **{"content-type": "image/png"})
    read = PageAnswer.model_validate_json(response.content)
    assert (read.width, read.height, read.model) == (200, 120, "cnn")
    assert [digit.label for digit in read.digits] == ["7", "7"]
    assert read.numbers == {"cnn": ["77"], "svc": ["??"]}
    first, second = read.digits
    assert first.box[2] <= second.box[0]
    assert first.confident
    assert first.agree
    assert (first.withheld, first.nearest) == (None, [])
    assert not first.predictions["svc"].confident
    assert first.predictions["svc"].withheld == "score"
    assert sum(first.predictions["svc"].scores.values()) == pytest.approx(1, abs=1e-4)
    image = cv2.imdecode(
        np.frombuffer(base64.b64decode(first.image.partition(",")[2]), np.uint8), -1
    )
    found = find_digits(read_image(drawing))
    np.testing.assert_array_equal(image, found[0].image)


def test_only_the_models_that_are_asked_answer(service, drawing):
    read = post(service, drawing, "?model=svc").json()
    assert read["model"] == "svc"
    assert set(read["numbers"]) == set(read["digits"][0]["predictions"]) == {"svc"}
    assert not read["digits"][0]["confident"]
    both = post(service, drawing, "?model=svc&model=cnn&model=svc").json()
    assert list(both["numbers"]) == ["svc", "cnn"]


@pytest.mark.parametrize(
    "name", ["three.png", "../../etc/passwd", 'a"; name="b', "\u202e\U0001f600"]
)
def test_a_form_is_read_whatever_its_file_is_called(service, drawing, name):
    response = requests.post(
        f"{service.address}/api/predict",
        files={"other": ("x", b"--\r\n\r\n"), "image": (name, drawing)},
        timeout=20,
    )
    assert response.json()["numbers"]["cnn"] == ["77"]


def test_the_first_frame_of_an_animation_is_read(service):
    frames = [Image.fromarray(BLANK), Image.fromarray(255 - BLANK)]
    sink = io.BytesIO()
    frames[0].save(sink, "GIF", save_all=True, append_images=frames[1:])
    response = post(service, sink.getvalue())
    assert response.status_code == 200
    assert response.json()["digits"] == []


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 422, "received nothing"),
        (b"<!doctype html><title>x</title>", 415, "HTML"),
        (b"\0" * 5000, 415, "expected an image"),
        (encoded(BLANK)[:20], 422, "damaged"),
        (encoded(np.random.default_rng(0).integers(0, 256, (90, 90), np.uint8))[:-300], 422, "cut"),
        (png_header(6401, 6400), 413, "million pixels"),
        (png_header(60_000, 60_000), 413, "million pixels"),
        (png_header(2**31 - 1, 2**31 - 1), 413, "million pixels"),
    ],
)
def test_what_is_no_image_is_refused(service, data, status, words):
    assert words in refused(post(service, data), status)


def test_wrong_types_and_parameters_are_refused(service, drawing):
    refused(post(service, drawing, **{"content-type": "application/json"}), 415)
    refused(post(service, drawing, **{"content-type": "multipart/form-data"}), 422)
    refused(post(service, drawing, **{"content-type": "multipart/form-data; boundary=a"}), 422)
    assert "'cnn' or 'svc'" in refused(post(service, drawing, "?model=ann"), 422)
    refused(requests.get(f"{service.address}/api/predict", timeout=5), 405)
    refused(requests.delete(f"{service.address}/healthz", timeout=5), 405)
    refused(requests.get(f"{service.address}/nothing", timeout=5), 404)
    refused(requests.get(f"{service.address}/static/../app.py", timeout=5), 404)
    refused(requests.get(f"{service.address}/static/%2e%2e/app.py", timeout=5), 404)


@pytest.mark.parametrize(
    "parameters",
    [
        "boundary*=idna''abc",
        "boundary*=undefined''abc",
        "boundary*=punycode''%ff",
        "boundary*=a; boundary*0=b",
        f"boundary*{'9' * 5000}=a",
        '";' * 10_000,
    ],
)
def test_hostile_boundaries_are_refused(service, parameters):
    body = b"--abc\r\n\r\n\r\n--abc--"
    kind = f"multipart/form-data; {parameters}"
    assert "multipart" in refused(post(service, body, **{"content-type": kind}), 422)


@pytest.mark.parametrize(
    "parameters",
    [
        "filename*=utf-8''a; filename*0=b",
        f"filename*{'9' * 1000}=b",
        f"filename*{'9' * 5000}=b",
        "name*=idna''image",
    ],
)
def test_hostile_names_of_files_are_refused(service, parameters):
    head = f'Content-Disposition: form-data; name="{uploads.FIELD}"; {parameters}'
    body = f"--abc\r\n{head}\r\n\r\n\r\n--abc--".encode()
    refused(post(service, body, **{"content-type": "multipart/form-data; boundary=abc"}), 422)


@pytest.mark.parametrize(
    "charset",
    ["idna", "punycode", "undefined", "utf-7", "utf-16", "hex", "unicode_escape", "x" * 99],
)
def test_hostile_encodings_of_forms_are_refused_or_ignored(service, drawing, charset):
    head = f'--abc\r\nContent-Disposition: form-data; name="{uploads.FIELD}"; filename="'.encode()
    kind = f"multipart/form-data; boundary=abc; charset={charset}"
    for name in (b"\xff\xfe", b"\\x", b"xn--\xff", b"+\xff"):
        body = head + name + b'"\r\n\r\n' + drawing + b"\r\n--abc--\r\n"
        response = post(service, body, **{"content-type": kind})
        if response.status_code != 200:
            assert "multipart" in refused(response, 422)


def test_a_form_holds_one_image(service, drawing):
    for count, status in ((1, 200), (2, 422), (3, 422)):
        response = requests.post(
            f"{service.address}/api/predict",
            files=[(uploads.FIELD, (f"{place}.png", drawing)) for place in range(count)],
            timeout=20,
        )
        assert response.status_code == status
    assert "received 3" in refused(response, 422)


@pytest.mark.parametrize("shape", [(1, 1000), (2, 2000), (1000, 1), (2000, 2)])
def test_strips_are_answered(service, shape):
    response = post(service, encoded(np.resize(NOISE, shape)))
    if response.status_code != 200:
        refused(response, 422)


POST = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NOTHING = b"\r\n0\r\n\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        POST + CHUNKED + b"\r\nno\r\n",
        # Two lengths: a proxy and this service could find the end at different places.
        POST + CHUNKED + b"Content-Length: 5\r\n" + NOTHING,
        POST + b"Content-Length: 5\r\n" + CHUNKED + NOTHING,
        POST + b"content-length: 0\r\ntransfer-encoding: Chunked\r\n" + NOTHING,
        POST.replace(b"predict", b"feedback") + CHUNKED + b"Content-Length: 0\r\n" + NOTHING,
        POST.replace(b"POST", b"DELETE") + CHUNKED + b"Content-Length: 0\r\n" + NOTHING,
        POST.replace(b"POST", b"GET") + CHUNKED + b"Content-Length: 0\r\n" + NOTHING,
        POST.replace(b"1.1", b"1.0") + CHUNKED + NOTHING,
        POST + CHUNKED + CHUNKED + NOTHING,
        POST + b"Transfer-Encoding: gzip, chunked\r\n" + NOTHING,
        POST + b"Transfer-Encoding: \x0bchunked\r\n" + NOTHING,
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        POST + b"Content-Length: 5, 6\r\n\r\n",
        POST + b"Content-Length: +5\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 0x5\r\n\r\n",
        POST + b"Content-Length:\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_nothing_after_it_is_answered(service, sent):
    with raw(service, sent + SMUGGLED) as connection:
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head.lower()
    assert ProblemAnswer.model_validate_json(body).status == 400


@pytest.mark.parametrize(
    "address",
    ["/", "/static/app.js", "/healthz", "/api/models", "/openapi.json", "/nothing", "/api/predict"],
)
def test_head_is_answered_as_get_is(service, address):
    got = requests.get(service.address + address, timeout=5)
    head = requests.head(service.address + address, timeout=5)
    assert head.content == b""
    assert head.status_code == got.status_code
    assert got.headers.items() - head.headers.items() <= {("date", got.headers["date"])}
    with raw(service, f"HEAD {address} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()) as connection:
        assert connection.makefile("rb").read().endswith(b"\r\n\r\n")


@pytest.mark.parametrize("part", ["bytes=0-9", "bytes=9999999-", "bytes=9-1", "nonsense"])
def test_files_are_sent_whole(service, part):
    for address in ("/", "/static/app.js"):
        whole = requests.get(service.address + address, timeout=5)
        response = requests.get(service.address + address, headers={"range": part}, timeout=5)
        assert response.status_code == 200
        assert response.content == whole.content
        assert "accept-ranges" not in response.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 400),
        ({"host": "127.0.0.1.evil.example"}, 400),
        ({"host": "[::1"}, 400),
        ({"host": "localhost"}, 200),
        ({"host": "[::1]:8000"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "http://[x]"}, 403),
        ({"host": "localhost:80", "origin": "http://localhost:81"}, 403),
        ({"host": "localhost:80", "origin": "http://localhost:80"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_only_its_own_page_and_programs_may_send(service, drawing, headers, status):
    response = post(service, drawing, **headers)
    if status == 200:
        assert response.status_code == 200
    else:
        refused(response, status)
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_it_says_which_models_answer(service):
    said = app.Models.model_validate_json(
        requests.get(f"{service.address}/api/models", timeout=5).content
    )
    assert [(model.name, model.sha256[0]) for model in said.models] == [("cnn", "a"), ("svc", "b")]
    assert said.feedback


def test_the_document_names_every_answer(service):
    document = requests.get(f"{service.address}/openapi.json", timeout=5).json()
    answers = document["paths"]["/api/predict"]["post"]["responses"]
    assert set(answers) >= {"200", "400", "403", "408", "413", "415", "422", "429", "503"}
    kept = document["paths"]["/api/feedback"]["post"]["responses"]
    assert set(kept) >= {"201", "409", "503", "507"}
    withdrawn = document["paths"]["/api/feedback/{key}"]["delete"]["responses"]
    assert set(withdrawn) >= {"204", "404", "503"}
    sent = document["paths"]["/api/predict"]["post"]
    assert sent["parameters"][0]["schema"]["type"] == "array"
    body = sent["requestBody"]
    assert list(body["content"]) == ["image/*"]
    for told in ("application/octet-stream", "multipart/form-data", "`image`"):
        assert told in body["description"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', str(document).replace("'", '"')):
        assert name in document["components"]["schemas"]


def test_the_page_needs_no_other_host(service):
    response = requests.get(service.address, timeout=5)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    names = re.findall(r'(?:src|href)="(/static/[^"]+)"', response.text)
    assert len(names) >= 3
    for name in names:
        part = requests.get(service.address + name, timeout=5)
        assert part.status_code == 200
        names += {f"/static/{one}" for one in re.findall(r'from "./(.+?)"', part.text)} - {*names}
        assert not re.findall(r"(?:https?:)?//[a-z]\w*\.", part.text.replace("www.w3.org", ""))


class Clothes(StubReader):
    classes = ("Trouser", "none", "mro")

    def say(self, model):
        return Prediction("Trouser", 0.97, (0.97, 0.02, 0.01), True, None)


def test_any_names_of_classes_are_taken(serve, drawing, tmp_path):
    with serve(tmp_path, Clothes()) as service:
        read = post(service, drawing).json()
        assert read["numbers"]["cnn"] == ["Trouser Trouser"]
        for label, status in (("Trouser", 201), ("none", 201), ("mro", 201), ("trouser", 422)):
            correction = {
                "image": read["digits"][0]["image"],
                "label": label,
                "predictions": {"cnn": "Trouser"},
            }
            response = requests.post(f"{service.address}/api/feedback", json=correction, timeout=5)
            assert response.status_code == status


def test_a_port_that_is_taken_is_said(service):
    with pytest.raises(UserError, match=f"port {service.port} is taken"):
        serving.bind("127.0.0.1", service.port)
    with pytest.raises(UserError, match="address of this machine"):
        serving.bind("192.0.2.1", 0)
