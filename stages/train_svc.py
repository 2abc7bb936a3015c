"""Fit the support vector machine: split sets to models/svc and metrics/svc.

Run as `python -m stages.train_svc`, or by `dvc repro train_svc`.
"""

import time
from datetime import UTC, datetime

from digits.core import config, errors
from digits.data.split import TrainingData
from digits.hardware import energy, selection
from digits.inference import scoring
from digits.inference.graph import Graph
from digits.models import svc
from digits.tracking.publisher import Publisher
from digits.training.conclude import TrainedModel, conclude

MODEL = "svc"


def main() -> None:
    """Read the training and validation sets, fit, write bundle and metrics."""
    params = config.load(f"train.{MODEL}", svc.Params)
    machine = selection.choose(config.load("hardware", selection.Params), gpu_capable=False)
    data = TrainingData.read()
    with Publisher() as publisher:
        publisher.open(MODEL, machine.as_dict())
        began, clock = datetime.now(UTC), time.perf_counter()
        meter = energy.Meter(machine.device)
        fitted = svc.fit(params, data.train, len(data.classes))
        seconds, joules = time.perf_counter() - clock, meter.stop()
        graph = svc.to_onnx(fitted, params, data.shape)
        train_outputs = Graph(graph.SerializeToString(), machine.threads).run(data.train.images)
        train_accuracy = scoring.accuracy(data.train.labels, train_outputs)
        result = TrainedModel(
            graph=graph,
            outputs=svc.scores(fitted, data.held_out.images),
            parameters=svc.parameters(fitted),
            library=f"{fitted.library} {machine.packages['scikit-learn']}",
            results={
                "support_vectors": len(fitted.estimator.support_vectors_),
                "train_accuracy": train_accuracy,
            },
            seconds=seconds,
            joules=joules,
            history=[{"epoch": 1, "train_accuracy": train_accuracy}],
            epoch_seconds=[seconds],
        )
        conclude(MODEL, data, machine, result, began)
        publisher.publish(MODEL)


if __name__ == "__main__":
    with errors.reported():
        main()
