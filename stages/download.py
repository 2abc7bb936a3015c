"""Fetch the published files: mirrors to data/raw.

Run as `python -m stages.download`, or by `dvc repro download`.
"""

from digits.core import config, errors, paths
from digits.datasets import download
from digits.scan.single.read import read_digit


def main() -> None:
    """Fill data/raw with the wanted data set, or with its fallback."""
    params = config.load("dataset", download.Params)
    name = download.download(params, paths.RAW, read_digit)
    print(f"data/raw holds {name}")


if __name__ == "__main__":
    with errors.reported():
        main()
