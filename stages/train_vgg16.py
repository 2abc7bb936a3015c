"""Train the VGG16: split sets to models/vgg16 and metrics/vgg16.

Run as `python -m stages.train_vgg16`, or by `dvc repro train_vgg16`.
"""

from digits import errors
from digits.networks import stage, vgg16


def main() -> None:
    """Read the training and validation sets, train, write bundle and metrics."""
    stage.run("vgg16", vgg16)


if __name__ == "__main__":
    with errors.reported():
        main()
