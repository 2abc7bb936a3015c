"""Predictions in threads, fair among requests: no page of digits holds up a single one."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from digits.core.errors import UserError
from digits.serve.reader import Prediction, Reader
from digits.serve.web.problems import LOG, ProblemError

MOST_AT_ONCE = 8
"""Images that a model is given at once: with the slowest model, a tenth of a second."""
TURN_SECONDS = 0.02
"""After which a request's next images wait for what others have asked: a thread does much in less
time than it takes to wake it for every model."""


async def predict(
    reader: Reader, images: np.ndarray, models: Sequence[str], threads: Executor, cores: int
) -> dict[str, list[Prediction]]:
    """Ask models about images.

    Args:
        reader: Has the models.
        images: (n, 28, 28) uint8.
        models: Which to ask.
        threads: One for each core, shared by all requests, who get them in turn.
        cores: How many there are.

    Returns:
        By model: what it says of each image.

    Raises:
        ProblemError: 500 if a model fails.

    """
    # A few images are spread over all cores.
    step = max(1, min(MOST_AT_ONCE, -(-len(images) // cores)))
    parts: dict[tuple[str, int], list[Prediction]] = {
        (model, start): [] for model in models for start in range(0, len(images), step)
    }
    left = iter(list(parts))

    def turn() -> bool:
        """Take what is left, part by part; say whether there may be more when the turn is over."""
        end = time.monotonic() + TURN_SECONDS
        for model, start in left:
            try:
                parts[model, start] = reader.predict(images[start : start + step], model)
            except UserError as error:
                list(left)  # is not wanted any more
                LOG.error("%s", error)
                raise ProblemError(
                    500,
                    f"{model} is out of order, which is in the log of the service; ask other "
                    "models: ?model=NAME",
                ) from None
            if time.monotonic() >= end:
                return True
        return False

    async def work() -> None:
        while await asyncio.get_running_loop().run_in_executor(threads, turn):
            pass

    await asyncio.gather(*(work() for _ in range(min(cores, len(parts)))))
    said: dict[str, list[Prediction]] = {model: [] for model in models}
    for (model, _), part in parts.items():
        said[model] += part
    return said
