"""What is to be read is listed once, in parts."""

import pytest

from digits.core.errors import UserError
from digits.search import listing

ASKED = {"model": "reader", "digest": "a" * 64}


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "PART", 2)
    folder = tmp_path / "pictures"
    for name in ("b.png", "a.JPG", "notes.txt", "deep/er/c.tif", "deep/d.png", "\u00e9 x.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def names(listed):
    return [
        name.split("/pictures/")[1] for part in range(listed.parts) for name in listed.members(part)
    ]


def test_a_folder_is_listed_with_all_below_it(pictures, tmp_path):
    listed = listing.make(str(pictures), tmp_path / "out", ASKED)
    assert names(listed) == ["a.JPG", "b.png", "\u00e9 x.png", "deep/d.png", "deep/er/c.tif"]
    assert (listed.pictures, listed.parts) == (5, 3)


def test_a_pattern_takes_what_it_names(pictures, tmp_path):
    listed = listing.make(f"{pictures}/*.png", tmp_path / "one", ASKED)
    assert set(names(listed)) == {"b.png", "\u00e9 x.png", "deep/d.png"}
    assert names(listing.make(f"{pictures}/notes.*", tmp_path / "two", ASKED)) == ["notes.txt"]


def test_one_file_and_an_address_are_sources_too(pictures, tmp_path):
    assert names(listing.make(f"{pictures}/b.png", tmp_path / "one", ASKED)) == ["b.png"]
    assert listing.make(pictures.as_uri(), tmp_path / "two", ASKED).pictures == 5


def test_the_same_command_goes_on_with_the_same_list(pictures, tmp_path):
    listed = listing.make(str(pictures), tmp_path / "out", ASKED)
    listing.result(listed.out, 1).write_bytes(b"")
    (pictures / "later.png").write_bytes(b"x")
    again = listing.make(str(pictures), tmp_path / "out", ASKED)
    assert again == listed
    assert again.left() == [0, 2]


def test_a_list_that_was_cut_off_is_made_anew(pictures, tmp_path):
    listing.make(str(pictures), tmp_path / "out", ASKED)
    (tmp_path / "out" / listing.FOLDER / listing.DONE).unlink()
    assert listing.make(str(pictures), tmp_path / "out", ASKED).pictures == 5


def test_what_cannot_be_meant_is_refused(pictures, tmp_path):
    listing.make(str(pictures), tmp_path / "out", ASKED)
    (tmp_path / "file").write_text("")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("")
    for source, out, asked, words in [
        (pictures, "out", ASKED | {"digest": "b"}, "a reading with another digest"),
        (pictures / "deep", "out", ASKED, "a reading with another source"),
        (pictures, "file", ASKED, "is a file"),
        (pictures, "other", ASKED, "holds other files"),
        (pictures / "none", "new", ASKED, "expected a folder, found none"),
        (f"{pictures}/*.gif", "new", ASKED, "expected pictures, found none"),
        ("nowhere://x", "new", ASKED, "an address such as s3://bucket/scans"),
    ]:
        with pytest.raises(UserError) as refused:
            listing.make(str(source), tmp_path / out, asked)
        assert words in str(refused.value)
