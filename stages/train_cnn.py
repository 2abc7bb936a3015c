"""Train the CNN: split sets to models/cnn and metrics/cnn.

Run as `python -m stages.train_cnn`, or by `dvc repro train_cnn`.
"""

from digits import errors
from digits.networks import cnn, stage


def main() -> None:
    """Read the training and validation sets, train, write bundle and metrics."""
    stage.run("cnn", cnn)


if __name__ == "__main__":
    with errors.reported():
        main()
