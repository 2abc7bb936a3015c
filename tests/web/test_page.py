"""The page in Chromium: drawing, pictures, correcting; skipped where there is no Chromium."""

import base64
import json
import time

import cv2
import numpy as np

from tests.web.browser import OPEN, SEVEN, all_asked, number_is
from tests.web.conftest import encoded


def test_drawing_reading_correcting(browser, service, tmp_path):
    browser.open(service.address)
    assert "Nothing to read" in browser.text("#summary")
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    browser.wait(all_asked(1))
    assert browser.text("#summary") == "1 digit; both models agree"
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
    browser.wait(number_is("77"))
    browser.press("z")
    browser.wait(number_is("7"))
    browser.press("c")
    browser.wait(number_is(""))
    assert "Nothing to read" in browser.text("#summary")


def test_pictures(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
    browser.wait(number_is("77"))
    (tmp_path / "blank.png").write_bytes(encoded(np.full((90, 90), 255, np.uint8)))
    browser.choose_file(tmp_path / "blank.png")
    browser.wait("document.querySelector('#summary').innerText.includes('No digit found')")
    (tmp_path / "page.png").write_text("<html>")
    browser.choose_file(tmp_path / "page.png")
    browser.wait_text("#problem", "no picture")
    assert "No digit found" in browser.text("#summary")


INKED = """(() => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value) => sum + (value > 0), 0);
})()"""


def records(tmp_path):
    return [json.loads(path.read_text()) for path in sorted((tmp_path / "feedback").glob("*.json"))]


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
    browser.touch(browser.on_stage([(140, 150), (142, 151)]))
    browser.wait(OPEN)
    time.sleep(0.5)
    assert browser.value(OPEN)
    assert records(tmp_path) == []
    browser.touch([browser.middle("#keys button[value='1']")])
    browser.wait("document.querySelector('#storage').innerText.includes('1 so far')")
    assert [record["label"] for record in records(tmp_path)] == ["1"]


def test_in_a_picture_only_a_tap_opens_the_keypad(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
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


def test_an_answer_about_what_was_cleared_is_dropped(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    service.reader.may_read.clear()
    browser.choose_file(tmp_path / "two.png")
    browser.wait_text("#state", "Reading")
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
    browser.wait_text("#problem", "not stored yet")
    browser.wait("document.querySelector('#storage').innerText.includes('1 so far')")
    assert not browser.text("#problem")

    # One that is refused leaves the label that was stored before.
    browser.value(
        "window.fetch = async (...given) => { window.fetch = really; return new Response("
        '\'{"detail": "no room"}\', {status: 507}); }'
    )
    browser.draw([(140, 150)])
    browser.wait(OPEN)
    browser.press("2")
    browser.wait_text("#problem", "could not be stored: no room.")
    assert browser.text("#number") == "1"
    assert [record["label"] for record in records(tmp_path)] == ["1"]


def test_what_the_browser_cannot_show_is_read(browser, service, drawing, tmp_path):
    browser.open(service.address)
    picture = cv2.imdecode(np.frombuffer(drawing, np.uint8), cv2.IMREAD_GRAYSCALE)
    (tmp_path / "two.tif").write_bytes(encoded(picture, ".tif"))
    browser.choose_file(tmp_path / "two.tif")
    browser.wait(number_is("77"))
    browser.wait_text("#blind", "cannot show")


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


def test_all_models_are_asked_as_soon_as_the_pen_rests(browser, service):
    """Whatever the service still says of the moving pen."""
    browser.open(service.address)
    browser.value(
        "window.asked = []; window.really = fetch; window.fetch = (...given) => {"
        " asked.push(String(given[0]).split('model=').slice(1)); return really(...given); }"
    )
    service.reader.may_read.clear()
    placed = browser.on_stage(SEVEN)
    browser.mouse("mousePressed", placed[0])
    for point in placed[1:]:
        browser.mouse("mouseMoved", point)
    browser.wait("asked.length === 1")
    browser.mouse("mouseReleased", placed[-1])
    browser.wait("asked.length === 2")
    assert browser.value("asked.map((models) => models.length)") == [1, 2]
    service.reader.may_read.set()
    browser.wait(all_asked(1))
