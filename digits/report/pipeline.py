"""The pipeline as a drawing, from dvc.yaml: docs/pipeline.svg.

Run as `python -m digits.report.pipeline` after a stage was added or wired in another way; `dvc dag`
draws the same graph hundreds of columns wide.  A stage that runs once a model is one box.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from digits.core import config, files, paths
from digits.report.figures import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWING = paths.ROOT / "docs" / "pipeline.svg"
BOX, GAP, LINE, MARGIN = (132, 46), (44, 22), 13, 8
"""Width and height of a box, distance to the next one across and down, height of a line."""


@dataclass(frozen=True)
class Stage:
    """One box."""

    name: str
    times: int
    """How often it runs."""
    column: int
    """One more than the last of the stages that it waits for."""
    follows: tuple[str, ...]
    """The stages that it waits for, without those that they themselves wait for."""


def stages(tree: Mapping[str, Any]) -> list[Stage]:
    """The stages of a parsed dvc.yaml in their order, with what each waits for."""
    inputs = {name: _expanded(stage, stage.get("deps", [])) for name, stage in tree.items()}
    made = {name: _expanded(stage, _outs(stage)) for name, stage in tree.items()}
    waits = {
        name: {other for other in tree if other != name and _reads(inputs[name], made[other])}
        for name in tree
    }

    def before(name: str) -> set[str]:
        return waits[name].union(*(before(other) for other in waits[name]))

    def column(name: str) -> int:
        return 1 + max(map(column, waits[name]), default=-1)

    return [
        Stage(
            name=name,
            times=len(next(iter(stage["matrix"].values()))) if "matrix" in stage else 1,
            column=column(name),
            follows=tuple(
                other
                for other in tree
                if other in waits[name] and not any(other in before(one) for one in waits[name])
            ),
        )
        for name, stage in tree.items()
    ]


def _outs(stage: Mapping[str, Any]) -> list[str]:
    """The paths that a stage writes, as dvc.yaml has them."""
    listed = [*stage.get("outs", []), *stage.get("metrics", [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in listed]


def _expanded(stage: Mapping[str, Any], names: list[str]) -> set[PurePosixPath]:
    """Paths of all runs of a stage, with the values of its matrix in them."""
    matrix: dict[str, list[str]] = stage.get("matrix", {"": [""]})
    key, values = next(iter(matrix.items()))
    return {
        PurePosixPath(name.replace(f"${{item.{key}}}", value)) for name in names for value in values
    }


def _reads(inputs: set[PurePosixPath], made: set[PurePosixPath]) -> bool:
    """Whether an input is among what was made, in it, or holds it."""
    return any(
        one.is_relative_to(other) or other.is_relative_to(one) for one in inputs for other in made
    )


def draw(known: list[Stage]) -> str:
    """The drawing as a whole SVG file; the same stages give the same text."""
    from matplotlib import rc_context

    columns: dict[int, list[Stage]] = {}
    for stage in known:
        columns.setdefault(stage.column, []).append(stage)
    most = max(map(len, columns.values()))
    width = len(columns) * BOX[0] + (len(columns) - 1) * GAP[0] + 2 * MARGIN
    height = most * BOX[1] + (most - 1) * GAP[1] + 2 * MARGIN
    figure = drawing.figure(width, height)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    middles = {}
    for column, members in columns.items():
        used = len(members) * BOX[1] + (len(members) - 1) * GAP[1]
        for place, stage in enumerate(members):
            left = MARGIN + column * (BOX[0] + GAP[0])
            top = (height - used) / 2 + place * (BOX[1] + GAP[1])
            middles[stage.name] = (left + BOX[0] / 2, top + BOX[1] / 2)
    for stage in known:
        # Where all of a column wait for the same, their lines may run together.
        together = len({other.follows for other in columns[stage.column]}) == 1
        for other in stage.follows:
            _arrow(axes, middles[other], middles[stage.name], together)
    for stage in known:
        _box(axes, stage, *middles[stage.name])
    buffer = io.StringIO()
    unstated = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # Letters as paths: the drawing looks the same wherever it is shown.
    with rc_context({"svg.fonttype": "path", "svg.hashsalt": "digits"}):
        figure.savefig(buffer, format="svg", facecolor="white", metadata=unstated)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _box(axes: "Axes", stage: Stage, x: float, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    model = stage.name.removeprefix("train_")
    edge = drawing.colour(model) if model in drawing.MARKERS else drawing.MUTED
    for offset in (4, 0) if stage.times > 1 else (0,):
        axes.add_patch(
            FancyBboxPatch(
                (x - BOX[0] / 2 + offset, y - BOX[1] / 2 - offset),
                *BOX,
                boxstyle="round,pad=0,rounding_size=7",
                facecolor="white",
                edgecolor=edge,
                linewidth=1.6,
            )
        )
    middle: dict[str, Any] = {"color": drawing.INK, "ha": "center", "va": "center"}
    said = middle | {"fontsize": drawing.BASE}
    if stage.times == 1:
        axes.text(x, y, stage.name, **said)
    else:
        axes.text(x, y - LINE / 2 - 1, stage.name, **said)
        each = f"once a model: {stage.times}"
        axes.text(x, y + LINE / 2 + 2, each, **said | {"fontsize": 9.5, "color": drawing.MUTED})


def _arrow(
    axes: "Axes", start: tuple[float, float], end: tuple[float, float], angular: bool
) -> None:
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    left, right = start[0] + BOX[0] / 2, end[0] - BOX[0] / 2 - 1
    turn = right - GAP[0] / 2
    way = [(left, start[1]), (turn, start[1]), (turn, end[1]), (right, end[1])]
    axes.add_patch(
        FancyArrowPatch(
            path=Path(way if angular else [way[0], way[-1]]),
            arrowstyle="-|>",
            mutation_scale=10,
            linewidth=1.1,
            joinstyle="miter",
            facecolor=drawing.MUTED,
            edgecolor=drawing.MUTED,
        )
    )


if __name__ == "__main__":
    files.write_text(DRAWING, draw(stages(config.read(paths.DVC_YAML)["stages"])))
    print(paths.relative(DRAWING))
