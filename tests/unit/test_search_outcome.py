"""What a sweep found: counted, ranked, with intervals; its report; its winner in params.yaml."""

import shutil

import pytest

pytest.importorskip("optuna")

from digits.core import config, paths
from digits.core.errors import UserError
from digits.search import outcome, report, space, winner
from digits.search.proposals import Proposals
from digits.tracking import journal
from tests.unit import sweeps


def of(*trials, **definition):
    one = sweeps.sweep(**definition)
    return outcome.of(one, sweeps.contents(one, *trials))


def test_the_best_is_the_best_finished_trial():
    found = of(
        sweeps.trial(0, 0.95),
        sweeps.trial(1, 0.99, state="stopped"),
        sweeps.trial(2, 0.97),
        sweeps.trial(3, state="failed"),
        sweeps.trial(4, 0.965),
    )
    assert [trial.number for trial in found.front] == [2]
    assert found.counts == {"finished": 3, "stopped": 1, "failed": 1}
    assert found.interval == pytest.approx((0.957, 0.979), abs=1e-3)
    assert [trial.number for trial in found.alike] == [2, 4]
    assert found.winning == found.front[0].values
    assert found.epochs == 8


def test_several_objectives_give_a_front():
    found = of(
        sweeps.trial(0, 0.95, size_mib=1.0),
        sweeps.trial(1, 0.97, size_mib=2.0),
        sweeps.trial(2, 0.96, size_mib=3.0),
        sweeps.trial(3, 0.97, size_mib=2.5),
        objective=["validation_accuracy", "size_mib"],
    )
    assert [trial.number for trial in found.front] == [1, 0]


def test_without_a_finished_trial_there_is_no_winner():
    found = of(sweeps.trial(0, state="failed"))
    assert found.winning is None
    assert "no winner" in "\n".join(report.summary(found))


SEEDS = "{train: {cnn: {seed: {choice: [0, 1]}, optimizer: {choice: [adam, sgd]}}}}"


def test_seeds_give_mean_and_spread_and_none_of_them_wins():
    def trial(number, seed, optimizer, accuracy):
        values = {"train.cnn.seed": seed, "train.cnn.optimizer": optimizer}
        return sweeps.trial(number, accuracy).model_copy(update={"values": values})

    found = of(
        trial(0, 0, "adam", 0.96),
        trial(1, 1, "adam", 0.98),
        trial(2, 0, "sgd", 0.99),
        trial(3, 1, "sgd", 0.93),
        space=SEEDS,
        search="grid",
    )
    first = found.seeds[0]
    assert (first.mean, first.deviation) == pytest.approx((0.97, 0.01414), abs=1e-4)
    assert first.low < 0.97 < first.high
    assert found.winning == {"train.cnn.optimizer": "adam"}


def test_proposals_go_on_where_the_journal_ends():
    one = sweeps.sweep()
    values = {"train.cnn.optimizer": "sgd", "train.cnn.learning_rate": 0.003}
    again = Proposals(one, [sweeps.trial(0, 0.9)], {2: values})
    proposed = [again.propose() for _ in range(3)]
    assert proposed[0] == (2, values)
    assert proposed[1] is not None
    assert proposed[1][0] == 3
    assert proposed[2] is None  # four trials: 0 to 3
    assert len(again.study.trials) == 2


def test_epochs_are_a_budget():
    one = sweeps.sweep(budget={"epochs": 2})
    assert Proposals(one, [sweeps.trial(0, 0.9, epochs=1)], {}).propose()
    assert Proposals(one, [sweeps.trial(0, 0.9, epochs=2)], {}).propose() is None


def test_a_grid_goes_on_at_its_next_combination():
    one = sweeps.sweep(SEEDS, search="grid", budget={})
    done = [sweeps.trial(number, 0.9) for number in range(2)]
    told = Proposals(one, [], {})
    for trial in done:
        told.propose()
        told.tell(trial)
    later = Proposals(one, done, {}).propose()
    assert later == told.propose()
    assert later == (2, {"train.cnn.seed": 1, "train.cnn.optimizer": "adam"})


def test_asha_meets_a_grid_in_no_order():
    space = "{train: {cnn: {epochs: 4, seed: {integer: [0, 20]}}}}"
    plain = Proposals(sweeps.sweep(space, search="grid", budget={}), [], {})
    asha = Proposals(sweeps.sweep(space, search="grid", budget={}, stop_early={}), [], {})
    told = [[one.propose() for _ in range(21)] for one in (plain, asha)]
    seeds = [[one[1]["train.cnn.seed"] for one in each if one] for each in told]
    assert seeds[0] == sorted(seeds[1]) != seeds[1]


def test_the_report_tells_all(tmp_path):
    trials = [
        sweeps.trial(number, 0.9 + number / 1000, values={"train.cnn.learning_rate": rate})
        for number, rate in enumerate((0.001, 0.002, 0.003, 0.004, 0.006, 0.009))
    ]
    stopped = sweeps.trial(6, 0.5, state="stopped", epochs=1)
    found = of(*trials, stopped, sweeps.trial(7, state="failed"))
    text = report.write(found, tmp_path).read_text()
    assert "8 trials: 6 finished, 1 stopped, 1 failed." in text
    assert "| train.cnn.learning_rate | 0.004 | 0.009 |" in text
    assert "it diverged" in text
    assert "13 epochs" in text
    for name in ("history", "curves", "parallel"):
        assert f"({name}.png)" in text
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert config.read(tmp_path / journal.OUTCOME)["trials"]["finished"] == 6


def test_the_report_of_several_objectives_draws_the_front(tmp_path):
    objective = ["validation_accuracy", "size_mib"]
    found = of(sweeps.trial(0, 0.9, size_mib=1.0), objective=objective)
    assert "front.png" in report.write(found, tmp_path).read_text()


@pytest.fixture
def params(tmp_path):
    return shutil.copy(paths.PARAMS, tmp_path / "params.yaml")


def test_the_winner_changes_its_values_and_nothing_else(params):
    before = params.read_text().splitlines()
    values = {"train.cnn.learning_rate": 0.00123, "train.cnn.optimizer": "sgd"}
    changed = winner.apply(sweeps.sweep(), values, params)
    after = params.read_text().splitlines()
    different = [
        (old.strip(), new.strip()) for old, new in zip(before, after, strict=True) if old != new
    ]
    assert different == [
        ("optimizer: adam", "optimizer: sgd"),
        ("learning_rate: 0.004", "learning_rate: 0.00123"),
        ("epochs: 5", "epochs: 4"),
    ]
    assert changed["train.cnn.epochs"] == (5, 4)
    config.check(config.read(params))
    assert winner.apply(sweeps.sweep(), values, params) == {}


def test_lists_and_sections_are_taken_over(params):
    one = sweeps.sweep(
        "{train: {cnn: {units: {choice: [[64, 32], []]}, augmentation: {shift: 0}}}}"
    )
    winner.apply(one, {"train.cnn.units": [64, 32]}, params)
    tree = config.read(params)
    assert space.get(tree, "train.cnn.units") == [64, 32]
    assert space.get(tree, "train.cnn.augmentation.shift") == 0
    assert "units: [64, 32]" in params.read_text()


def test_a_winner_over_other_parameters_is_refused(params):
    params.write_text(
        params.read_text().replace("kernel_sizes: [3, 3, 3]", "kernel_sizes: [5, 5, 5]", 1)
    )
    with pytest.raises(UserError, match="kernel_sizes is not what the sweep ran with"):
        winner.apply(sweeps.sweep(), {"train.cnn.optimizer": "sgd"}, params)
