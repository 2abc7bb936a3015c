"""The page while the service is slow, busy or gone, in every window, colour and way of use."""

import base64
import time

import cv2
import numpy as np
import pytest

from tests.web.browser import OPEN, SEVEN, all_asked, number_is
from tests.web.conftest import StubReader

ANSWERS = """window.really = fetch; window.fetch = async (...given) => {
    if (!window.refuse || !String(given[0]).includes('/api/')) return really(...given);
    if (refuse === 'gone') throw new TypeError('no network');
    return new Response('{"detail": "x"}', {status: refuse, headers: {'retry-after': '1'}});
};"""


@pytest.mark.parametrize(
    ("answer", "told"),
    [("'gone'", "cannot be reached"), ("429", "busy with other pictures"), ("503", "too long")],
)
def test_what_keeps_the_answer_away_is_said(browser, service, answer, told):
    browser("Page.addScriptToEvaluateOnNewDocument", source=ANSWERS)
    browser.open(service.address)
    browser.value(f"window.refuse = {answer}")
    browser.draw(SEVEN)
    browser.wait_text("#state", told)
    assert "Nothing to read" not in browser.text("body")
    browser.wait(f"document.querySelector('#spoken').textContent.includes({told!r})")
    browser.value("window.refuse = null")
    browser.wait(number_is("7"))
    browser.wait("!document.querySelector('#state').checkVisibility()")  # once all have answered
    # What was read before stays, and is told from what is asked now.
    browser.value(f"window.refuse = {answer}")
    browser.draw([(x + 150, y) for x, y in SEVEN])
    browser.wait_text("#state", told)
    assert browser.text("#number") == "7"
    assert float(browser.value("getComputedStyle(document.querySelector('#number')).opacity")) < 1
    browser.value("window.refuse = null")
    browser.wait(number_is("77"))
    browser.wait("getComputedStyle(document.querySelector('#number')).opacity === '1'")


def test_what_takes_all_models_too_long_is_read_by_one(browser, service):
    browser("Page.addScriptToEvaluateOnNewDocument", source=ANSWERS)
    browser.open(service.address)
    browser.value(
        "window.asked = []; window.all = fetch; window.fetch = (address, ...given) => {"
        " const count = String(address).split('model=').length - 1; asked.push(count);"
        " window.refuse = count > 1 ? 503 : null; return all(address, ...given); }"
    )
    browser.draw(SEVEN)
    browser.wait(number_is("7"))
    assert browser.text("#summary") == "1 digit"
    browser.wait_text("#state", "The other models give no answer")
    assert browser.value("getComputedStyle(document.querySelector('#number')).opacity") == "1"
    assert browser.value("asked.filter((count) => count > 1).length") == 3  # then it is enough
    # The next change is asked of all again.
    browser.value("window.fetch = really")
    browser.draw([(x + 150, y) for x, y in SEVEN])
    browser.wait(all_asked(2))
    browser.wait("!document.querySelector('#state').checkVisibility()")


def test_a_slow_answer_is_told_from_a_quick_one(browser, service):
    browser.open(service.address)
    service.reader.may_read.clear()
    browser.draw(SEVEN)
    browser.wait_text("#state", "Reading")
    browser.wait_text("#state", "longer than usual")
    assert browser.seen("#busy")
    service.reader.may_read.set()
    browser.wait(number_is("7"))
    assert not browser.seen("#busy")
    assert not browser.seen("#state")


def test_a_page_that_finds_no_service_waits_for_it(browser, service):
    source = ANSWERS + "window.refuse = 'gone';"
    browser("Page.addScriptToEvaluateOnNewDocument", source=source)
    browser(
        "Emulation.setDeviceMetricsOverride",
        width=1280,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser("Page.navigate", url=service.address)
    browser.wait(f"location.origin === {service.address!r} && document.readyState === 'complete'")
    browser.wait_text("#state", "cannot be reached")
    browser.draw(SEVEN)
    browser.value("window.refuse = null")
    browser.wait(number_is("7"))


def test_a_service_that_is_gone(browser, serve):
    with serve() as service:
        browser.open(service.address)
        assert "Nothing is stored by the reader" in browser.text("#storage")
    browser.draw(SEVEN)
    browser.wait_text("#state", "cannot be reached")
    assert "Your sheet is kept" in browser.text("#state")


class One(StubReader):
    models = ("cnn",)


class Others(StubReader):
    models = ("ann", "reader")
    digests = {"ann": "c" * 64, "reader": "d" * 64}  # noqa: RUF012

    def say(self, model):
        return super().say("cnn")


@pytest.mark.parametrize("reader", [One, Others, StubReader])
@pytest.mark.parametrize("noticed", [True, False])
def test_a_service_that_is_started_anew_with_other_models(
    browser, serve, tmp_path, reader, noticed
):
    with serve(tmp_path) as service:
        browser.open(service.address)
        assert "Corrections are stored" in browser.text("#storage")
        browser.draw(SEVEN)
        browser.wait(all_asked(1))
    again = [(x + 150, y) for x, y in SEVEN]
    if noticed:
        browser.draw(again)
        browser.wait_text("#state", "cannot be reached")
    with serve(None, reader(), service.port):
        if not noticed:
            browser.draw(again)
        browser.wait(all_asked(2, len(reader.models)))
        browser.wait(number_is("77"))
        assert browser.text("#model").split() == list(reader.models)
        assert not browser.seen("#problem")
        if not noticed and reader is StubReader:
            # Nothing has changed but that corrections are not stored: that is met when one is made.
            browser.draw([(140, 150), (141, 150)])
            browser.wait(OPEN)
            browser.press("1")
            browser.wait_text("#problem", "could not be stored")
        browser.wait_text("#storage", "Nothing is stored by the reader")


SIZES = [(390, 844), (1280, 800), (320, 568), (844, 390), (640, 400), (320, 256), (2560, 1300)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_everything_fits(browser, service, width, height):
    browser.open(service.address, width, height)
    browser.draw([(x * 0.7, y * 0.6) for x, y in SEVEN])
    browser.wait(all_asked(1))
    assert browser.value("document.documentElement.scrollWidth") <= width
    beyond = browser.value(
        "[...document.querySelectorAll('button, input, select, .bars *, #number *')]"
        ".filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1)"
        ".map((e) => e.outerHTML)"
    )
    assert beyond == []
    small = browser.value(
        "[...document.querySelectorAll('button, input, select, summary')]"
        ".filter((e) => e.checkVisibility()).map((e) => [e.id, e.getBoundingClientRect()])"
        ".filter(([id, {width, height}]) => id !== 'shortcuts' && Math.min(width, height) < 24)"
    )
    assert small == []


@pytest.mark.parametrize(("width", "height"), [(844, 390), (667, 375), (568, 320), (640, 400)])
def test_a_low_window_has_two_columns(touching, service, width, height):
    browser = touching
    browser.open(service.address, width, height, mobile=True)
    _, top, right, bottom = browser.box("#stage")
    assert bottom <= height
    assert bottom - top >= 0.6 * height
    left, *_ = browser.box("#result")
    assert left >= right
    assert browser.box("#tools")[3] <= height
    # The stage is never all that a finger can reach.
    browser.draw([(x * 0.7, y * 0.7) for x, y in SEVEN])
    browser.wait(all_asked(1))
    swipe = [(right + 60, height - 40 - 12 * step) for step in range(15)]
    browser.touch(swipe)
    browser.wait(
        "document.scrollingElement.scrollTop > 20 || innerHeight + 5 >"
        " document.scrollingElement.scrollHeight"
    )


@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 568), (320, 256), (1280, 300)])
def test_the_stage_leaves_room_to_swipe(browser, service, width, height):
    browser.open(service.address, width, height)
    _, top, _, bottom = browser.box("#stage")
    assert bottom - top <= 0.8 * height


def test_wide_screens_are_used(browser, service):
    browser.open(service.address, 2300, 1200)
    browser.draw(SEVEN)
    browser.draw([(x + 150, y) for x, y in SEVEN])
    browser.wait(all_asked(2))
    left, *_ = browser.box("#stage")
    *_, right, _ = browser.box("#digits")
    assert right - left > 0.9 * 2300
    first, second = browser.box("#digits li"), browser.box("#digits li:last-child")
    assert first[1] == second[1]  # side by side


def pixels(browser, selector):
    """What is seen of an element: (height, width, 3) uint8."""
    left, top, right, bottom = browser.box(selector)
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top, "scale": 1}
    shot = browser("Page.captureScreenshot", format="png", clip=clip)["data"]
    return cv2.imdecode(np.frombuffer(base64.b64decode(shot), np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_are_seen_in_forced_colours(browser, service, scheme):
    browser.media(forced_colors="active", prefers_color_scheme=scheme)
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))
    seen = pixels(browser, ".bars svg").astype(int)
    background = seen[0, 0]
    bar = np.abs(seen - background).max(axis=2) > 128
    assert bar.mean() > 0.02


COLOUR = """(text) => { const c = document.createElement('canvas').getContext('2d');
    c.fillStyle = text; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; }"""


def luminance(colour):
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    channels = np.asarray(colour[:3]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["confident", "withheld", "corrected"])
def test_boxes_are_seen_on_any_photo(browser, service, drawing, tmp_path, scheme, state):
    browser.media(prefers_color_scheme=scheme)
    browser.open(service.address)
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
    browser.wait(number_is("77"))
    lines = browser.value(
        f"((box) => {{ box.className = 'box {state}'; const style = getComputedStyle(box);"
        " const around = style.boxShadow.match(/rgb[^)]*\\)/g) ?? [];"
        f" return [style.borderTopColor, ...around].map({COLOUR}); }})"
        "(document.querySelector('.box'))"
    )
    worst = min(max(contrast(line, [grey] * 3) for line in lines) for grey in range(0, 256, 5))
    assert worst >= 3


TEXTS = """(() => {
    const colour = COLOUR;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    for (let node; (node = walker.nextNode()); ) {
        const e = node.parentElement;
        if (!node.data.trim() || !e.checkVisibility() || e.closest('.unseen, .skip, :disabled,'
            + ' script, #pen-label:has(:disabled)')) continue;
        let behind = e;
        while (behind && colour(getComputedStyle(behind).backgroundColor)[3] === 0)
            behind = behind.parentElement;
        const style = getComputedStyle(e), size = parseFloat(style.fontSize);
        found.push([node.data.trim().slice(0, 30), colour(style.color),
            colour(getComputedStyle(behind ?? document.body).backgroundColor),
            size >= 24 || (size >= 18.66 && style.fontWeight >= 700)]);
    }
    return found;
})()""".replace("COLOUR", COLOUR)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_told_from_its_background(browser, service, scheme):
    """At 4.5:1, large text at 3:1 (WCAG 2.2, 1.4.3)."""
    browser.media(prefers_color_scheme=scheme)
    browser.open(service.address)
    seen = browser.value(TEXTS)
    browser.draw(SEVEN)
    browser.draw([(x + 150, y) for x, y in SEVEN])
    browser.wait(all_asked(2))
    browser.press("ArrowRight")
    browser.press("Enter")
    seen += browser.value(TEXTS)
    browser.press("1")
    browser.wait(number_is("17"))
    browser.value(
        "document.querySelector('#problem').textContent = 'A problem';"
        "document.querySelector('#problem').hidden = false"
    )
    seen += browser.value(TEXTS)
    assert len(seen) > 60
    faint = [
        (text, round(contrast(colour, behind), 2))
        for text, colour, behind, large in seen
        if contrast(colour, behind) < (3 if large else 4.5)
    ]
    assert faint == []


def test_everything_is_reached_and_named(browser, service):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.draw([(x + 150, y) for x, y in SEVEN])
    browser.wait(all_asked(2))
    browser.value("document.querySelector('.skip').focus()")
    reached: list[tuple[str, object]] = []
    for step in range(40):
        if step:
            browser.press("Tab")
        at = browser.value(
            "((e) => [e.id || e.className || e.tagName, e.getBoundingClientRect().top"
            " + scrollY >= 0 && getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        if at[0] == "BODY" or (reached and at[0] == reached[0][0]):
            break
        reached.append(at)
    names = [name for name, _ in reached]
    order = ["skip", "pen", "undo", "clear", "open", "larger", "model", "copy", "digit confident"]
    assert [name for name in names if name in order] == order
    assert all(outline not in (False, "none") for _, outline in reached)
    tree = browser("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "slider", "checkbox", "list", "image", "group", "dialog")
    unnamed = [
        node
        for node in tree
        if node.get("role", {}).get("value") in roles
        and not node["ignored"]
        and not node.get("name", {}).get("value")
    ]
    assert unnamed == []


def test_the_focus_comes_back_from_the_keypad(browser, service):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))
    for key in ("1", "Escape"):
        browser.press("ArrowRight")
        browser.press("Enter")
        browser.wait("document.querySelector('#keypad').open")
        browser.press(key)
        browser.wait("!document.querySelector('#keypad').open")
        browser.wait("document.activeElement.dataset.index === '0'")


def test_nothing_moves_for_who_does_not_want_it(browser, service):
    browser.media(prefers_reduced_motion="reduce")
    browser.open(service.address)
    browser.value("document.querySelector('#busy').hidden = false")
    assert browser.value("document.getAnimations({subtree: true}).length") == 0


def test_on_paper_boxes_stay_around_their_digits(browser, service):
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))

    def place():
        left, top, right, bottom = browser.box("#stage")
        x0, y0, x1, y1 = browser.box(".box")
        wide, high = right - left, bottom - top
        return [(x0 - left) / wide, (y0 - top) / high, (x1 - left) / wide, (y1 - top) / high]

    before = place()
    browser("Emulation.setEmulatedMedia", media="print")
    browser(
        "Emulation.setDeviceMetricsOverride",
        width=700,
        height=1000,
        deviceScaleFactor=1,
        mobile=False,
    )
    time.sleep(0.3)
    assert place() == pytest.approx(before, abs=0.02)
    for tool in ("#tools", "#said", "#hint", "#storage"):
        assert not browser.seen(tool)
    assert browser.seen("#number")
    assert browser.seen(".bars svg")


class Fashion(StubReader):
    classes = ("T-shirt/top", "Trouser", "Ankle boot")

    def say(self, model):
        said = super().say(model)
        return type(said)("Ankle boot", 0.97, (0.02, 0.01, 0.97), said.confident, said.withheld)


def test_long_names_of_classes_have_room(browser, serve):
    with serve(reader=Fashion()) as service:
        browser.open(service.address, 390, 844)
        browser.draw([(x * 0.7, y) for x, y in SEVEN])
        browser.draw([(x * 0.7 + 130, y) for x, y in SEVEN])
        browser.wait(number_is("Ankle boot Ankle boot"))
        browser.wait(all_asked(2))
        assert browser.value("document.documentElement.scrollWidth") <= 390
        assert browser.value(
            "[...document.querySelectorAll('.digit')].every((e) => e.scrollWidth <= e.clientWidth)"
        )
        browser.value("document.querySelector('.digit').click()")
        assert browser.count("#keys button") == 4
        assert browser.value(
            "[...document.querySelectorAll('#keys button')]"
            ".every((e) => e.scrollWidth <= e.clientWidth + 1)"
        )


def test_the_page_keeps_to_its_own_policy(browser, service, drawing, tmp_path):
    browser(
        "Page.addScriptToEvaluateOnNewDocument",
        source="window.broken = []; addEventListener('securitypolicyviolation', (event) =>"
        " broken.push(event.violatedDirective)); addEventListener('error', (event) =>"
        " broken.push(event.message)); addEventListener('unhandledrejection', (event) =>"
        " broken.push(String(event.reason)));",
    )
    browser.open(service.address)
    browser.draw(SEVEN)
    browser.wait(all_asked(1))
    (tmp_path / "two.png").write_bytes(drawing)
    browser.choose_file(tmp_path / "two.png")
    browser.wait(number_is("77"))
    browser.click_on("#as-csv")
    browser.press("z")
    browser.wait(number_is("7"))
    assert browser.value("broken") == []
