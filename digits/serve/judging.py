"""How models read pictures whose digit is known, as `digits predict` reads them."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digits.core import records
from digits.core.errors import printable
from digits.core.record import Count, Record
from digits.datasets.raw.faults import Faults
from digits.evaluation import significance
from digits.evaluation.transfer import counted
from digits.scan.single.decode import read_image

if TYPE_CHECKING:
    from digits.serve.reader import Page, Reader


class Answer(Record):
    """What one model reads in one picture."""

    guess: str
    """The best guesses for all digits that were found, one after the other; "" if none was."""
    confident: bool
    """Whether a digit was found, and no answer is withheld."""


class Picture(Record):
    """One picture."""

    image: str
    """Its path in the folder."""
    label: str
    """The class of the one digit that it holds."""
    digits: Count
    """That were found in it."""
    answers: dict[str, Answer]
    """By model."""

    def is_right(self, model: str) -> bool:
        """Whether one digit was found, and the model's best guess is its class."""
        return self.digits == 1 and self.answers[model].guess == self.label

    def is_confident_and_wrong(self, model: str) -> bool:
        """Whether the model misreads the picture without abstaining."""
        return self.answers[model].confident and not self.is_right(model)


class OfModel(records.OnImages):
    """What one model makes of all pictures."""

    abstained: Count
    """Pictures in which no digit was found, or an answer is withheld."""
    confident_and_wrong: Count
    """Pictures that were misread without abstaining."""
    per_class: dict[str, records.OnImages]


class Judged(Record):
    """All models on all pictures."""

    pictures: tuple[Picture, ...]
    models: dict[str, OfModel]
    pairs: tuple[records.Pair, ...]
    """McNemar's test between every two models, with Holm's correction."""


def judge(reader: "Reader", pictures: Iterable[tuple[str, Path]], folder: Path) -> Judged:
    """Let all models of a reader read pictures of one digit each.

    Args:
        reader: The models.
        pictures: Label and file of each; at least one.
        folder: In which the files are.

    Raises:
        UserError: listing every picture that cannot be read or whose class no model knows.

    """
    faults, found = Faults(printable(str(folder))), []
    for label, path in pictures:
        name = str(path.relative_to(folder))
        if label not in reader.classes:
            known = ", ".join(reader.classes)
            faults.add(name, f"expected a class that the models know ({known}), found {label}")
            continue
        with faults.of(name):
            found.append(_picture(name, label, reader.read(read_image(path)), reader.models))
    faults.raise_any()
    correct = {model: np.array([one.is_right(model) for one in found]) for model in reader.models}
    return Judged(
        pictures=tuple(found),
        models={model: _of_model(model, found, right) for model, right in correct.items()},
        pairs=significance.pairs(correct),
    )


def _picture(name: str, label: str, page: "Page", models: Iterable[str]) -> Picture:
    return Picture(
        image=name.encode(errors="backslashreplace").decode(),
        label=label,
        digits=len(page.digits),
        answers={
            model: Answer(
                guess="".join(digit.predictions[model].label for digit in page.digits),
                confident=bool(page.digits)
                and all(digit.predictions[model].confident for digit in page.digits),
            )
            for model in models
        },
    )


def _of_model(model: str, pictures: list[Picture], right: np.ndarray) -> OfModel:
    labels = np.array([picture.label for picture in pictures])
    return OfModel(
        **dict(counted(right)),
        abstained=sum(not picture.answers[model].confident for picture in pictures),
        confident_and_wrong=sum(picture.is_confident_and_wrong(model) for picture in pictures),
        per_class={
            label: counted(right[labels == label])
            for label in dict.fromkeys(picture.label for picture in pictures)
        },
    )
