"""A headless Chromium, driven over its DevTools protocol."""

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")

SEVEN = [(100, 80), (180, 80), (160, 120), (140, 160), (120, 200)]
"""A stroke on the stage, CSS pixels from its top left corner."""
OPEN = "document.querySelector('#keypad').open"
NUMBER = "document.querySelector('#number').innerText"


def number_is(text):
    return f"{NUMBER} === {text!r}"


def all_asked(count, models=2):
    """Whether the answers of all models are there for so many digits."""
    answers = "[...document.querySelectorAll('.digit .best')].filter((e) => e.textContent).length"
    return f"{answers} === {models * count}"


class Browser:
    """A headless Chromium, and the tab that it is driven in."""

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

    @contextmanager
    def tab(self):
        """Work in a tab of its own, then in the one before again."""
        before, self.session = self.session, None
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self("Page.enable")
        try:
            yield
        finally:
            self.session = None
            self("Target.closeTarget", targetId=target)
            self.session = before

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.out)
        os.close(self.incoming)

    def open(self, address, width=1280, height=800, mobile=False, ratio=1):
        self(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=ratio,
            mobile=mobile or width < 500,
        )
        self("Page.navigate", url=address)
        self._loaded(f"location.origin === {address!r}")

    def reload(self):
        self.value("window.former = true")
        self("Page.reload")
        self._loaded("!window.former")

    def _loaded(self, where):
        self.wait(
            f"{where} && document.readyState === 'complete' && 'ready' in document.body.dataset"
        )
        # Touches are dispatched as the last frame has it.
        self.value(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def value(self, script):
        """What a script comes to, a promise included."""
        result = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self, selector):
        return self.value(f"document.querySelector({selector!r}).innerText")

    def wait(self, script):
        deadline = time.monotonic() + 20
        while not self.value(script):
            assert time.monotonic() < deadline, script
            time.sleep(0.03)

    def wait_text(self, selector, text):
        """Wait until an element is seen and holds a text."""
        self.wait(
            f"((e) => e?.checkVisibility() && e.innerText.includes({text!r}))"
            f"(document.querySelector({selector!r}))"
        )

    def seen(self, selector):
        return self.value(f"document.querySelector({selector!r})?.checkVisibility() ?? false")

    def count(self, selector):
        return self.value(f"document.querySelectorAll({selector!r}).length")

    def box(self, selector):
        """Left, top, right and bottom of an element in the window, CSS pixels."""
        return self.value(
            "(({left, top, right, bottom}) => [left, top, right, bottom])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )

    def mouse(self, kind, point, button="left", **more):
        x, y = point
        self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1, **more)

    def on_stage(self, points):
        """Points of the stage in the window."""
        left, top, *_ = self.box("#stage")
        return [(x + left, y + top) for x, y in points]

    def draw(self, points, button="left"):
        placed = self.on_stage(points)
        self.mouse("mousePressed", placed[0], button)
        for point in placed[1:]:
            self.mouse("mouseMoved", point, button)
        self.mouse("mouseReleased", placed[-1], button)

    def middle(self, selector):
        self.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'nearest'}})")
        left, top, right, bottom = self.box(selector)
        return (left + right) / 2, (top + bottom) / 2

    def click(self, x, y):
        self.mouse("mousePressed", (x, y))
        self.mouse("mouseReleased", (x, y))

    def click_on(self, selector):
        self.click(*self.middle(selector))

    def touch(self, *paths):
        """Move fingers over the window, each along its path of points, all at once."""
        for step, points in enumerate(zip(*paths, strict=True)):
            fingers = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(points)]
            if step == 0:
                for count in range(len(fingers)):
                    self._touch("touchStart", fingers[: count + 1])
            else:
                self._touch("touchMove", fingers)
        for count in reversed(range(len(paths))):
            self._touch("touchEnd", fingers[:count])

    def _touch(self, kind, points):
        self("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def press(self, key, ctrl=False, shift=False):
        modifiers = 2 * ctrl + 8 * shift
        text = {"text": key} if len(key) == 1 and not ctrl else {}
        code = {
            "Enter": {"windowsVirtualKeyCode": 13, "text": "\r"},
            "Escape": {"windowsVirtualKeyCode": 27, "code": "Escape"},
            "Tab": {"windowsVirtualKeyCode": 9, "code": "Tab"},
            "Delete": {"windowsVirtualKeyCode": 46, "code": "Delete"},
        }.get(key, {})
        event = {"key": key, "modifiers": modifiers, **text, **code}
        self("Input.dispatchKeyEvent", type="keyDown", **event)
        self("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers)

    def choose_file(self, path):
        document = self("DOM.getDocument")["root"]["nodeId"]
        node = self("DOM.querySelector", nodeId=document, selector="#file")["nodeId"]
        self("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def media(self, **features):
        """Pretend that the user prefers something: `media(prefers_color_scheme="dark")`."""
        self(
            "Emulation.setEmulatedMedia",
            features=[
                {"name": name.replace("_", "-"), "value": value} for name, value in features.items()
            ],
        )
