"""Score one model on digits of other hands: models/MODEL to metrics/MODEL/transfer.json.

Run as `python -m stages.transfer MODEL`, or by `dvc repro transfer@MODEL`.
"""

import sys

from digits.core import config, errors, paths, records
from digits.evaluation import transfer
from digits.hardware import selection
from digits.inference.predictor import Predictor
from digits.report import text


def main(model: str) -> None:
    """Measure, unless the model was trained on these hands or knows other classes."""
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    ready = Predictor.load(paths.MODELS / model, machine.threads)
    dataset = ready.bundle.description.dataset
    comparable = dataset != transfer.SOURCE and set(transfer.DIGITS) <= set(ready.classes)
    choosing = reporting = None
    per_class: dict[str, float] = {}
    if comparable:
        choosing, reporting, per_class = transfer.measure(ready.read, ready.classes)
    records.Transfer(
        model=model,
        dataset=dataset,
        model_sha256=ready.bundle.digest,
        source=transfer.SOURCE,
        choosing=choosing,
        reporting=reporting,
        per_class=per_class,
    ).write(paths.METRICS / model / "transfer.json")
    if reporting is None:
        print(f"{model} was trained on {dataset}: {transfer.SOURCE} tells nothing of other hands")
    else:
        print(f"{model} on other hands ({transfer.SOURCE}): {text.percent(reporting.accuracy)} of")
        print(f"{reporting.images} images are predicted correctly")


if __name__ == "__main__":
    with errors.reported():
        main(config.model_named(sys.argv))
