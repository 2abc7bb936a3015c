"""YAML that people write is plain values, or one line for each fault, in less than a second."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digits.core import document
from digits.core.errors import UserError


def refused(text) -> str:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        document.parse(content, "params.yaml")
    assert time.process_time() - began < 1
    message = str(caught.value)
    assert message.startswith("params.yaml")
    assert len(message) < 5000
    return message


def doubled(opening, levels, form):
    """A document in which every level holds the one before it twice."""
    lines = [f"a{n}: &a{n} {form.format(f'*a{n - 1}', f'*a{n - 1}')}" for n in range(1, levels)]
    return "\n".join([f"a0: &a0 {opening}", *lines])


REFERRING = {
    "a list that holds itself": "a: &a [*a]",
    "a section that holds itself": "a: &a {b: *a}",
    "a circle further up": "a: &a\n  b: &b\n    c: [1, *a]",
    "a document that holds itself": "&a {b: *a}",
    "a section merged with itself": "a: &a {<<: *a}",
}
TOO_MUCH = {
    "lists doubled": doubled("[1, 1]", 60, "[{}, {}]"),
    "sections doubled": doubled("{b: 1}", 60, "{{c: {}, d: {}}}"),
    "merges doubled": doubled("{b: 1}", 60, "{{<<: [{}, {}]}}"),
    "many keys": "".join(f"k{number}: 1\n" for number in range(20_000)),
    "one long list": "a: [" + "1, " * 50_000 + "1]",
}
TOO_DEEP = {
    "brackets": "a: " + "[" * 100_000,
    "braces": "{a: " * 50_000,
    "closed brackets": "a: " + "[" * 3000 + "]" * 3000,
    "dashes": "a:\n" + "- " * 50_000,
    "questions": "? " * 50_000,
    "indents": "".join(" " * level + f"k{level}:\n" for level in range(500)),
}
WRONG_KEYS = {
    "{2}: 1": "line 1: found unhashable key",
    "1: 2": "expected names as keys, received 1",
    "null: 2": "expected names as keys, received null",
    "true: 2": "expected names as keys, received true",
    "1.5: 2": "expected names as keys, received 1.5",
    "2020-01-01: 2": "expected names as keys",
    "train: {cnn: {3: 4}}": "train.cnn: expected names as keys, received 3",
    "? [a, b]\n: 2": "expected names as keys",
    "a: 1\na: 2": 'line 2: found duplicate key "a"',
    "train:\n  cnn: {a: 1}\n  cnn: {a: 1}": 'line 3: found duplicate key "cnn"',
}
WRONG_VALUES = {
    "a: {b: 2020-01-01}": "a.b: expected a number, a text, true, false or null, received",
    "a: [1, 2001-12-14t21:59:43.10-05:00]": "a.1: expected a number",
    "a: !!binary aGk=": "a: expected a number",
    "a: !!set {b, c}": "a: expected a number",
    "a: !!pairs [b: 1]": "",
    'a: "b\\0c"': "a: expected a text without control characters",
    'a: "\\e[2J"': "a: expected a text without control characters",
    'a: "\\ud800"': "a: expected a text without control characters",
    "a: " + "x" * 2000: "a: expected at most 1000 characters, received 2,000",
    "a: " + "9" * 5000: "limit",
    "a: 2020-13-45": "",
    "a: !!int x": "",
    "a: !!float x": "",
    "a: !!bool x": "",
    "a: !!python/object:os.system x": "tag",
    "a: !made_up x": "tag",
    "a: *b": "line 1: found undefined alias",
    "a: b: c": "line 1: ",
    "a: [1\nb: 2": "line ",
    "a:\n\t- b": "line 2: ",
    "--- {a: 1}\n--- {b: 1}": "",
    "%YAML 9.9\n---\na: 1": "",
    "": "expected sections",
    "text": "expected sections such as 'dataset:', received \"text\"",
    "[1, 2]": "received [1, 2]",
    "3": "received 3",
    "2020-01-01": "expected sections",
    "!!set {a}": "expected sections",
}


@pytest.mark.parametrize("text", REFERRING.values(), ids=REFERRING)
def test_what_refers_to_itself_is_named(text):
    assert "refers to what it is part of" in refused(text)


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_repeats_its_parts_beyond_measure_is_refused(text):
    assert "expected at most 10,000 keys and values" in refused(text)


@pytest.mark.parametrize("text", TOO_DEEP.values(), ids=TOO_DEEP)
def test_what_is_nested_beyond_measure_is_refused(text):
    assert "levels of nesting" in refused(text)


@pytest.mark.parametrize("content", [b"a: 1\n" + b"#" * 10**7, b"\n" * 10**6, b" " * 10**6])
def test_a_file_beyond_measure_is_refused(content):
    assert "expected at most 262,144 bytes" in refused(content)


@pytest.mark.parametrize(("text", "words"), {**WRONG_KEYS, **WRONG_VALUES}.items())
def test_what_no_parameter_can_be_is_one_line(text, words):
    message = refused(text)
    assert words in message
    assert len(message.splitlines()) <= 2


@pytest.mark.parametrize(
    "content", [b"\xff\xfea\0:\0", b"a: \xff", b"a: \x07", b"a: \0", "a: 1".encode("utf-16")]
)
def test_bytes_that_are_no_text_are_refused(content):
    assert "is not valid YAML" in refused(content)


def test_every_fault_has_a_line_of_its_own_up_to_twenty():
    lines = refused(
        "".join(f"k{number}: {{1: 2020-01-01}}\n" for number in range(100))
    ).splitlines()
    assert len(lines) == 22
    assert lines[1].strip() == "k0: expected names as keys, received 1; put it in quotes"
    assert lines[-1].strip() == "and 80 more"


def test_anchors_that_repeat_a_little_are_taken():
    text = b"a: &a {x: 1, y: [1, 2]}\nb: *a\nc: {<<: *a, x: 3}\nd: &d 7\ne: *d\n"
    tree = document.parse(text, "params.yaml")
    assert tree["b"] == {"x": 1, "y": [1, 2]}
    assert tree["c"] == {"x": 3, "y": [1, 2]}
    assert tree["e"] == 7


def test_numbers_are_those_of_yaml_1_2_and_texts_may_have_several_lines():
    text = "a: 1e-3\nb: 0x10\nc: 0o17\nd: 12:30\ne: .inf\nf: |\n  one\n  two\ng: größer 四\n"
    tree = document.parse(b"\xef\xbb\xbf" + text.encode(), "params.yaml")
    assert (tree["a"], tree["b"], tree["c"], tree["d"]) == (0.001, 16, 15, "12:30")
    assert tree["f"] == "one\ntwo\n"
    assert tree["g"] == "größer 四"


PIECES = (
    "a b é 1 1.5 .nan ~ null 2020-01-01 : - ? [ ] { } , & * ! | > ' % @ ` # << &a *a !!int --- ..."
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from([*PIECES.split(), '"', "\\", " ", "\t", "\n", "\n  ", ": ", "- "]),
        max_size=40,
    )
)
def test_whatever_is_typed_is_taken_or_refused(pieces):
    try:
        tree = document.parse("".join(pieces).encode(), "params.yaml")
    except UserError:
        return
    assert all(isinstance(key, str) for key in tree)
