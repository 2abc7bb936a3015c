"""What is on the sheet is never lost, and the pen and two fingers do what they should."""

import time

import numpy as np
import pytest

from tests.web.browser import NUMBER, OPEN, SEVEN, all_asked, number_is
from tests.web.conftest import encoded

SECOND = [(x + 150, y) for x, y in SEVEN]
STAGE_SCROLLS = "document.scrollingElement.scrollTop"


@pytest.fixture
def two(browser, service):
    """Two digits on the sheet, read by both models."""
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.draw(SECOND)
    browser.wait(number_is("77"))
    browser.wait(all_asked(2))
    return browser


def paste(browser, content):
    """Put a picture in place of the drawing."""
    numbers = list(content)
    browser.value(
        "(() => { const files = new DataTransfer(); files.items.add(new File("
        f"[new Uint8Array({numbers})], 'one.png', {{type: 'image/png'}}));"
        "dispatchEvent(new ClipboardEvent('paste', {clipboardData: files})); })()"
    )


def test_every_step_is_undone_and_redone(two, drawing, tmp_path):
    browser = two
    browser.press("c")
    browser.wait(number_is(""))
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    browser.wait(all_asked(1))
    browser.draw([(140, 150)])
    browser.wait(OPEN)
    browser.press("1")
    browser.wait(number_is("1"))
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
    browser.wait("document.querySelector('#stage').classList.contains('picture')")
    browser.wait(number_is("77"))
    steps = ["77", "1", "7", "", "77", "7", ""]
    for number in steps[1:]:
        browser.press("z", ctrl=True)
        browser.wait(number_is(number))
    assert browser.value("document.querySelector('#undo').disabled")
    for number in steps[-2::-1]:
        browser.press("y", ctrl=True)
        browser.wait(number_is(number))
    assert browser.value("document.querySelector('#redo').disabled")
    # The same with the other keys, and with the buttons.
    for undo, redo in (
        (lambda: browser.press("z"), lambda: browser.press("Z", shift=True)),
        (lambda: browser.click_on("#undo"), lambda: browser.click_on("#redo")),
        (lambda: browser.press("z", ctrl=True), lambda: browser.press("Z", ctrl=True, shift=True)),
    ):
        undo()
        browser.wait(number_is("1"))
        redo()
        browser.wait(number_is("77"))
    # What is drawn after an undo ends what could be redone.
    browser.press("z")
    browser.draw(SECOND)
    browser.wait(number_is("17"))
    assert browser.value("document.querySelector('#redo').disabled")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html>"),
        ("empty.png", b""),
        ("cut.png", encoded(np.full((90, 90), 255, np.uint8))[:40]),
        ("huge.gif", b"GIF89a\xff\xff\xff\xff\0\0\0;"),
    ],
)
def test_what_is_no_picture_leaves_the_drawing(two, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    two.choose_file(tmp_path / name)
    two.wait("document.querySelector('#problem').checkVisibility()")
    two.wait(number_is("77"))
    assert not two.value("document.querySelector('#stage').classList.contains('picture')")
    two.press("z")
    two.wait(number_is("7"))


def test_a_picture_that_the_service_refuses_leaves_the_drawing(browser, serve, drawing):
    with serve(digits=1) as service:
        browser.open(service.address)
        browser.draw(SEVEN)
        browser.wait(number_is("7"))
        browser("Page.setBypassCSP", enabled=True)
        paste(browser, drawing)  # of two digits: more than this service takes
        browser.wait_text("#problem", "cannot be read")
        browser.wait(number_is("7"))
        assert not browser.value("document.querySelector('#stage').classList.contains('picture')")


def test_a_reload_keeps_drawing_steps_and_corrections(two):
    browser = two
    browser.draw([(140, 150)])
    browser.wait(OPEN)
    browser.press("1")
    browser.wait(number_is("17"))
    browser.wait_text("#storage", "1 so far")
    browser.draw([(x + 300, y) for x, y in SEVEN])
    browser.reload()
    browser.wait(number_is("177"))
    assert "1 so far" in browser.text("#storage")
    for number in ("17", "77", "7"):
        browser.press("z")
        browser.wait(number_is(number))
    browser.reload()
    browser.wait(number_is("7"))
    for number in ("77", "17"):
        browser.press("y")
        browser.wait(number_is(number))


def test_a_reload_keeps_a_picture(browser, service, drawing, tmp_path):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
    browser.wait(number_is("77"))
    for _ in range(2):
        browser.reload()
        browser.wait(number_is("77"))
        assert browser.value("document.querySelector('#stage').classList.contains('picture')")
    browser.press("z")
    browser.wait(number_is("7"))


def test_where_nothing_can_be_kept_the_page_works(browser, service):
    browser(
        "Page.addScriptToEvaluateOnNewDocument",
        source="IDBFactory.prototype.open = () => {"
        " throw new DOMException('no', 'SecurityError') };"
        "Storage.prototype.setItem = Storage.prototype.getItem = () => { throw new Error('no') };",
    )
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(number_is("7"))


def test_where_there_is_no_room_the_present_sheet_comes_first(browser, service):
    # The browser has room for one state of the sheet, but not for all that can be undone.
    browser(
        "Page.addScriptToEvaluateOnNewDocument",
        source="const put = IDBObjectStore.prototype.put;"
        "IDBObjectStore.prototype.put = function (value, ...key) {"
        " if (value.states?.length > 1) throw new DOMException('full', 'QuotaExceededError');"
        " return put.call(this, value, ...key); };",
    )
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.draw(SECOND)
    browser.wait(number_is("77"))
    browser.wait(all_asked(2))
    time.sleep(0.5)
    browser.reload()
    browser.wait(number_is("77"))
    assert browser.value("document.querySelector('#undo').disabled")


def test_another_tab_has_a_sheet_of_its_own(two, service):
    name = two.value("sessionStorage.getItem('tab')")
    with two.tab():
        # As a browser does for a link that is opened in a new tab: session storage is copied.
        two(
            "Page.addScriptToEvaluateOnNewDocument",
            source=f"sessionStorage.getItem('tab') ?? sessionStorage.setItem('tab', {name!r})",
        )
        two.open(service.address)
        assert two.seen("#empty")
        two.draw(SEVEN)
        two.wait(number_is("7"))
        two.reload()
        two.wait(number_is("7"))
    two.reload()
    two.wait(number_is("77"))


@pytest.mark.parametrize("part", ["#boxes .tag", "#boxes .box"])
def test_a_stroke_that_begins_on_a_tag_is_drawn(two, part):
    x, y = two.middle(part)
    two.mouse("mousePressed", (x, y))
    for step in range(1, 8):
        two.mouse("mouseMoved", (x + 6 * step, y + 1))
    two.mouse("mouseReleased", (x + 42, y + 1))
    assert not two.value(OPEN)
    two.wait(
        "document.querySelector('#redo').disabled && !document.querySelector('#undo').disabled"
    )
    two.press("z")  # were no stroke drawn, this would take the second digit
    two.wait("document.body.dataset.took")
    two.wait(number_is("77"))
    two.press("z")
    two.wait(number_is("7"))


def test_a_tap_on_a_tag_corrects_its_digit(two):
    two.click(*two.middle("#boxes .tag"))
    two.wait(OPEN)
    two.press("3")
    two.wait(number_is("37"))


def test_two_fingers_enlarge_and_move_instead_of_drawing(touching, service):
    browser = touching
    browser.open(service.address, 390, 844)
    browser.draw([(x * 0.7, y) for x, y in SEVEN])
    browser.wait(number_is("7"))
    before = browser.box(".box")
    (x, y), *_ = browser.on_stage([(180, 180)])
    browser.touch(
        [(x - 20 - 4 * step, y) for step in range(15)],
        [(x + 20 + 4 * step, y) for step in range(15)],
    )
    after = browser.box(".box")
    assert after[2] - after[0] > 2 * (before[2] - before[0])
    assert browser.value(NUMBER) == "7"
    assert browser.value("document.querySelector('#redo').disabled")
    browser.press("z")
    browser.wait(number_is(""))
    browser.press("y")
    browser.wait(number_is("7"))
    # Both together move what is enlarged.
    before = browser.box(".box")
    browser.touch(
        [(x - 20, y + 3 * step) for step in range(12)],
        [(x + 20, y + 3 * step) for step in range(12)],
    )
    assert browser.box(".box")[1] > before[1] + 20
    browser.click_on("#whole")
    browser.wait("document.querySelector('#whole').disabled")


def test_a_hand_beside_a_long_stroke_does_not_end_it(touching, service):
    browser = touching
    browser.open(service.address, 390, 844)
    points = browser.on_stage([(x * 0.8, y) for x, y in SEVEN])
    browser("Input.dispatchTouchEvent", type="touchStart", touchPoints=[finger(0, points[0])])
    for point in points[1:3]:
        browser("Input.dispatchTouchEvent", type="touchMove", touchPoints=[finger(0, point)])
    hand = (points[0][0] + 40, points[0][1] + 200)
    both = [finger(0, points[2]), finger(1, hand)]
    browser("Input.dispatchTouchEvent", type="touchStart", touchPoints=both)
    for point in points[3:]:
        both = [finger(0, point), finger(1, hand)]
        browser("Input.dispatchTouchEvent", type="touchMove", touchPoints=both)
    browser("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    browser.wait(number_is("7"))
    assert browser.value("document.querySelector('#whole').disabled")


def finger(number, point):
    return {"x": point[0], "y": point[1], "id": number}


def test_one_finger_scrolls_over_a_picture_and_draws_on_a_sheet(touching, service, drawing):
    browser = touching
    browser.open(service.address, 390, 600)
    (x, y), *_ = browser.on_stage([(180, 200)])
    swipe = [(x, y - 12 * step) for step in range(12)]
    browser.touch(swipe)
    time.sleep(0.3)
    assert browser.value(STAGE_SCROLLS) == 0
    browser("Page.setBypassCSP", enabled=True)
    paste(browser, drawing)
    browser.wait(number_is("77"))
    browser.touch(swipe)
    browser.wait(f"{STAGE_SCROLLS} > 40")


def test_an_enlarged_picture_is_moved_by_the_mouse(browser, service, drawing, tmp_path):
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
    browser.wait(number_is("77"))
    for _ in range(3):
        browser.click_on("#larger")
    before = browser.box(".box")
    browser.draw([(300, 200), (320, 220), (360, 260)])
    after = browser.box(".box")
    assert after[0] - before[0] == pytest.approx(60, abs=2)
    assert after[1] - before[1] == pytest.approx(60, abs=2)
    assert browser.value(NUMBER) == "77"


def test_what_is_written_while_enlarged_is_read(browser, service):
    browser.open(service.address)
    for _ in range(3):
        browser.click_on("#larger")
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    left, top, right, bottom = browser.box(".box")
    (x0, y0), (x1, y1) = browser.on_stage([(100, 80), (180, 200)])
    assert (left, top, right, bottom) == pytest.approx((x0, y0, x1, y1), abs=40)


def test_a_drawing_keeps_its_place_when_the_window_changes(browser, service):
    """Nothing of the stage lies beside the sheet: what is written there after a turn is read."""
    browser.open(service.address, 390, 844)
    browser.draw([(x * 0.7, y) for x, y in SEVEN])
    browser.wait(number_is("7"))
    metrics = {"deviceScaleFactor": 1, "mobile": True}
    browser("Emulation.setDeviceMetricsOverride", width=844, height=390, **metrics)
    browser.wait("innerWidth === 844")
    time.sleep(0.2)
    left, top, right, _ = browser.box("#stage")
    x, y = right - left - 70, 60
    browser.draw([(x, y), (x + 50, y), (x + 35, y + 40), (x + 20, y + 90)])
    browser.wait(number_is("77"))
    rights = browser.value(
        "[...document.querySelectorAll('.box')].map((e) => e.getBoundingClientRect().right)"
    )
    assert max(rights) == pytest.approx(left + x + 50, abs=14)
    browser("Emulation.setDeviceMetricsOverride", width=390, height=844, **metrics)
    browser.wait("innerWidth === 390")
    browser.reload()
    browser.wait(number_is("77"))
    assert top >= 0


def test_the_pen_rests_over_a_picture(two, drawing, tmp_path):
    assert not two.value("document.querySelector('#pen').disabled")
    (tmp_path / "two.png").write_bytes(drawing)
    two.choose_file(tmp_path / "two.png")
    two.wait("document.querySelector('#pen').disabled")
    two.press("c")
    two.wait("!document.querySelector('#pen').disabled")


def test_a_correction_can_be_replaced_and_withdrawn(two, tmp_path):
    folder = tmp_path / "feedback"

    def correct(key):
        two.draw([(140, 150)])
        two.wait(OPEN)
        if key == "Delete":
            assert two.seen("#withdraw")
        two.press(key)

    assert not two.seen("#withdraw")
    for key, number in (("1", "17"), ("2", "27")):
        correct(key)
        two.wait(number_is(number))
    two.wait_text("#storage", "1 so far")
    correct("Delete")
    two.wait(number_is("77"))
    two.wait("!document.querySelector('#storage').innerText.includes('so far')")
    assert list(folder.glob("*.json")) == []
    # Undone and redone as everything else, here and on the disk.
    two.press("z")
    two.wait(number_is("27"))
    two.wait_text("#storage", "1 so far")
    assert len(list(folder.glob("*.json"))) == 1
    correct("Delete")
    two.wait(number_is("77"))
    two.draw([(140, 150)])
    two.wait(OPEN)
    assert not two.seen("#withdraw")
