"""The page in Chromium, driven over its DevTools protocol; skipped where there is no Chromium."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time

import cv2
import numpy as np
import pytest

from tests.web.conftest import encoded

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

SEVEN = [(100, 80), (180, 80), (160, 120), (140, 160), (120, 200)]


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, profile):
        assert CHROMIUM
        theirs_in, self.out = os.pipe()
        self.incoming, theirs_out = os.pipe()
        self.process = subprocess.Popen(
            [
                # The browser expects its pipes at the descriptors 3 and 4.
                *("bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash"),
                CHROMIUM,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                f"--user-data-dir={profile}",
                "--remote-debugging-pipe",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.session, self.rest = 0, None, b""
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def __call__(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                read = os.read(self.incoming, 1 << 16)
                assert read, "the browser has ended"
                self.rest += read
            first, _, self.rest = self.rest.partition(b"\0")
            answer = json.loads(first)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.out)
        os.close(self.incoming)

    def open(self, address, width=1280, height=800):
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self("Page.navigate", url=address)
        self.wait(
            f"location.origin === {address!r} && document.readyState === 'complete'"
            " && document.querySelector('#models').textContent !== ''"
        )

    def value(self, script):
        result = self("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector):
        return self.value(f"document.querySelector({selector!r}).innerText")

    def wait(self, script):
        deadline = time.monotonic() + 20
        while not self.value(script):
            assert time.monotonic() < deadline, script
            time.sleep(0.03)

    def mouse(self, kind, point, button="left"):
        x, y = point
        self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def on_stage(self, points):
        box = self.value("(({left, top}) => ({left, top}))(stage.getBoundingClientRect())")
        return [(x + box["left"], y + box["top"]) for x, y in points]

    def draw(self, points, button="left"):
        placed = self.on_stage(points)
        self.mouse("mousePressed", placed[0], button)
        for point in placed[1:]:
            self.mouse("mouseMoved", point, button)
        self.mouse("mouseReleased", placed[-1], button)

    def middle(self, selector):
        self.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'nearest'}})")
        box = self.value(
            "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        return tuple(box)

    def click(self, x, y):
        self.mouse("mousePressed", (x, y))
        self.mouse("mouseReleased", (x, y))

    def touch(self, x, y):
        self("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x + 2, "y": y + 1}])
        self("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def press(self, key):
        text = {"text": key} if len(key) == 1 else {}
        code = {"Enter": {"windowsVirtualKeyCode": 13, "text": "\r"}}.get(key, {})
        self("Input.dispatchKeyEvent", type="keyDown", key=key, **{**text, **code})
        self("Input.dispatchKeyEvent", type="keyUp", key=key)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


def number_is(text):
    return f"document.querySelector('#number').innerText === {text!r}"


def all_asked(count):
    """Whether the bars of both models are there for so many digits."""
    return f"document.querySelectorAll('.opinions .bar.top').length === {2 * count}"


def test_drawing_reading_correcting(browser, service, tmp_path):
    browser.open(service.address)
    assert "Nothing to read" in browser.text("#summary")
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    browser.wait(all_asked(1))
    assert "svc reads ?" in browser.text("#summary")
    assert float(browser.value("document.body.dataset.took")) < 5000
    browser.draw([(x + 150, y) for x, y in SEVEN])
    browser.wait(number_is("77"))
    browser.wait(all_asked(2))
    assert browser.value("document.querySelectorAll('.box').length") == 2
    browser.wait("document.querySelector('#spoken').textContent.includes('Read 77')")

    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert "Digit 2" in browser.value("document.activeElement.getAttribute('aria-label')")
    browser.press("Enter")
    browser.wait("document.querySelector('#keypad').open")
    assert "stored" in browser.text("#keypad-note")
    browser.press("1")
    browser.wait(number_is("71"))
    browser.wait("document.querySelector('#storage').innerText.includes('1 so far')")
    (record,) = (tmp_path / "feedback").glob("*.json")
    assert json.loads(record.read_text())["label"] == "1"

    browser.press("z")
    browser.wait(number_is("7"))
    browser.press("c")
    browser.wait(number_is(""))
    assert "Nothing to read" in browser.text("#summary")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (320, 568)])
def test_everything_fits(browser, service, width, height):
    browser.open(service.address, width, height)
    browser.draw([(x * 0.7, y * 0.7) for x, y in SEVEN])
    browser.wait(all_asked(1))
    assert browser.value("document.documentElement.scrollWidth") <= width
    beyond = browser.value(
        "[...document.querySelectorAll('button, input, .opinions *, #number *')]"
        ".filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth)"
        ".map((e) => e.outerHTML)"
    )
    assert beyond == []


def choose_file(browser, path):
    document = browser("DOM.getDocument")["root"]["nodeId"]
    node = browser("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
    browser("DOM.setFileInputFiles", nodeId=node, files=[str(path)])


def test_pictures(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    choose_file(browser, tmp_path / "two.png")
    browser.wait(number_is("77"))
    (tmp_path / "blank.png").write_bytes(encoded(np.full((90, 90), 255, np.uint8)))
    choose_file(browser, tmp_path / "blank.png")
    browser.wait("document.querySelector('#summary').innerText.includes('No digit found')")
    (tmp_path / "page.png").write_text("<html>")
    choose_file(browser, tmp_path / "page.png")
    browser.wait("document.querySelector('#problem').innerText.includes('no picture')")
    assert browser.value("document.querySelector('#empty').checkVisibility()")


def test_a_reader_that_is_gone(browser, serve):
    with serve() as service:
        browser.open(service.address)
        assert "Nothing you draw" in browser.text("#storage")
    browser.draw(SEVEN)
    browser.wait("document.querySelector('#problem').innerText.includes('cannot be reached')")


OPEN = "document.querySelector('#keypad').open"
INKED = """(() => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value) => sum + (value > 0), 0);
})()"""


def records(tmp_path):
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "feedback").glob("*.json"))]


@pytest.fixture
def touching(browser):
    browser("Emulation.setTouchEmulationEnabled", enabled=True)
    yield browser
    browser("Emulation.setTouchEmulationEnabled", enabled=False)


def test_a_tap_corrects_what_it_points_at(browser, service, tmp_path):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))
    inked = browser.value(INKED)
    # A hand is not quite still.
    browser.draw([(140, 150), (142, 151), (141, 149)])
    browser.wait(OPEN)
    assert browser.value(INKED) == inked
    assert browser.value("document.activeElement.value") == "7"
    browser.click(*browser.middle("#keys button[value='1']"))
    browser.wait("document.querySelector('#storage').innerText.includes('1 so far')")
    browser.wait(number_is("1"))
    (record,) = records(tmp_path)
    assert (record["label"], record["predictions"]) == ("1", {"cnn": "7", "svc": "7"})

    # Beside it, the same draws a dot; a right click does nothing.
    browser.draw([(300, 300), (301, 300)])
    browser.wait(f"{INKED} > {inked}")
    assert not browser.value(OPEN)
    inked = browser.value(INKED)
    browser.draw([(140, 150)], button="right")
    assert not browser.value(OPEN)
    assert browser.value(INKED) == inked


def test_a_touch_corrects_what_it_points_at(touching, service, tmp_path):
    browser = touching
    browser.open(service.address, 390, 844)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))
    # The keypad opens under the finger: the tap that opens it must not press a key.
    browser.touch(*browser.on_stage([(140, 150)])[0])
    browser.wait(OPEN)
    time.sleep(0.5)
    assert browser.value(OPEN)
    assert records(tmp_path) == []
    browser.touch(*browser.middle("#keys button[value='1']"))
    browser.wait("document.querySelector('#storage').innerText.includes('1 so far')")
    assert [record["label"] for record in records(tmp_path)] == ["1"]


def test_in_a_picture_only_a_tap_opens_the_keypad(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    choose_file(browser, tmp_path / "two.png")
    browser.wait(number_is("77"))
    x, y = browser.middle(".box")
    for button, end in (("right", (x, y)), ("left", (x + 30, y))):
        browser.mouse("mousePressed", (x, y), button)
        browser.mouse("mouseMoved", end, button)
        browser.mouse("mouseReleased", end, button)
        assert not browser.value(OPEN)
    browser.click(x, y)
    browser.wait(OPEN)


PASTE = """(async () => {
    const files = new DataTransfer();
    const response = await fetch('data:image/png;base64,%s');
    files.items.add(new File([await response.blob()], 'two.png', {type: 'image/png'}));
    dispatchEvent(new ClipboardEvent('paste', {clipboardData: files}));
})()"""


def test_a_picture_that_is_pasted_while_drawing(browser, service, drawing):
    browser("Page.navigate", url="about:blank")
    browser.open(service.address)
    browser("Page.setBypassCSP", enabled=True)
    browser.open(service.address)
    placed = browser.on_stage(SEVEN)
    browser.mouse("mousePressed", placed[0])
    browser.mouse("mouseMoved", placed[1])
    browser.value(PASTE % base64.b64encode(drawing).decode())
    browser.wait(number_is("77"))
    browser.mouse("mouseMoved", placed[2])
    browser.mouse("mouseReleased", placed[2])
    assert not browser.value(OPEN)
    browser.press("c")
    browser.wait(number_is(""))
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    browser("Page.setBypassCSP", enabled=False)


def test_an_answer_about_what_was_cleared_is_dropped(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    service.reader.may_read.clear()
    choose_file(browser, tmp_path / "two.png")
    browser.wait("document.querySelector('#summary').innerText.includes('Reading')")
    time.sleep(0.3)
    browser.press("c")
    browser.draw(SEVEN)
    browser.value(
        "window.numbers = []; new MutationObserver(() => numbers.push("
        "document.querySelector('#number').innerText)).observe("
        "document.querySelector('#number'), {childList: true, subtree: true})"
    )
    service.reader.may_read.set()
    browser.wait(number_is("7"))
    assert "77" not in browser.value("numbers")


def test_a_correction_is_sent_again(browser, service, tmp_path):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))
    browser.value(
        "window.really = fetch; window.fetch = async (...given) => {"
        " window.fetch = really; throw new TypeError('no network'); }"
    )
    browser.draw([(140, 150)])
    browser.wait(OPEN)
    browser.press("1")
    browser.wait("document.querySelector('#problem').innerText.includes('cannot be reached')")
    browser.wait("document.querySelector('#storage').innerText.includes('1 so far')")
    assert not browser.text("#problem")

    # One that is refused leaves the label that was stored before.
    browser.value(
        "window.fetch = async (...given) => { window.fetch = really; return new Response("
        '\'{"detail": "no"}\', {status: 500}); }'
    )
    browser.draw([(140, 150)])
    browser.wait(OPEN)
    browser.press("2")
    browser.wait("document.querySelector('#problem').innerText.includes('not be stored')")
    assert browser.text("#number") == "1"
    assert [record["label"] for record in records(tmp_path)] == ["1"]


def test_what_the_browser_cannot_show_is_read(browser, service, drawing, tmp_path):
    browser.open(service.address)
    picture = cv2.imdecode(np.frombuffer(drawing, np.uint8), cv2.IMREAD_GRAYSCALE)
    (tmp_path / "two.tif").write_bytes(encoded(picture, ".tif"))
    choose_file(browser, tmp_path / "two.tif")
    browser.wait(number_is("77"))
    browser.wait("document.querySelector('#problem').innerText.includes('cannot show')")


def test_a_file_that_is_gone_is_said(browser, service):
    browser.open(service.address)
    browser.value(
        "File.prototype.arrayBuffer = async () => { throw new DOMException('gone') };"
        "const files = new DataTransfer(); files.items.add(new File(['x'], 'folder'));"
        "dispatchEvent(new DragEvent('drop', {dataTransfer: files}))"
    )
    browser.wait("document.querySelector('#problem').innerText.includes('cannot be read')")
    assert browser.value("document.querySelector('#empty').checkVisibility()")


def test_shortcuts_can_be_turned_off(browser, service):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    browser.click(*browser.middle("#shortcuts"))
    browser.press("c")
    assert browser.text("#number") == "7"
    browser.open(service.address)
    assert not browser.value("document.querySelector('#shortcuts').checked")
    browser.click(*browser.middle("#shortcuts"))
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    browser.press("c")
    assert not browser.text("#number")
