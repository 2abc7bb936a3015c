"""A sweep's winner in params.yaml, whose comments stay."""

import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from digits.core import config, files, paths
from digits.core.errors import UserError
from digits.search import space
from digits.search.definition import Sweep
from digits.search.space import Values

WIDTH = 4096
"""No line is broken anew."""


def apply(sweep: Sweep, values: Values, path: Path = paths.PARAMS) -> dict[str, tuple[Any, Any]]:
    """Write what all trials share and a trial's values into params.yaml.

    Args:
        sweep: The sweep, with the params.yaml that its trials began with.
        values: Of the trial.
        path: The file.

    Returns:
        Of every key that changed the value before and now.

    Raises:
        UserError: if other parameters of the model have changed since, or the result is not valid.

    """
    content = path.read_text(encoding="utf-8")
    tree = YAML(typ="safe", pure=True).load(content)
    wanted = sweep.space.fixed | values
    section = f"train.{sweep.model}"
    here, there = (
        _flat(space.get(tree, section), section),
        _flat(space.get(sweep.base, section), section),
    )
    other = [key for key in here if here[key] != there.get(key) and not _within(key, wanted)]
    if other:
        raise UserError(
            f"{path.name}: {', '.join(other)} is not what the sweep ran with; restore it, or run "
            "the sweep anew"
        )
    changed = {
        key: (space.get(tree, key), value)
        for key, value in wanted.items()
        if space.get(tree, key) != value
    }
    if changed:
        text = _edited(content, {key: now for key, (_, now) in changed.items()})
        config.check(YAML(typ="safe", pure=True).load(text), path.name)
        files.write_text(path, text)
    return changed


def _flat(tree: Any, path: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {path: tree}
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        leaves |= _flat(value, f"{path}.{key}")
    return leaves


def _within(key: str, wanted: Values) -> bool:
    return any(key == one or key.startswith(f"{one}.") for one in wanted)


def _edited(content: str, values: Values) -> str:
    """The file with other values and nothing else changed."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, WIDTH
    tree = yaml.load(content)
    for key, value in values.items():
        before = space.get(tree, key)
        if isinstance(before, list) and isinstance(value, list):
            before[:] = value
        elif isinstance(before, dict) and isinstance(value, dict):
            before.update(value)
        else:
            space.put(tree, key, value)
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()
