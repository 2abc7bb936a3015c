"""Reading pictures by the million on Ray Data: a worker a core, which holds the model.

A worker takes a part of the list, reads its pictures and writes one Parquet file, whole or not at
all; what stands there is not read again.  No picture and no result passes through the process that
leads, so that its memory does not grow.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digits.core import files
from digits.core.errors import UserError
from digits.scan.page.find import find_digits
from digits.scan.single.decode import MAX_BYTES, read_image
from digits.scan.single.types import Digit
from digits.search import cluster, listing
from digits.search.listing import Listing
from digits.serve.reader import Prediction, Reader, stacked

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem

TOGETHER = 100
"""Pictures whose digits the model is asked about at once."""
MOST_BLOCKS = 10_000
COUNTS = ("pictures", "digits", "errors")
Row = dict[str, Any]
Tell = Callable[[dict[str, int]], None]
"""Called with the counts of each part that is read."""


def schema() -> "pa.Schema":
    """Of the results: a row a digit; one row without a digit for a picture that has none."""
    import pyarrow as pa

    return pa.schema(
        [
            ("image", pa.string()),
            ("digit", pa.int32()),  # from 1, in reading order
            ("row", pa.int32()),  # from 1
            *((side, pa.int32()) for side in ("left", "top", "right", "bottom")),
            ("label", pa.string()),
            ("score", pa.float32()),
            ("confident", pa.bool_()),
            ("withheld", pa.string()),
            ("error", pa.string()),  # of a picture that could not be read
        ]
    )


def run(
    listed: Listing, source: str, model: str, models: Path, address: str | None, tell: Tell
) -> None:
    """Read what has no results yet.

    Args:
        listed: The pictures.
        source: Where they are.
        model: To be asked.
        models: Folder of the bundles, on every node.
        address: Of a Ray cluster; None for this machine alone.
        tell: As in `Tell`.

    Raises:
        UserError: if a part cannot be read or written.

    """
    left = listed.left()
    if not left:
        return
    with cluster.connected(address, 0, {"OMP_NUM_THREADS": "1"}) as there:
        import ray
        import ray.data
        from ray.exceptions import RayError

        # Of a cluster that grows, later workers are taken on, too.
        most = len(left) if address else max(1, min(there.cores, len(left)))
        least = 1 if address else most
        parts = ray.data.from_items(
            [{"part": part} for part in left], override_num_blocks=min(len(left), MOST_BLOCKS)
        ).map_batches(
            Worker,
            fn_constructor_kwargs={
                "source": source,
                "model": model,
                "models": str(models.resolve()),
                "out": str(listed.out.resolve()),
            },
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most),
            num_cpus=1,
        )
        try:
            for counts in parts.iter_rows():
                tell({name: int(counts[name]) for name in COUNTS})
        except RayError as error:
            reason = getattr(error, "cause", None) or error
            last = str(reason).strip().splitlines()[-1]
            raise UserError(
                f"reading ended early: {last}. What was finished is kept; remove the reason and "
                "give the same command again"
            ) from None


class Worker:
    """Reads part after part; the model is loaded once."""

    def __init__(self, source: str, model: str, models: str, out: str) -> None:
        import cv2

        # One worker a core.
        cv2.setNumThreads(1)
        self._system, _ = listing.opened(source)
        self._out, self._model = Path(out), model
        self._reader = Reader([model], Path(models), threads=1)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[int]]:
        """Read the parts of these numbers, and count what was in them."""
        counted = [self._read(int(part)) for part in batch["part"]]
        return {name: [one[name] for one in counted] for name in COUNTS}

    def _read(self, part: int) -> dict[str, int]:
        import pyarrow as pa
        import pyarrow.parquet

        names = Listing(self._out, 0, 0).members(part)
        rows: list[Row] = []
        for start in range(0, len(names), TOGETHER):
            some = names[start : start + TOGETHER]
            rows += read(some, self._system, self._reader, self._model)
        table = pa.Table.from_pylist(rows, schema=schema())
        with files.atomic(listing.result(self._out, part)) as path:
            pa.parquet.write_table(table, path)
        return {
            "pictures": len(names),
            "digits": sum(row.get("digit") is not None for row in rows),
            "errors": sum(row.get("error") is not None for row in rows),
        }


def read(names: Sequence[str], system: "FileSystem", reader: Reader, model: str) -> Iterator[Row]:
    """The rows of some pictures; all their digits are put to the model at once."""
    found: list[list[Digit] | str] = [_digits(name, system) for name in names]
    said = iter(
        reader.predict(
            stacked([one for each in found if isinstance(each, list) for one in each]), model
        )
    )
    for name, digits in zip(names, found, strict=True):
        if isinstance(digits, str):
            yield {"image": name, "error": digits}
        elif not digits:
            yield {"image": name}
        else:
            for place, digit in enumerate(digits, start=1):
                yield {"image": name, "digit": place} | _row(digit, next(said))


def _digits(name: str, system: "FileSystem") -> list[Digit] | str:
    """The digits of a picture, or why it cannot be read."""
    try:
        with system.open_input_stream(name) as file:
            content = file.read(MAX_BYTES + 1)
        return list(find_digits(read_image(content)))
    except UserError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be opened ({str(error).partition(chr(10))[0]})"


def _row(digit: Digit, said: Prediction) -> Row:
    box = dict(zip(("left", "top", "right", "bottom"), map(int, digit.box), strict=True))
    return box | {
        "row": digit.row + 1,
        "label": said.label,
        "score": said.score,
        "confident": said.confident,
        "withheld": said.withheld,
    }
