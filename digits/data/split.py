"""Training, validation and test sets: drawn, checked, stored and read."""

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from digits.core import files, paths, records
from digits.core.config import Count, Section, Seed
from digits.core.errors import UserError

SETS = ("train", "validation", "test")
SAMPLES_NAMED = 20
Size = Annotated[int, Field(ge=0, le=10**9)]


class Params(Section):
    """How many images go where.

    For the published sets of 70,000 images the four counts must add up to 70,000.  For any other
    set they are used as they are if they add up to its size, and as proportions if they do not.
    """

    train: Count
    validation: Size
    test: Count
    left_out: Size
    """Images that are in no set, on purpose."""
    shuffle: bool
    """Draw at random; false: each set is the last of what is left, first test, then validation."""
    stratify: bool
    """Keep each class's share the same in every set, which only drawing at random can do."""
    seed: Seed

    @field_validator("stratify")
    @classmethod
    def _only_of_shuffled(cls, given: bool, others: ValidationInfo) -> bool:
        if given and not others.data.get("shuffle", True):
            raise ValueError("expected false, since split.shuffle is false")
        return given

    @property
    def total(self) -> int:
        return self.train + self.validation + self.test + self.left_out


class Indices(NamedTuple):
    """Which images are in which set, in the order in which they are stored."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Part:
    """One stored set."""

    images: np.ndarray
    """(n, height, width, 1) float32."""
    labels: np.ndarray
    """(n,) uint8."""
    index: np.ndarray
    """(n,) int32, each image's place in the prepared data set."""

    def __len__(self) -> int:
        return len(self.images)

    def only(self, places: np.ndarray) -> "Part":
        """The images at these places."""
        return Part(self.images[places], self.labels[places], self.index[places])


def counts(params: Params, size: int, official_test: int) -> tuple[int, int, int]:
    """How many images go into train, validation and test of a data set of `size` images.

    Args:
        params: The wanted counts or proportions.
        size: Images in the data set.
        official_test: Images in its official test set, 0 where it has none.

    Raises:
        UserError: if a set that must not be empty would be.

    """
    if params.total == size:
        train, validation, test = params.train, params.validation, params.test
    else:
        test = official_test or round(size * params.test / params.total)
        rest = size - test
        pool = params.total - params.test
        validation = round(rest * params.validation / pool)
        train = rest - validation - round(rest * params.left_out / pool)
    if min(train, test) < 1:
        raise UserError(
            f"split: {size} images in the proportions {params.train}:{params.validation}:"
            f"{params.test} leave {train} to train and {test} to test; use more images"
        )
    return train, validation, test


def draw(labels: np.ndarray, is_test: np.ndarray, params: Params) -> Indices:
    """Draw the three sets.

    Where an official test set exists, test images come from it alone and all others from the
    rest.  Otherwise the test set is drawn first, as scikit-learn's `train_test_split` does.

    Args:
        labels: (n,) integer labels.
        is_test: (n,) bool, the official test set.
        params: The counts, the seed, and whether classes keep their shares.

    Raises:
        UserError: if the counts cannot be drawn, for example because a class has one image.

    """
    size, official = len(labels), int(is_test.sum())
    train, validation, test = counts(params, size, official)
    everything = np.arange(size)
    if official:
        if test > official or train + validation > size - official:
            raise UserError(
                f"split: the data set has {size - official} training and {official} official test "
                f"images, but {train} + {validation} and {test} were asked for"
            )
        pool = everything[~is_test]
        tested = _take(everything[is_test], test, labels, params)[0]
    else:
        tested, pool = _take(everything, test, labels, params)
    validated, pool = _take(pool, validation, labels, params)
    trained = _take(pool, train, labels, params)[0]
    return Indices(trained, validated, tested)


def _take(
    pool: np.ndarray, count: int, labels: np.ndarray, params: Params
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` of `pool` at random; return the drawn and the others."""
    from sklearn.model_selection import train_test_split

    if count == len(pool):
        return pool, pool[:0]
    if count == 0:
        return pool[:0], pool
    try:
        others, drawn = train_test_split(
            pool,
            test_size=count,
            shuffle=params.shuffle,
            random_state=params.seed if params.shuffle else None,
            stratify=labels[pool] if params.stratify else None,
        )
    except ValueError as error:
        raise UserError(
            f"split: {count} of {len(pool)} images cannot be drawn ({error}); "
            "use other counts, or set split.stratify to false"
        ) from None
    return drawn, others


def shared_images(images: np.ndarray, indices: Indices) -> list[records.InTwoSets]:
    """Images that stand, pixel for pixel, in two sets.

    Returns:
        One entry per image and pair of sets: the names of the sets and the places of the image
        in the prepared data set.

    """
    places: dict[bytes, dict[str, int]] = {}
    shared = []
    for name, members in zip(SETS, indices, strict=True):
        for place in members:
            digest = hashlib.blake2b(images[place].tobytes(), digest_size=16).digest()
            seen = places.setdefault(digest, {})
            shared += [
                records.InTwoSets(sets=(other, name), index=(first, int(place)))
                for other, first in seen.items()
                if other != name
            ]
            seen.setdefault(name, int(place))
    return shared


def describe(
    images: np.ndarray, labels: np.ndarray, indices: Indices, prepared: records.Prepared
) -> records.Split:
    """What split.json says: class counts, a digest of every set, and images in two sets."""
    used = np.concatenate(indices)
    if len(np.unique(used)) != len(used):
        raise AssertionError("the sets of the split overlap")
    shared = shared_images(images, indices)
    classes = len(prepared.classes)
    return records.Split(
        **dict(prepared),
        image_shape=images.shape[1:],
        sets={
            name: _described(images[members], labels[members], classes)
            for name, members in zip(SETS, indices, strict=True)
        },
        in_two_sets=records.SharedImages(count=len(shared), first=tuple(shared[:SAMPLES_NAMED])),
    )


def _described(images: np.ndarray, labels: np.ndarray, classes: int) -> records.Images:
    digest = hashlib.sha256(np.ascontiguousarray(images).data)
    digest.update(np.ascontiguousarray(labels).data)
    return records.Images(
        images=len(images),
        per_class=tuple(np.bincount(labels, minlength=classes).tolist()),
        sha256=digest.hexdigest(),
    )


def save(folder: Path, images: np.ndarray, labels: np.ndarray, indices: Indices) -> None:
    """Write train.npz, validation.npz and test.npz into `folder`."""
    for name, members in zip(SETS, indices, strict=True):
        part = Part(images[members], labels[members], members.astype(np.int32))
        save_part(folder / f"{name}.npz", part)


def save_part(path: Path, part: Part) -> None:
    """Write one set, which `read` reads."""
    files.write_arrays(path, images=part.images, labels=part.labels, index=part.index)


def read(folder: Path, name: str) -> Part:
    """Read one set that `save` wrote.

    Raises:
        UserError: if the file is missing or damaged.

    """
    path = folder / f"{name}.npz"
    stage = folder.name
    try:
        with np.load(path) as stored:
            return Part(stored["images"], stored["labels"], stored["index"])
    except FileNotFoundError:
        raise UserError(f"{path} is missing; make it with `dvc repro {stage}`") from None
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is damaged ({error}); remove it and run `dvc repro {stage}`"
        ) from None


def joined(one: Part, other: Part) -> Part:
    """The images of two sets, one after the other."""
    return Part(
        np.concatenate([one.images, other.images]),
        np.concatenate([one.labels, other.labels]),
        np.concatenate([one.index, other.index]),
    )


@dataclass(frozen=True)
class TrainingData:
    """What a training stage reads; the test set stays closed."""

    train: Part
    validation: Part
    description: records.Split
    """split.json."""

    @classmethod
    def read(cls, folder: Path = paths.SPLIT) -> "TrainingData":
        """Read training set, validation set and split.json."""
        return cls(
            read(folder, "train"),
            read(folder, "validation"),
            records.Split.read(folder / "split.json"),
        )

    def beside(self, made: Part) -> "TrainingData":
        """The same with made images to train on beside the training set, described as `made`."""
        described = _described(made.images, made.labels, len(self.classes))
        return TrainingData(
            joined(self.train, made),
            self.validation,
            self.description.model_copy(
                update={"sets": {**self.description.sets, "made": described}}
            ),
        )

    @property
    def held_out(self) -> Part:
        """The validation set, or the training set where there is none."""
        return self.validation if len(self.validation) else self.train

    @property
    def shape(self) -> tuple[int, int, int]:
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    @property
    def classes(self) -> list[str]:
        return list(self.description.classes)
