"""What the page is read from."""

import pytest

from digits.core import files, records
from digits.core.errors import UserError
from digits.report.page import results
from tests import made_records


def test_missing_results_are_an_error(tmp_path):
    with pytest.raises(UserError, match="dvc repro"):
        results.read(tmp_path, ("ann",))


def test_a_comparison_of_other_models_is_an_error(tmp_path):
    compared = records.Comparison({"ann": made_records.row()})
    compared.write(tmp_path / "metrics" / "comparison.json")
    with pytest.raises(UserError, match="expected ann, cnn, received ann; run `dvc repro compare`"):
        results.read(tmp_path, ("ann", "cnn"))


def test_the_outcome_on_further_models_is_found(tmp_path):
    for name in ("hardware.json", "hardware-of-cnn.json", "hardware-of-ann.json", "other.json"):
        files.write_json(tmp_path / name, {})
    found = results.outcome_files(tmp_path, "hardware")
    assert [path.name for path in found] == [
        "hardware.json", "hardware-of-ann.json", "hardware-of-cnn.json",
    ]  # fmt: skip
    assert results.outcome_files(tmp_path, "preprocessing") == []
