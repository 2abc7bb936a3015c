"""What metrics/*.json and the files beside the data hold: a class a file, with units.

A record that reads or builds is right: keys, types and ranges are checked, nothing is converted in
silence.  A key that was not given is not written; so a support vector machine has no epochs, where
a model without validation set has a `validation_accuracy` of null.

Shares, accuracies and probabilities are between 0 and 1; times are in the unit that the key ends
with; intervals hold 95%.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, RootModel, field_serializer

from digits.core.record import Count, Difference, Measure, Number, Record, Sha256, Share


class Hardware(Record):
    """What a stage computed on, and with what."""

    device: Literal["cpu", "gpu"]
    device_name: str
    """The processor's or the GPU's."""
    precision: Literal["float32", "bfloat16", "float16"]
    """Of a network's layers in training."""
    threads: Annotated[int, Field(ge=1)]
    cpu: str
    cpu_fingerprint: str | None = None
    """Differs between processors that have the same name; null in files of earlier versions."""
    cores: Annotated[int, Field(ge=1)]
    """That the process might use."""
    memory_gib: Measure
    """Of the machine, in GiB."""
    gpu: str | None
    """Null where there is none, named also where it was not used."""
    system: str
    python: str
    packages: dict[str, str]
    """Versions."""
    label: str
    """The parameter hardware.label."""


class RawFiles(Record):
    """data/raw/dataset.json: what was downloaded."""

    name: str
    files: dict[str, Sha256]
    """By path in the folder."""


class Prepared(Record):
    """data/prepared/dataset.json: what the prepared images are made of."""

    name: str
    classes: tuple[str, ...]
    raw_side: tuple[int, int]
    """Height and width of the raw images in pixels."""
    white: Annotated[int, Field(ge=1, le=255)]
    """The raw images' grey level of full ink."""


class Images(Record):
    """One set of the split."""

    images: Count
    per_class: tuple[Count, ...]
    """One more than the classes where some images are of none."""
    sha256: Sha256
    """Over the prepared images and their labels."""


class InTwoSets(Record):
    """An image that stands in two sets."""

    sets: tuple[str, str]
    index: tuple[int, int]
    """Its places in the data set."""


class SharedImages(Record):
    """The images that stand in two sets."""

    count: Count
    first: tuple[InTwoSets, ...]
    """The first of them."""


class Split(Prepared):
    """data/split/split.json: the sets."""

    image_shape: tuple[int, int, int]
    """Height, width and channels of the prepared images."""
    sets: dict[str, Images]
    """train, validation, test."""
    in_two_sets: SharedImages


class Train(Record):
    """metrics/MODEL/train.json: what a training came to."""

    model: str
    dataset: str
    model_sha256: Sha256
    """The bundle's digest."""
    epochs: Count | None = None
    """That were trained; for networks."""
    kept_epoch: Count | None = None
    """Whose weights were kept, counted from 1; for networks."""
    support_vectors: Count | None = None
    """For a support vector machine."""
    train_accuracy: Share
    """Of a network: over the kept epoch, while it was trained."""
    train_loss: Measure | None = None
    """The mean over the kept epoch, in the unit of the loss that was trained with; for networks."""
    validation_accuracy: Share | None
    """Of the bundle; null where there is no validation set."""
    validation_loss: Measure | None
    """The bundle's log loss in nats, after calibration; null where there is no validation set."""
    temperature: Annotated[float, Field(gt=0)]
    """That the outputs are divided by before the softmax."""
    parameters: Count
    """Numbers that the model stores."""
    bundle_bytes: Count
    """Size of the bundle's files for prediction, in bytes."""
    export_checked_on: Count
    """Images on which the export was compared with the library that trained."""
    export_differs_on: Count
    """Those of them that it predicts differently."""
    split: dict[str, Images]
    """The data, by set: train, validation, test, and of the reader the images that were made."""


class Timing(Record):
    """metrics/MODEL/timing.json: when a training took place, how long, and on what."""

    started: AwareDatetime
    train_seconds: Measure
    """From the first batch to the last, data and libraries being loaded."""
    epoch_seconds: tuple[Measure, ...]
    peak_memory_mib: Measure
    """The process's largest resident set, in MiB."""
    energy_joules: Measure | None = None
    """That the device drew in that time, for whatever process; null where it cannot be read."""
    hardware: Hardware

    @field_serializer("started")
    def _to_milliseconds(self, started: datetime) -> str:
        return started.isoformat(timespec="milliseconds")


class OfClass(Record):
    """The test figures of one class."""

    precision: Share
    recall: Share
    f1: Share
    images: Count


class Test(Record):
    """metrics/MODEL/test.json: how well the model predicts the test set."""

    model: str
    dataset: str
    test_sha256: Sha256
    """Of the test set, as in `Images`."""
    model_sha256: Sha256
    """The bundle's digest."""
    images: Count
    correct: Count
    accuracy: Share
    accuracy_low: Share
    """Of the Wilson interval."""
    accuracy_high: Share
    log_loss: Measure
    """Mean negative logarithm of the true class's probability, in nats."""
    macro_precision: Share
    """Mean over the classes, as the next two."""
    macro_recall: Share
    macro_f1: Share
    per_class: dict[str, OfClass]
    """By the classes' names, in their order."""


class Validation(Record):
    """metrics/MODEL/validation.json: the figures to choose by, which `dvc metrics` shows."""

    validation_accuracy: Share | None
    """Null, as the loss, where there is no validation set."""
    validation_loss: Measure | None

    @classmethod
    def of_training(cls, train: Train) -> Self:
        """Take them from all that a training says."""
        return cls(**train.model_dump(include=set(cls.model_fields)))


class Summary(Record):
    """metrics/MODEL/summary.json: the figures to report, which `dvc metrics` shows."""

    test_accuracy: Share
    test_accuracy_low: Share
    test_accuracy_high: Share
    test_log_loss: Measure
    test_macro_precision: Share
    test_macro_recall: Share
    test_macro_f1: Share

    @classmethod
    def of_test(cls, test: Test) -> Self:
        """Take them from all that an evaluation says."""
        return cls(**{name: getattr(test, name.removeprefix("test_")) for name in cls.model_fields})


class Timed(Record):
    """How long a call with some images takes, measured alone and after a warm-up."""

    batch: Annotated[int, Field(ge=1)]
    """Images a call."""
    repeats: Annotated[int, Field(ge=1)]
    """Calls that were timed."""
    median_ms: Measure
    low_ms: Measure
    """The 5th percentile."""
    high_ms: Measure
    """The 95th percentile."""


class Speed(Record):
    """metrics/MODEL/speed.json: how fast ONNX Runtime predicts, preprocessing not counted."""

    latency_ms: Measure
    """Median time of one image alone."""
    images_per_second: Measure
    """At the median time of a large batch."""
    memory_mib: Measure | None = None
    """Resident memory that loading the model and predicting one image added, in MiB; null in files
    of earlier versions, as the next."""
    batch_memory_mib: Measure | None = None
    """That loading the model and predicting a large batch added."""
    single: Timed
    """One image a call."""
    batched: Timed
    """A large batch, or all images where there are fewer."""
    hardware: Hardware
    """With the number of threads."""


class Row(Record):
    """The figures by which models are compared, of one model.

    Those that have a default are missing in files of earlier versions.
    """

    dataset: str
    validation_accuracy: Share | None
    """What models are chosen by; null where there is no validation set."""
    validation_accuracy_low: Share | None = None
    """Of the Wilson interval."""
    validation_accuracy_high: Share | None = None
    validation_images: Count | None = None
    test_accuracy: Share
    test_accuracy_low: Share
    test_accuracy_high: Share
    test_log_loss: Measure
    """In nats."""
    test_macro_f1: Share
    test_images: Count
    train_seconds: Measure
    train_memory_mib: Measure | None = None
    """The training process's largest resident set."""
    train_joules: Measure | None = None
    """Null where it cannot be read."""
    images_per_second: Measure
    latency_ms: Measure
    predict_memory_mib: Measure | None = None
    """Resident memory that loading the model and predicting one image added."""
    batch_memory_mib: Measure | None = None
    """That loading the model and predicting a large batch added."""
    parameters: Count
    bundle_mib: Measure
    device: str
    """On which it was trained."""
    precision: str
    threads: Count


class Comparison(RootModel[dict[str, Row]], Record):
    """metrics/comparison.json: a row a model."""

    model_config = ConfigDict(extra=None)


class Cochran(Record):
    """Cochran's Q: whether the models differ at all."""

    statistic: Measure
    df: Count
    """Degrees of freedom."""
    p: Share


class Pair(Record):
    """McNemar's exact test of two models on the same images."""

    first: str
    second: str
    only_first_correct: Count
    """Images."""
    only_second_correct: Count
    difference: Difference
    """Of the accuracies, the second's minus the first's."""
    p: Share
    minimum_detectable_difference: Share | None
    """The difference that the test finds with probability `power`, at the level of the
    correction's first step; null where none is large enough."""
    p_corrected: Share
    """By Holm's method over all pairs."""
    differs: bool
    """Whether `p_corrected` is at most `level`."""


class Bin(Record):
    """The predictions whose confidence lies above `low` and not above `high`."""

    low: Share
    high: Share
    images: Count
    confidence: Share
    """Mean."""
    accuracy: Share


class Calibration(Record):
    """Whether of the predictions with a confidence of 90%, nine in ten are correct."""

    expected_calibration_error: Share
    """Mean distance of accuracy and confidence over the bins, weighted by their images."""
    bins: tuple[Bin, ...]
    """Those of equal width that hold an image, in ascending order."""


class MisclassifiedByAll(Record):
    """A test image that no model predicts correctly."""

    index: Count
    """Its place in the data set."""
    label: Count
    """As the place of its class."""
    predictions: dict[str, Count]
    """What each model takes it for."""


class Significance(Record):
    """metrics/significance.json: which differences are real, what the confidences are worth."""

    images: Count
    level: Share
    """Chance of calling a difference real that is none."""
    power: Share
    cochran: Cochran | None
    """Null where all models read every image alike."""
    pairs: tuple[Pair, ...]
    calibration: dict[str, Calibration]
    misclassified_by_all: tuple[MisclassifiedByAll, ...]


class Point(Record):
    """The accuracy under one amount of a change."""

    amount: Number
    """In the change's unit."""
    correct: Count
    """Images."""
    accuracy: Share
    low: Share
    """Of the Wilson interval."""
    high: Share


class FallsBelow(Record):
    """The amounts at which the accuracy first falls below what is required; null at no step."""

    lower: Number | None
    """Below the neutral amount."""
    upper: Number | None
    """Above it."""


class Change(Record):
    """The accuracy under one kind of change."""

    unit: str
    neutral: Number
    """The amount that changes nothing."""
    points: tuple[Point, ...]
    """By ascending amount, the neutral one among them."""
    falls_below: FallsBelow


class Robustness(Record):
    """metrics/MODEL/robustness.json: how far digits may change."""

    model: str
    dataset: str
    model_sha256: Sha256
    set: Literal["validation", "train"]
    """Whose images were changed."""
    images: Count
    required: Share
    """The accuracy whose loss is looked for."""
    changes: dict[str, Change]


class OnImages(Record):
    """How many of some images were predicted correctly."""

    images: Count
    correct: Count
    accuracy: Share
    accuracy_low: Share
    """Of the 95% Wilson interval."""
    accuracy_high: Share


class Transfer(Record):
    """metrics/MODEL/transfer.json: digits of other hands than those that were trained on."""

    model: str
    dataset: str
    """That was trained on."""
    model_sha256: Sha256
    source: str
    """The data set of the other hands."""
    choosing: OnImages | None
    """The first half, in the file's order, by which recipes may be chosen; null where the model was
    trained on these hands, or does not tell the ten digits apart."""
    reporting: OnImages | None
    """The second half, by which no amount was chosen."""
    per_class: dict[str, Share]
    """Of the second half: the accuracy by class."""


class Abstaining(Record):
    """What limits for confident answers buy, on held-out images."""

    coverage: Share
    """Share of the digits that are answered with confidence."""
    error: Share | None
    """Share of these answers that are wrong; null where there are none."""
    error_low: Share | None
    """Of the Wilson interval."""
    error_high: Share | None
    taken_for_digits: Share | None
    """Share of images of no digit that are answered with confidence; null where there are none."""
    taken_low: Share | None
    """Of the Wilson interval."""
    taken_high: Share | None


class Confidence(Record):
    """metrics/MODEL/confidence.json: when the model abstains, and what that buys."""

    model: str
    dataset: str
    model_sha256: Sha256
    calibrated: bool
    """False where there is no validation set: the model then never abstains."""
    images: Count
    """Digits that the figures are measured on."""
    nondigits: Count
    """Images of no digit that they are measured on; what follows is there only if calibrated."""
    wanted: Share | None = None
    """The share of the digits that the limits are to let pass."""
    threshold: Share | None = None
    """Least score."""
    limit: Measure | None = None
    """Largest distance from the label's subspace; directions of edges are vectors of length 1."""
    bought: Abstaining | None = None
    others: tuple[Abstaining, ...] = ()
    """What other limits would buy, from few confident answers to all."""
