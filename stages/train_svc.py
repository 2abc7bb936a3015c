"""Fit the support vector machine: split sets to models/svc and metrics/svc.

Run as `python -m stages.train_svc`, or by `dvc repro train_svc`.
"""

import time
from datetime import UTC, datetime

from digits import config, errors, hardware, pipeline, svc, tracking

MODEL = "svc"


def main() -> None:
    """Read the training and validation sets, fit, write bundle and metrics."""
    params = config.load(f"train.{MODEL}", svc.Params)
    machine = hardware.choose(config.load("hardware", hardware.Params), gpu_capable=False)
    data = pipeline.Data.read()
    with tracking.Publisher() as publisher:
        publisher.open(MODEL, machine.as_dict())
        began, clock = datetime.now(UTC), time.perf_counter()
        fitted = svc.fit(params, data.train, len(data.classes))
        outcome = pipeline.Outcome(
            graph=svc.to_onnx(fitted, params, data.shape),
            outputs=svc.scores(fitted, data.held_out.images),
            parameters=svc.parameters(fitted),
            library=f"{fitted.library} {machine.packages['scikit-learn']}",
            results={"support_vectors": len(fitted.machine.support_vectors_)},
            seconds=time.perf_counter() - clock,
        )
        pipeline.conclude(MODEL, data, machine, outcome, began)
        publisher.publish(MODEL)


if __name__ == "__main__":
    with errors.reported():
        main()
