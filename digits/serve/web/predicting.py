"""Predictions in threads, fair among requests: no page of digits holds up a single one."""

import asyncio
from collections.abc import Sequence

import numpy as np
from anyio import CapacityLimiter, to_thread

from digits.serve.reader import Prediction, Reader

MOST_AT_ONCE = 8
"""Images that a model is given at once: with the slowest model, a tenth of a second."""


async def predict(
    reader: Reader, images: np.ndarray, models: Sequence[str], threads: CapacityLimiter
) -> dict[str, list[Prediction]]:
    """Ask models about images.

    Args:
        reader: Has the models.
        images: (n, 28, 28) uint8.
        models: Which to ask.
        threads: One for each core, shared by all requests, who get them in turn.

    Returns:
        By model: what it says of each image.

    """
    cores = int(threads.total_tokens)
    # A few images are spread over all cores.
    step = max(1, min(MOST_AT_ONCE, -(-len(images) // cores)))
    parts: dict[tuple[str, int], list[Prediction]] = {
        (model, start): [] for model in models for start in range(0, len(images), step)
    }
    left = iter(parts)

    async def work() -> None:
        for model, start in left:
            parts[model, start] = await to_thread.run_sync(
                reader.predict,
                images[start : start + step],
                model,
                abandon_on_cancel=True,
                limiter=threads,
            )

    await asyncio.gather(*(work() for _ in range(cores)))
    said: dict[str, list[Prediction]] = {model: [] for model in models}
    for (model, _), part in parts.items():
        said[model] += part
    return said
