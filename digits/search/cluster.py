"""Ray on this machine alone, or a cluster that runs already."""

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from digits.core.errors import UserError
from digits.hardware import detect

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Else workers yield to everything else, and times tell nothing.
    "RAY_worker_niceness": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # What Tune would write of its own beside the journal, and say beside our table.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "10",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
"""Of the process that leads."""
OF_WORKERS = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A stopped training is waited for: its worker is taken on, with TensorFlow loaded.
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
MOST_STORE_SHARE = 0.5
"""Of the free memory that a store of objects on this machine may have."""
LEAST_STORE = 128 * 2**20
CLIENT = "ray://"


@dataclass(frozen=True)
class Resources:
    """What there is to compute with."""

    nodes: int
    cores: int
    gpus: float

    def at_once(self, cores: int, gpus: float) -> int:
        """How many tasks run at once that need so much each."""
        by_gpus = int(self.gpus / gpus) if gpus else self.cores
        return min(self.cores // cores, by_gpus)


@contextlib.contextmanager
def connected(
    address: str | None, shared: int, variables: Mapping[str, str] | None = None
) -> Iterator[Resources]:
    """Start Ray on this machine, or join a cluster, for the time of the block.

    Args:
        address: Of the cluster's head, "auto" on one of its machines; None for this machine alone.
        shared: Bytes that the workers of a node share.
        variables: More of the workers' environment.

    Raises:
        UserError: if there is no cluster at the address.

    """
    os.environ.update(SETTINGS)
    import ray

    if address and address.startswith(CLIENT):
        raise UserError(
            "--address: expected the address of the cluster's head, such as 10.0.0.1:6379, or "
            f"auto, received {address}; run the command on a machine of the cluster, or hand it in "
            "with `ray job submit`"
        )
    store = {} if address else {"object_store_memory": _store(shared)}
    env = {"env_vars": OF_WORKERS | dict(variables or {})}
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "runtime_env": env}
    try:
        with _silent():
            if address:
                ray.init(address=address, **quiet)
            else:
                ray.init(
                    address="local",
                    num_cpus=detect.usable_cores(),
                    include_dashboard=False,
                    **store,
                    **quiet,
                )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"the cluster at {address}" if address else "Ray on this machine"
        raise UserError(
            f"{where} cannot be used ({str(error).partition(chr(10))[0]}); start it with "
            "`ray start --head`, see docs/sweeps.md"
        ) from None
    # What fails ends a trial or raises; Ray's loggers would add tracebacks.
    for name in ("ray", "ray.data", "ray.train", "ray.tune"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        total = ray.cluster_resources()
        yield Resources(
            nodes=sum(1 for node in ray.nodes() if node["Alive"]),
            cores=int(total.get("CPU", 0)),
            gpus=total.get("GPU", 0.0),
        )
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Drop what Ray's C++ says on the standard error while it starts; its faults are raised."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _store(shared: int) -> int:
    """Bytes for Ray's store of objects: what is shared, and as much again for what passes by."""
    most = int(detect.available_memory() * MOST_STORE_SHARE)
    wanted = max(LEAST_STORE, 2 * shared)
    if wanted > most:
        raise UserError(
            f"sharing the data takes {wanted / 2**30:.1f} GiB of memory, and {most / 2**30:.1f} "
            "GiB are free for it; free some memory, or make the sets of the split smaller"
        )
    return wanted
