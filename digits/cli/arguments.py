"""What several commands are asked with."""

from enum import StrEnum

from digits.core import config, paths

Model = StrEnum("Model", list(config.MODELS))  # type: ignore[misc]
ALL = "all"
Asked = StrEnum("Asked", [*config.MODELS, ALL])  # type: ignore[misc]
CHAMPION = "champion"
"""The model that MLflow's registry calls so, whichever it is."""
Served = StrEnum("Served", [*config.MODELS, CHAMPION])  # type: ignore[misc]
Answering = StrEnum("Answering", [*config.MODELS, ALL, CHAMPION])  # type: ignore[misc]
DEFAULT_READER, EVERY_MODEL = Asked("reader"), Asked(ALL)


def experiments() -> list[str]:
    """The names of experiments that a shell may complete."""
    return sorted(path.stem for path in paths.EXPERIMENTS.glob("*.yaml"))
