"""What the stages of all networks do."""

import functools
import time
from datetime import UTC, datetime
from types import ModuleType

from digits.core import config
from digits.data.split import Part, TrainingData
from digits.hardware import energy, selection
from digits.tracking.publisher import Publisher
from digits.training import export, fit, memory, tensorflow_log
from digits.training.conclude import TrainedModel, conclude

CHECKED = 1000
"""Images on which the export is compared with Keras itself."""


def run(model: str, network: ModuleType, made: Part | None = None) -> None:
    """Train one network; write its bundle and its metrics.

    Args:
        model: Its name: the section train.`model`, the folder models/`model`.
        network: Its module, with `Params`, `build`, `XLA_ON_CPU` and `GAINS_BY_BFLOAT16`.
        made: Images to train on beside the training set.

    """
    recipe = config.load(f"train.{model}", network.Params)
    wanted = config.load("hardware", selection.Params)
    machine = selection.choose(wanted, network.GAINS_BY_BFLOAT16)
    data = TrainingData.read()
    if made is not None:
        data = data.beside(made)
    build = functools.partial(network.build, recipe, data.shape, len(data.classes))
    with Publisher() as publisher:
        with tensorflow_log.heeding_its_level():
            machine = selection.confirm(machine, wanted, network.GAINS_BY_BFLOAT16)
        need = memory.needed(build, recipe, machine, data.train, data.validation)
        memory.check(f"train.{model}", need, machine)
        publisher.open(model, machine.as_dict())
        began, clock = datetime.now(UTC), time.perf_counter()
        meter = energy.Meter(machine.device)
        trained = fit.fit(
            build,
            recipe,
            data.train,
            data.validation,
            machine,
            xla=network.XLA_ON_CPU or machine.device == "gpu",
            on_epoch=publisher.epoch,
        )
        seconds, joules = time.perf_counter() - clock, meter.stop()
        last = trained.history[trained.kept_epoch - 1]
        result = TrainedModel(
            graph=export.to_onnx(trained.network),
            outputs=fit.logits(trained.network, data.held_out.images[:CHECKED]),
            parameters=trained.network.count_params(),
            library=f"keras {machine.packages['keras']}",
            results={
                "epochs": len(trained.history),
                "kept_epoch": trained.kept_epoch,
                "train_accuracy": last["train_accuracy"],
                "train_loss": last["train_loss"],
            },
            seconds=seconds,
            joules=joules,
            history=trained.history,
            epoch_seconds=trained.epoch_seconds,
            save_network=lambda path: export.save_keras(trained.network, path),
        )
        conclude(model, data, machine, result, began)
        publisher.publish(model)
