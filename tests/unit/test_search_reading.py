"""Pictures become rows: one a digit, one for a picture without any, one for an error."""

import pandas as pd
import pytest
from pyarrow.fs import LocalFileSystem

from digits.search import listing, reading
from digits.serve.reader import Reader
from tests.tiny import page, saved


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    saved(folder / "a.png", page("01", "1"))
    saved(folder / "b.png", page(""))
    (folder / "c.png").write_bytes(b"\x89PNG")
    saved(folder / "d.png", page("0"))
    return folder


def test_every_picture_has_a_row(pictures, models):
    names = [str(path) for path in sorted(pictures.iterdir())] + [f"{pictures}/gone.png"]
    rows = list(reading.read(names, LocalFileSystem(), Reader(["svc"], models, 1), "svc"))
    told = [
        (row["image"].split("/")[-1], row.get("digit"), row.get("row"), row.get("label"))
        for row in rows
    ]
    assert told == [
        ("a.png", 1, 1, "0"),
        ("a.png", 2, 1, "1"),
        ("a.png", 3, 2, "1"),
        ("b.png", None, None, None),
        ("c.png", None, None, None),
        ("d.png", 1, 1, "0"),
        ("gone.png", None, None, None),
    ]
    assert "expected an image" in rows[4]["error"]
    assert "cannot be opened" in rows[6]["error"]
    assert rows[0]["confident"]
    assert rows[0]["left"] < rows[0]["right"]


def test_reading_on_ray_goes_on_where_it_ended(pictures, models, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(listing, "PART", 2)
    out = tmp_path / "results.parquet"
    listed = listing.make(str(pictures), out, {})
    listing.result(out, 0).write_bytes(b"finished before")
    told: list[dict[str, int]] = []
    reading.run(listed, str(pictures), "svc", models, None, told.append)
    assert told == [{"pictures": 2, "digits": 1, "errors": 1}]
    assert listing.result(out, 0).read_bytes() == b"finished before"
    listing.result(out, 0).unlink()
    table = pd.read_parquet(out)
    assert sorted(table["image"].str[-5:]) == ["c.png", "d.png"]
    assert listed.left() == [0]
    reading.run(listed, str(pictures), "svc", models, None, told.append)
    assert listed.left() == []
