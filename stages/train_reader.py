"""Train the reader: split sets and made digits to models/reader and metrics/reader.

Run as `python -m stages.train_reader`, or by `dvc repro train_reader`.
"""

from digits.core import errors, paths
from digits.data import split
from digits.models import reader
from digits.training import run


def main() -> None:
    """Read the training and validation sets and the made digits, train, write."""
    run.run("reader", reader, made=split.read(paths.SYNTHESIS, "train"))


if __name__ == "__main__":
    with errors.reported():
        main()
