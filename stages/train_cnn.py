"""Train the CNN: split sets to models/cnn and metrics/cnn.

Run as `python -m stages.train_cnn`, or by `dvc repro train_cnn`.
"""

from digits.core import errors
from digits.models import cnn
from digits.training import run


def main() -> None:
    """Read the training and validation sets, train, write bundle and metrics."""
    run.run("cnn", cnn)


if __name__ == "__main__":
    with errors.reported():
        main()
