"""The champion: only what was promoted is loaded, whatever somebody put into the registry."""

import json
import pickle

import numpy as np
import pytest
from onnx import TensorProto

from digits.core.errors import UserError
from digits.inference import bundle
from digits.inference.predictor import Predictor
from digits.team import champion, registry
from digits.tracking import models as logged
from digits.tracking.models import DESCRIPTION, FINGERPRINT, GRAPH
from tests import tiny


class Planted:
    """A registry into which anything can be put."""

    def __init__(self, door):
        self.door, self.client = door, door.client

    def put(self, members, tags=None, model="cnn"):
        """Make these files a version, under tags that fit them or under others."""
        run = self.client.create_run(self.door.store.experiment)
        logged.log(self.client, self.door.store.experiment, run.info.run_id, model, members)
        if tags is None:
            return self.door.register(model, run.info.run_id, members).number
        (made,) = logged.of_run(self.client, self.door.store.experiment, run.info.run_id)
        logged.complete(self.client, made.model_id, members)
        return self.version(f"models:/{made.model_id}", run.info.run_id, tags)

    def version(self, source, run_id=None, tags=None):
        if not self.client.search_registered_models(f"name = '{registry.NAME}'"):
            self.client.create_registered_model(registry.NAME)
        made = self.client.create_model_version(registry.NAME, source, run_id=run_id, tags=tags)
        return int(made.version)


@pytest.fixture
def planted(door):
    return Planted(door)


@pytest.fixture
def members(models):
    """The files of a tiny model, by their names in a logged model."""
    found = {
        name: (models.parent / place).read_bytes() for name, place in logged.places("cnn").items()
    }
    digest = logged.sha256(found[DESCRIPTION])
    assert logged.files("cnn", {logged.places("cnn")[n]: found[n] for n in found}.get, digest)
    return found


def tags(members, **changes):
    return {"model": "cnn", FINGERPRINT: logged.fingerprint(members)} | changes


def test_the_champion_answers_as_its_bundle_does(planted, members, models):
    door = planted.door
    with pytest.raises(UserError, match="no champion"):
        champion.number(door)
    door.crown(planted.put(members))
    reader = champion.read(champion.number(door), door)
    assert reader.models == ("champion",)
    assert reader.digests["champion"] == logged.sha256(members[DESCRIPTION])
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 12:16] = 255
    (said,) = reader.predict(image, "champion")
    expected = Predictor.load(models / "cnn").read(image)
    assert said.scores == tuple(expected[0])


@pytest.mark.parametrize("name", sorted(logged.places("cnn")))
def test_a_file_that_is_not_the_one_that_was_promoted_is_refused(planted, members, name):
    other = members | {name: members[name] + b" "}
    number = planted.put(other, tags(members))
    with pytest.raises(UserError, match=f"its {name} is not the one that was promoted"):
        champion.read(number, planted.door)


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "../../cnn"},
        {"model": ""},
        {FINGERPRINT: "{}"},
        {FINGERPRINT: "no JSON"},
        {FINGERPRINT: json.dumps({"../../../etc/passwd": "a" * 64, DESCRIPTION: "b" * 64})},
    ],
)
def test_a_version_of_other_files_is_refused(planted, members, changed):
    number = planted.put(members, tags(members, **changed))
    with pytest.raises(UserError, match="is not loaded"):
        champion.read(number, planted.door)


def test_what_was_not_promoted_is_refused_unseen(planted, members, tmp_path):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(Trap()))
    (folder / "MLmodel").write_text("flavors: {sklearn: {pickled_model: model.pkl}}\n")
    for source in (folder.as_uri(), "models:/digits/1"):
        run = planted.client.create_run(planted.door.store.experiment)
        number = planted.version(source, run.info.run_id, tags(members))
        with pytest.raises(UserError, match="`digits promote` did not make it"):
            champion.read(number, planted.door)
    assert not (tmp_path / "sprung").exists()


def test_weights_outside_the_folder_are_not_read(planted, members, models, tmp_path):
    """The digests fit: whoever could write all of them is still given no other file."""
    secret = np.arange(28 * 28 * 2, dtype=np.float32)
    secret.tofile(tmp_path / "secret")
    graph = tiny.ink_in_the_middle()
    (weights,) = [one for one in graph.graph.initializer if one.name == "weights"]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../" * 20 + str(tmp_path / "secret")[1:]), ("offset", "0")):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    bundle.save(models / "cnn", graph, tiny.DESCRIPTION | {"model": "cnn"})
    hostile = {
        name: (models.parent / place).read_bytes() for name, place in logged.places("cnn").items()
    }
    rule = json.loads(members[logged.RULE])
    rule["model_sha256"] = logged.sha256(hostile[DESCRIPTION])
    hostile[logged.RULE] = json.dumps(rule).encode()
    assert hostile[GRAPH] != members[GRAPH]
    number = planted.put(hostile)
    with pytest.raises(UserError, match="ONNX Runtime refuses"):
        champion.read(number, planted.door)


def test_a_service_stays_with_its_champion_where_the_new_one_is_refused(planted, members, capsys):
    door = planted.door
    door.crown(planted.put(members))
    follower = champion.Follower(door, 1)
    before = follower()
    follower.look()
    assert follower() is before
    door.crown(planted.put(members | {GRAPH: b""}, tags(members)))
    with pytest.raises(UserError, match="not the one that was promoted"):
        follower.look()
    assert follower() is before
