"""The page in Chromium, driven over its DevTools protocol; skipped where there is no Chromium."""

import json
import os
import shutil
import signal
import subprocess
import time

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

    def mouse(self, kind, x, y):
        self(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    def draw(self, points):
        box = self.value("(({left, top}) => ({left, top}))(stage.getBoundingClientRect())")
        placed = [(x + box["left"], y + box["top"]) for x, y in points]
        self.mouse("mousePressed", *placed[0])
        for point in placed[1:]:
            self.mouse("mouseMoved", *point)
        self.mouse("mouseReleased", *placed[-1])

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
