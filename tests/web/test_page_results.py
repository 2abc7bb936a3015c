"""What the page says of an answer, of few digits and of many, and how it is taken along."""

import csv
import json
import time
from contextlib import ExitStack

import numpy as np
import pytest

from digits.serve.reader import Example, Page, Prediction, ReadDigit
from tests.web.browser import NUMBER, OPEN, SEVEN, all_asked, number_is
from tests.web.conftest import StubReader

MODELS = ("ann", "cnn", "svc", "vgg16")


class Told(StubReader):
    """Says of the digits in their order what it is told to."""

    def __init__(self, said, low=(), unlike=()):
        """Say `said[model][place]`; abstain where (model, place) is in `low` or `unlike`."""
        super().__init__()
        self.models = tuple(said)
        self.digests = dict.fromkeys(said, "a" * 64)
        self.said, self.low, self.unlike = said, set(low), set(unlike)
        self.asked = []

    def predict(self, images, model):
        self.may_read.wait(10)
        return [None] * len(images)

    def page(self, width, height, found, predictions):
        self.asked.append(tuple(predictions))
        digits = []
        for place, digit in enumerate(found):
            said = {model: self.tell(model, place) for model in predictions}
            first = next(iter(said.values()))
            nearest = (Example(np.full((28, 28), 90, np.uint8), first.label),) * 3
            digits.append(
                ReadDigit(
                    digit.box,
                    digit.row,
                    digit.image,
                    said,
                    nearest if first.withheld == "unlike" else (),
                )
            )
        return Page(width, height, tuple(digits))

    def tell(self, model, place):
        labels = self.said[model]
        label = labels[place % len(labels)]
        why = (
            "unlike"
            if (model, place) in self.unlike
            else "score"
            if (model, place) in self.low
            else None
        )
        score = 0.6 if why == "score" else 0.9995
        scores = [(1 - score) / 9] * 10
        scores[int(label)] = score
        return Prediction(label, score, tuple(scores), why is None, why)


def write(browser, count):
    """Write so many digits, one beside the other."""
    for place in range(count):
        browser.draw([(x * 0.8 + 110 * place - 40, y) for x, y in SEVEN])
    browser.wait(f"document.querySelectorAll('.box').length === {count}")


@pytest.fixture
def told(browser, serve):
    """Open a page with so many digits: `told(2, ["47", "48"])`, a string a model."""
    with ExitStack() as stack:

        def start(count, said, **withheld):
            reader = Told(dict(zip(MODELS, said, strict=False)), **withheld)
            browser.open(stack.enter_context(serve(reader=reader)).address)
            write(browser, count)
            browser.wait(all_asked(count, len(said)))
            return reader

        yield start


@pytest.mark.parametrize(
    ("said", "low", "summary"),
    [
        # Labels are compared, not whether the answers are withheld.
        (["4", "4", "4", "2"], [("ann", 0)], "1 digit, ann abstains on 1; vgg16 reads 2"),
        (["4", "8", "4", "8"], [("ann", 0), ("cnn", 0)], "; cnn and vgg16 read 8"),
        (["4", "4", "4", "4"], [("ann", 0), ("svc", 0)], "abstains on 1; all 4 models agree"),
        (["4", "4"], [("cnn", 0)], "1 digit; both models agree"),
        (["4"], [], "1 digit"),
        (["44", "48", "84", "44"], [], "2 digits; cnn reads 48; svc reads 84"),
    ],
)
def test_agreement_compares_labels(browser, told, said, low, summary):
    told(len(said[0]), said, low=low)
    assert browser.text("#summary").endswith(summary)


def test_agreement_is_said_anew_after_a_correction(browser, told):
    told(2, ["47", "47", "47", "41"])

    def correct(key):
        browser.press("ArrowRight")
        browser.press("End")
        browser.press("Enter")
        browser.wait(OPEN)
        browser.press(key)

    assert browser.text("#summary") == "2 digits; vgg16 reads 41"
    correct("1")
    browser.wait(number_is("41"))
    assert browser.text("#summary") == "2 digits, 1 corrected; ann, cnn and svc read 47"
    correct("7")
    browser.wait(number_is("47"))
    assert browser.text("#summary") == "2 digits, 1 corrected; vgg16 reads 41"
    browser.wait("document.querySelector('#spoken').textContent.includes('vgg16 reads 41')")


def test_an_image_unlike_its_class_is_shown_beside_it(browser, told):
    told(2, ["47", "47"], unlike=[("ann", 0)])
    card = browser.text(".digit.withheld")
    assert "unlike any 4" in card
    assert "the nearest 4s in training" in card
    assert browser.count(".digit.withheld .nearest img") == 3
    shown = browser.value("document.querySelector('.digit.withheld .verdict').innerText")
    assert "%" not in shown
    assert browser.text(".tag.withheld") == "4?"
    assert browser.value("document.querySelector('.tag.confident').innerText").startswith("7")
    name = browser.value("document.querySelector('.digit.withheld').getAttribute('aria-label')")
    assert "ann abstains, unlike any 4" in name
    browser.click_on(".digit.withheld")
    browser.wait(OPEN)
    assert browser.count("#keypad .nearest img") == 3


def test_a_low_score_is_told_as_one(browser, told):
    told(1, ["4", "4"], low=[("ann", 0)])
    assert browser.text(".digit.withheld .verdict").split() == ["4?", "60%"]
    assert browser.count(".nearest") == 0


def test_the_score_stands_on_the_boxes(browser, told):
    told(2, ["47", "47"], low=[("ann", 1)])
    tags = browser.value("[...document.querySelectorAll('.tag')].map((e) => e.innerText)")
    assert [tag.split() for tag in tags] == [["4", ">99%"], ["7?", "60%"]]


def example(browser, name, boxes):
    browser.click_on(f"#examples button[value={name}]")
    browser.wait(f"document.querySelectorAll('.box').length {boxes}")


SELECTED = """(() => {
    getSelection().selectAllChildren(document.querySelector('#number'));
    return getSelection().toString();
})()"""


def test_a_selected_number_has_its_question_marks(browser, told):
    told(2, ["47", "47"], low=[("ann", 1)])
    assert browser.value(SELECTED).strip() == "47?"
    assert browser.text("#number") == "47?"


@pytest.fixture
def page(browser, serve):
    """240 digits; cnn differs on every fortieth, ann abstains on the seventh."""
    said = {"ann": "7", "cnn": "7" * 39 + "1", "svc": "7", "vgg16": "7"}
    with serve(reader=Told(said, low=[("ann", 6)])) as service:
        browser.open(service.address, 1280, 800)
        browser.value(
            "window.json = Response.prototype.json; Response.prototype.json = async function () {"
            " const body = await json.call(this); window.began = performance.now();"
            " requestAnimationFrame(() => setTimeout(() => window.ended = performance.now()));"
            " return body; }"
        )
        example(browser, "page", "=== 240")
        yield browser


def test_240_digits_are_light(page):
    page.wait("window.ended > window.began")
    assert page.value("ended - began") < 1000
    assert page.value("document.querySelectorAll('*').length") < 2500


def test_of_240_digits_the_disputed_stand_first(page):
    places = "[...document.querySelectorAll('#digits [data-index]')].map((e) => +e.dataset.index)"
    assert page.value(places) == [6, 39, 79, 119, 159, 199, 239]
    assert page.text("#agreed-count") == "233 digits on which the models agree"
    _, top, _, bottom = page.box("#agreed")
    assert bottom - top < 50
    assert page.count("#tiles li") == 0
    assert "240 digits in 12 rows, ann abstains on 1; the models differ on 6" in (
        page.text("#summary")
    )
    page.click_on("#agreed summary")
    page.wait("document.querySelectorAll('#tiles li').length === 233")
    page.click_on("#tiles li button")
    page.wait(OPEN)
    assert page.count("#keypad .bars svg") == 4


def test_of_240_digits_each_is_reached_with_the_keyboard(page):
    page.press("ArrowRight")
    for _ in range(6):
        page.press("ArrowRight")
    assert page.value("document.activeElement.dataset.index") == "239"
    page.press("ArrowRight")
    assert page.value("document.activeElement.dataset.index") == "0"
    page.press("End")
    assert page.value("document.activeElement.dataset.index") == "238"
    page.press("Enter")
    page.wait(OPEN)
    page.press("3")
    page.wait(f"{NUMBER}.includes('3')")
    assert page.value("document.activeElement.dataset.index") == "238"


def test_of_240_digits_no_tag_covers_one(page):
    overlap = """(() => {
        const boxes = [...document.querySelectorAll('.box')].map((e) => e.getBoundingClientRect());
        const tags = [...document.querySelectorAll('.tag')].map((e) => e.getBoundingClientRect());
        const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
            && a.top < b.bottom - 1 && b.top < a.bottom - 1;
        return tags.filter((tag) => boxes.some((box) => meet(tag, box))).length;
    })()"""
    assert page.value(overlap) == 0
    hidden = page.count(".tag")
    for _ in range(3):
        page.click_on("#larger")
    assert page.value(overlap) == 0
    assert page.count(".tag") > hidden  # with more room there are more


@pytest.mark.parametrize("width", [390, 1280])
def test_rows_are_not_wrapped(page, width):
    metrics = {"deviceScaleFactor": 1, "mobile": False}
    page("Emulation.setDeviceMetricsOverride", width=width, height=800, **metrics)
    page.wait(f"innerWidth === {width}")
    heights = page.value(
        "[...document.querySelectorAll('#number div')].map((e) => e.offsetHeight / parseFloat("
        "getComputedStyle(e).lineHeight))"
    )
    assert heights == pytest.approx([1] * 12, abs=0.1)
    assert page.value("document.documentElement.scrollWidth") <= width


def test_disputed_digits_come_in_parts(browser, serve):
    with serve(reader=Told({"ann": "7", "cnn": "1"})) as service:
        browser.open(service.address)
        example(browser, "page", "=== 240")
        shown = browser.count("#digits li")
        assert 10 < shown < 60
        assert browser.value("document.querySelectorAll('*').length") < 3500
        browser.click_on("#more")
        assert browser.count("#digits li") > shown
        assert browser.value("document.activeElement.dataset.index") == str(shown)


def test_another_model_says_the_number(browser, told):
    reader = told(2, ["47", "48", "97", "47"], low=[("svc", 0)])
    assert browser.text("#number") == "47"
    options = browser.value("[...document.querySelector('#model').options].map((e) => e.value)")
    assert options == list(MODELS)
    choose = "((e, v) => { e.value = v; e.dispatchEvent(new Event('change', {bubbles: true})); })"
    browser.value(f"{choose}(document.querySelector('#model'), 'svc')")
    browser.wait(number_is("9?7"))
    assert "svc abstains on 1; ann and vgg16 read 47; cnn reads 48" in browser.text("#summary")
    # It is asked first: the nearest training digits in the answer are then its own.
    deadline = time.monotonic() + 5
    while reader.asked[-1] != ("svc", "ann", "cnn", "vgg16"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    browser.reload()
    browser.wait(number_is("9?7"))
    assert browser.value("document.querySelector('#model').value") == "svc"


def downloaded(folder, name):
    deadline = time.monotonic() + 10
    while not (folder / name).exists():
        assert time.monotonic() < deadline, name
        time.sleep(0.02)
    return (folder / name).read_bytes().decode()


def test_the_number_is_taken_along(browser, told, tmp_path):
    told(3, ["477", "417"], low=[("ann", 1)])
    browser.press("ArrowRight")
    browser.press("End")
    browser.press("Enter")
    browser.wait(OPEN)
    browser.press("2")
    browser.wait(number_is("47?2"))
    browser("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    for kind in ("text", "json", "csv"):
        browser.click_on(f"#as-{kind}")
    assert downloaded(tmp_path, "digits.txt") == "47?2\n"
    document = json.loads(downloaded(tmp_path, "digits.json"))
    assert document["rows"] == ["47?2"]
    assert [digit["correction"] for digit in document["digits"]] == [None, None, "2"]
    assert document["digits"][1]["predictions"]["cnn"]["label"] == "1"
    rows = list(csv.DictReader(downloaded(tmp_path, "digits.csv").splitlines()))
    assert [row["label"] for row in rows] == ["4", "7", "2"]
    assert [row["confident"] for row in rows] == ["true", "false", "true"]
    assert [row["corrected"] for row in rows] == ["false", "false", "true"]
    assert [row["withheld"] for row in rows] == ["", "score", ""]
    assert [row["cnn"] for row in rows] == ["4", "1", "7"]
    assert [int(row["digit"]) for row in rows] == [1, 2, 3]


@pytest.mark.parametrize("secure", [True, False])
def test_the_number_is_copied(browser, told, secure):
    told(2, ["47", "41"], low=[("ann", 1)])
    if not secure:  # as over plain HTTP from another machine
        browser.value("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    browser.value(
        "addEventListener('copy', (event) => window.copied = getSelection().toString()"
        " || document.activeElement.value); navigator.clipboard && (navigator.clipboard.writeText"
        " = async (text) => { window.copied = text; })"
    )
    browser.click_on("#copy")
    browser.wait("window.copied !== undefined")
    assert browser.value("copied") == "47?"
    browser.wait_text("#copied", "Copied")


def test_names_of_classes_cannot_become_formulas(browser, service):
    browser.open(service.address)
    table = browser.value(
        """(async () => {
            const { csv } = await import('/static/verdicts.js');
            const said = {label: '=1+1', score: 0.5, confident: true, withheld: null};
            const digit = {box: [0, 1, 2, 3], predictions: {cnn: said}};
            return csv({views: ['=1+1', '+1', '-1', '@a', 'a,"b', '\\tx'].map((label, index) =>
                ({digit, index, label, said, state: 'confident', row: 0})), models: ['cnn']});
        })()"""
    )
    rows = list(csv.DictReader(table.splitlines()))
    labels = [row["label"] for row in rows]
    assert labels == ["'=1+1", "'+1", "'-1", "'@a", 'a,"b', "'\tx"]
    assert [row["cnn"] for row in rows] == ["'=1+1"] * 6


EXAMPLES = {"year": 4, "phone": 13, "notebook": 28, "doubt": 4, "shapes": 4, "page": 240}


@pytest.mark.parametrize(("name", "digits"), EXAMPLES.items())
def test_examples_are_read_and_can_be_undone(browser, service, name, digits):
    browser.open(service.address)
    assert browser.count("#examples button") == len(EXAMPLES)
    example(browser, name, f"=== {digits}")
    assert not browser.seen("#welcome")
    browser.press("z")
    browser.wait(number_is(""))
    assert browser.seen("#welcome")
