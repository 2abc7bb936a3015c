"""The journal of a sweep: what has ended stands in it, whatever became of its writer."""

import pytest

from digits.core.errors import UserError
from digits.tracking import journal
from tests.unit import sweeps


def test_what_was_written_is_read(tmp_path):
    one = sweeps.sweep()
    ended = [sweeps.trial(0, 0.9), sweeps.trial(1, state="failed")]
    sweeps.written(tmp_path, one, *ended)
    contents = journal.read(tmp_path)
    assert contents.ended == ended
    assert contents.header == sweeps.header(one)
    assert (contents.interrupted, contents.seconds) == ({}, 2.0)
    assert ended[0].epochs == 2


def test_a_trial_that_began_and_did_not_end_was_interrupted(tmp_path):
    sweeps.written(tmp_path, sweeps.sweep(), sweeps.trial(0, 0.9))
    writer = journal.Writer(tmp_path)
    writer.begin(1, {"train.cnn.learning_rate": 0.002})
    writer.close()
    assert journal.read(tmp_path).interrupted == {1: {"train.cnn.learning_rate": 0.002}}


def test_a_line_that_was_cut_off_is_not_read_and_goes_with_the_next_writer(tmp_path):
    sweeps.written(tmp_path, sweeps.sweep(), sweeps.trial(0, 0.9))
    path = tmp_path / journal.TRIALS
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"ended": {"num')
    assert len(journal.read(tmp_path).ended) == 1
    journal.Writer(tmp_path).close()
    assert path.read_bytes() == whole


def test_damage_in_the_middle_is_an_error(tmp_path):
    sweeps.written(tmp_path, sweeps.sweep(), sweeps.trial(0, 0.9))
    path = tmp_path / journal.TRIALS
    path.write_bytes(b"{broken\n" + path.read_bytes())
    with pytest.raises(UserError, match="is damaged at"):
        journal.read(tmp_path)


def test_two_processes_do_not_write_one_journal(tmp_path):
    sweeps.written(tmp_path, sweeps.sweep())
    first = journal.Writer(tmp_path)
    with pytest.raises(UserError, match="another process runs the sweep"):
        journal.Writer(tmp_path)
    first.close()
    journal.Writer(tmp_path).close()
