"""A training's model as MLflow keeps it: a pyfunc of which DVC holds the bytes.

The logged model has the bundle's description and, of the large files, where and by which digest
DVC holds them.  What is promoted gets these files as well, so that it can be had without DVC.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from digits.core.record import Count, Record, Sha256
from digits.tracking import connection
from digits.tracking.git import Read

NAME = "model"
"""Of the logged model, as in runs:/ID/model."""
LOADER = "digits.team.pyfunc"
"""The module that opens it, without a pickle."""
DESCRIPTION, GRAPH, RULE, EXAMPLES = "bundle.json", "model.onnx", "confidence.json", "examples.npz"
REFERENCES = "references.json"
BUNDLE = "bundle"
DATA = f"data/{BUNDLE}"
"""The folder of the logged model that has these files."""
FINGERPRINT = "digits.files"
"""The tag that changes with the files of the model."""
OF_RUN = "digits.run"
"""The tag by which the models of a run are found; what a run lists goes on when it is deleted."""
WHOLE = "digits.whole"
"""The tag of a logged model that has all bytes itself."""
LIBRARIES = (
    "joblib",
    "mlflow",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "pydantic",
)
"""What the loader needs beside the package digits, which is on no package index: MLflow is to use
the environment that it is installed in, `--env-manager local`."""


class Reference(Record):
    """A file that DVC holds."""

    path: str
    """In the checkout."""
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    """By which DVC's cache and its remotes name it."""
    sha256: Sha256
    size: Count
    """In bytes."""


def places(model: str) -> dict[str, str]:
    """Where a checkout has the files of a logged model, by their names in it."""
    return {
        DESCRIPTION: f"models/{model}/bundle.json",
        GRAPH: f"models/{model}/model.onnx",
        RULE: f"models/confidence/{model}.json",
        EXAMPLES: f"models/confidence/{model}.npz",
    }


def files(model: str, read: Read, digest: str) -> dict[str, bytes]:
    """The files of the model with this digest, by their names in the logged model.

    The rule and the examples are there once they have been made for this very model.

    Args:
        model: Its name.
        read: Reads files of the checkout.
        digest: SHA-256 of its description.

    Returns:
        Nothing where the files are those of another model, or are missing.

    """
    found = {name: read(path) for name, path in places(model).items()}
    description, graph, rule = found[DESCRIPTION], found[GRAPH], found[RULE]
    if description is None or graph is None or sha256(description) != digest:
        return {}
    if json.loads(description)["sha256"] != sha256(graph):
        return {}
    if rule is None or json.loads(rule)["model_sha256"] != digest:
        found[RULE] = found[EXAMPLES] = None
    return {name: content for name, content in found.items() if content is not None}


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def fingerprint(members: Mapping[str, bytes]) -> str:
    """The digest of every file by its name, as JSON."""
    return json.dumps({name: sha256(members[name]) for name in sorted(members)})


def log(client: Any, experiment: str, run_id: str, model: str, members: dict[str, bytes]) -> bool:
    """Give a run its logged model, unless it has this one.

    Args:
        client: MLflow's.
        experiment: Its id.
        run_id: The run.
        model: Its name.
        members: As `files` gives them.

    Returns:
        Whether there was anything to write.

    """
    from mlflow.entities import LoggedModelOutput

    logged, wanted = of_run(client, experiment, run_id), fingerprint(members)
    if any(one.tags.get(FINGERPRINT) == wanted and one.status == "READY" for one in logged):
        return False
    made = client.create_logged_model(
        experiment,
        name=NAME,
        source_run_id=run_id,
        model_type="classifier",
        tags={OF_RUN: run_id, FINGERPRINT: wanted, "model": model},
    )
    with tempfile.TemporaryDirectory() as folder:
        _save(Path(folder), made, model, members)
        client.log_model_artifacts(made.model_id, folder)
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
    client.finalize_logged_model(made.model_id, "READY")
    for former in logged:
        if WHOLE not in former.tags:
            client.delete_logged_model(former.model_id)
    return True


def of_run(client: Any, experiment: str, run_id: str) -> list[Any]:
    """The logged models of a run, as MLflow has them; more than one only where makers collided."""
    return list(client.search_logged_models([experiment], f"tags.`{OF_RUN}` = '{run_id}'"))


def complete(client: Any, model_id: str, members: Mapping[str, bytes]) -> None:
    """Store the bytes of a logged model's files with it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in members.items():
            (Path(folder) / name).write_bytes(content)
        client.log_model_artifacts(model_id, folder, DATA)
    client.set_logged_model_tags(model_id, {WHOLE: "true"})


def download(logged: Any, names: Iterable[str], folder: Path) -> None:
    """Fetch files of a logged model into a folder, by their names in it."""
    from mlflow.artifacts import download_artifacts

    for name in names:
        download_artifacts(
            artifact_uri=f"{logged.artifact_location}/{DATA}/{name}",
            dst_path=str(folder),
            tracking_uri=connection.address(),
        )


def _save(folder: Path, made: Any, model: str, members: Mapping[str, bytes]) -> None:
    """Write what MLflow calls a model: raw images in; labels, scores and confident out."""
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec
    from mlflow.types.schema import Array

    described = json.loads(members[DESCRIPTION])
    height, width = described["raw_side"]
    stroke = np.zeros((1, height, width), np.uint8)
    stroke[:, height // 7 : -height // 7, width * 3 // 7 : -width * 3 // 7] = described["white"]
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(DataType.string, "label"),
        ColSpec(Array(DataType.double), "scores"),
        ColSpec(DataType.boolean, "confident"),
    ]
    where = places(model)
    references = {
        name: Reference(
            path=where[name],
            md5=hashlib.md5(content).hexdigest(),
            sha256=sha256(content),
            size=len(content),
        ).as_dict()
        for name, content in members.items()
        if name != DESCRIPTION
    }
    with tempfile.TemporaryDirectory() as beside:
        data = Path(beside) / BUNDLE
        data.mkdir()
        (data / DESCRIPTION).write_bytes(members[DESCRIPTION])
        (data / REFERENCES).write_text(json.dumps(references, indent=2), encoding="utf-8")
        pyfunc.save_model(
            str(folder / NAME),
            loader_module=LOADER,
            data_path=str(data),
            signature=ModelSignature(
                Schema([TensorSpec(np.dtype("uint8"), (-1, height, width))]), Schema(columns)
            ),
            input_example=stroke,
            pip_requirements=[f"{name}=={metadata.version(name)}" for name in LIBRARIES],
            mlflow_model=Model(
                artifact_path=NAME,
                run_id=made.source_run_id,
                model_uuid=made.model_id,
                model_id=made.model_id,
            ),
        )
    for entry in (folder / NAME).iterdir():
        entry.rename(folder / entry.name)
    (folder / NAME).rmdir()
