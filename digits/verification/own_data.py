"""What DVC would wait for in the folder of the user's own data set.

    python -m digits.verification.own_data

DVC reads every file below `dataset.path` before it runs the stage that checks them, and a named
pipe or a device never ends.  Only who looks before DVC can say so: `make repro`, `digits doctor`
and every command that calls DVC.
"""

from pathlib import Path

from digits.core import config, errors, paths
from digits.datasets.download import Params
from digits.datasets.raw import regular
from digits.datasets.raw.faults import Faults


def check(folder: Path | None = None) -> str:
    """Refuse what is neither a folder nor a regular file.

    Args:
        folder: Of the data set; None for that of params.yaml.

    Returns:
        What was found.

    Raises:
        UserError: naming all that DVC could not read to an end.

    """
    if folder is None:
        folder = paths.HOME / config.load("dataset", Params).path
    faults, count = Faults(f"dataset.path: {paths.relative(folder)}, which DVC reads"), 0
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            count += 1
            with faults.of(str(path.relative_to(folder))):
                regular.check(path)
    faults.raise_any()
    return f"{paths.relative(folder)} holds {count:,} file{'s'[: count != 1]} that DVC can read"


if __name__ == "__main__":
    with errors.reported():
        check()
