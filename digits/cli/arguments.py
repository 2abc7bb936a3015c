"""What several commands are asked with."""

from enum import StrEnum

from digits.core import config

Model = StrEnum("Model", list(config.MODELS))  # type: ignore[misc]
ALL = "all"
Asked = StrEnum("Asked", [*config.MODELS, ALL])  # type: ignore[misc]
DEFAULT_READER = Asked("cnn")
