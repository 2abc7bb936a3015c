"""Commands of a checkout, which need more libraries than a base installation has."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from typer.core import TyperCommand

from digits.core.errors import UserError

LIBRARIES = {
    "aiohttp": "aiohttp",
    "certifi": "certifi",
    "cpuinfo": "py-cpuinfo",
    "dvc": "dvc",
    "dvc_data": "dvc-data",
    "jinja2": "Jinja2",
    "keras": "keras",
    "matplotlib": "matplotlib",
    "mlflow": "mlflow",
    "onnx": "onnx",
    "pandas": "pandas",
    "psutil": "psutil",
    "pynvml": "nvidia-ml-py",
    "ruamel.yaml": "ruamel.yaml",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "vl_convert": "vl-convert-python",
}
"""What the pipeline is run and judged with, by the name of the module.

A base installation, which predicts and serves, has none of them.  One that only some machines
have, sklearnex, is not asked for."""


SEARCH = {"optuna": "optuna", "pyarrow": "pyarrow", "ray": "ray"}
"""What sweeps and reading by the million need beside; an extra, `make search`."""
REGISTRY = {name: LIBRARIES[name] for name in ("mlflow", "psutil", "ruamel.yaml")}
"""What the champion is fetched with."""


class Command(TyperCommand):
    """A command that says at once, and of all at once, which libraries it lacks."""

    def invoke(self, ctx: Any) -> Any:
        if lacking := missing():
            raise UserError(
                f"`digits {self.name}` needs libraries that are not installed: "
                f"{', '.join(lacking)}. Install them in a checkout of the project with "
                "`make install`; without them there are `digits predict`, `digits ui` and "
                "`digits feedback`"
            )
        return super().invoke(ctx)


class Reading(TyperCommand):
    """A command of any installation that needs the extra for search, too."""

    def invoke(self, ctx: Any) -> Any:
        if lacking := missing(SEARCH):
            raise UserError(
                f"`digits {self.name}` needs libraries that are not installed: "
                f"{', '.join(lacking)}. Install them with `make search`, which takes the versions "
                "of locks/search.lock"
            )
        return super().invoke(ctx)


class Searching(Reading, Command):
    """A command of a checkout that needs the extra for search, too."""


def require_registry() -> None:
    """Say which libraries are lacking that the champion is fetched with.

    Raises:
        UserError: if any is.

    """
    if lacking := missing(REGISTRY):
        raise UserError(
            f"the champion is in MLflow's registry, for which {', '.join(lacking)} is not "
            "installed. Install it in a checkout of the project with `make install`, or name a "
            "model that is in the folder models"
        )


def missing(libraries: Mapping[str, str] = LIBRARIES) -> list[str]:
    """Names of the packages whose modules cannot be found; none is loaded."""
    return [package for module, package in libraries.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
