"""Train the VGG16: split sets to models/vgg16 and metrics/vgg16.

Run as `python -m stages.train_vgg16`, or by `dvc repro train_vgg16`.
"""

from digits.core import errors
from digits.models import vgg16
from digits.training import run


def main() -> None:
    """Read the training and validation sets, train, write bundle and metrics."""
    run.run("vgg16", vgg16)


if __name__ == "__main__":
    with errors.reported():
        main()
