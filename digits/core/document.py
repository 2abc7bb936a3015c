"""YAML files that people write: plain values in sections, and one line for each fault."""

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

from digits.core.errors import UserError

LARGEST_FILE = 2**18
"""Bytes.  The longest file that is read, dvc.lock, has a fifth of it."""
MOST_VALUES = 10_000
"""Keys and values, those counted again that an alias repeats."""
DEEPEST = 20
LONGEST_TEXT = 1000
"""Characters of one value."""
NO_TEXT = {"Cc", "Cs"}
"""Categories of Unicode: controls, and halves of characters."""
MOST_FAULTS = 20
"""Faults that a message names."""


def parse(content: bytes, name: str) -> dict[str, Any]:
    """Turn YAML into plain values: texts, numbers, truths and null in lists and sections.

    Args:
        content: The file, UTF-8.
        name: What messages call it.

    Raises:
        UserError: if it is not YAML, holds no section, refers to itself, repeats its parts or is
            nested beyond all measure, or has keys and values of other kinds.

    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError

    if len(content) > LARGEST_FILE:
        raise UserError(f"{name}: expected at most {LARGEST_FILE:,} bytes, received more")
    try:
        text = content.decode("utf-8-sig")
        # The parser's time grows with the square of the depth, and a merged alias multiplies.
        _measure(YAML(typ="safe", pure=True).parse(text), name)
        tree = YAML(typ="safe", pure=True).load(text)
    except UserError:
        raise
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not valid YAML: byte {error.start} is not of UTF-8") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        problem = str(error.problem or error.context).partition("\n")[0]
        raise UserError(f"{name} is not valid YAML: {place}{problem}") from None
    except Exception as error:  # what ruamel does not foresee: thirteenth months, `!!int x`, ...
        raise UserError(f"{name} is not valid YAML: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(tree, dict):
        raise UserError(f"{name}: expected sections such as 'dataset:', received {shown(tree)}")
    if faults := list(_faults(tree, "")):
        raise UserError(listed(f"{name} holds what no parameter can be:", faults))
    return tree


def listed(opening: str, faults: list[str]) -> str:
    """A message of one line for each of the first `MOST_FAULTS` faults."""
    more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
    return "\n  ".join([opening, *faults[:MOST_FAULTS], *more])


def shown(value: Any) -> str:
    """The beginning of a value as YAML and JSON write it, in one line."""
    text = json.dumps(value, default=str) if not isinstance(value, tuple) else repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _measure(events: Iterator[Any], name: str) -> None:
    """UserError if a document is too deep or, with what aliases repeat, too long."""
    from ruamel.yaml import events as kinds

    sizes: dict[str, int] = {}
    # The anchor and the size so far of every collection that is open; the first holds them all.
    opened: list[tuple[str | None, int]] = [(None, 0)]
    for event in events:
        size = 0
        match event:
            case kinds.AliasEvent():
                if event.anchor in {anchor for anchor, _ in opened}:
                    raise UserError(
                        f"{name}: line {event.start_mark.line + 1}: '*{event.anchor}' refers to "
                        "what it is part of; write out what is meant"
                    )
                # An unknown one is left for the parser to refuse.
                size = sizes.get(event.anchor, 1)
            case kinds.ScalarEvent():
                size = 1
                if event.anchor:
                    sizes[event.anchor] = 1
            case kinds.CollectionStartEvent():
                opened.append((event.anchor, 1))
            case kinds.CollectionEndEvent():
                anchor, size = opened.pop()
                if anchor:
                    sizes[anchor] = size
        if size:
            opened[-1] = (opened[-1][0], opened[-1][1] + size)
        if len(opened) - 1 > DEEPEST:
            raise UserError(
                f"{name}: line {event.start_mark.line + 1}: expected at most {DEEPEST} levels of "
                "nesting, received more"
            )
        if opened[-1][1] > MOST_VALUES:
            raise UserError(
                f"{name}: line {event.start_mark.line + 1}: expected at most {MOST_VALUES:,} keys "
                "and values in all, counting what aliases repeat, received more"
            )


def _faults(tree: Any, place: str) -> Iterator[str]:
    """What a JSON file could not hold, and what nobody types."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if isinstance(key, str):
                yield from _faults(value, f"{place}.{key}" if place else key)
            else:
                where = place or "at the top"
                yield f"{where}: expected names as keys, received {shown(key)}; put it in quotes"
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from _faults(value, f"{place}.{number}")
    elif isinstance(tree, str):
        if len(tree) > LONGEST_TEXT:
            yield f"{place}: expected at most {LONGEST_TEXT} characters, received {len(tree):,}"
        elif any(unicodedata.category(one) in NO_TEXT for one in tree.replace("\n", " ")):
            yield f"{place}: expected a text without control characters, received {shown(tree)}"
    elif not isinstance(tree, bool | int | float | None):
        yield (
            f"{place}: expected a number, a text, true, false or null, received "
            f"{shown(str(tree))} ({type(tree).__name__}); put it in quotes if it is a text"
        )
