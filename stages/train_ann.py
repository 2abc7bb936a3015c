"""Train the ANN: split sets to models/ann and metrics/ann.

Run as `python -m stages.train_ann`, or by `dvc repro train_ann`.
"""

from digits.core import errors
from digits.models import ann
from digits.training import run


def main() -> None:
    """Read the training and validation sets, train, write bundle and metrics."""
    run.run("ann", ann)


if __name__ == "__main__":
    with errors.reported():
        main()
