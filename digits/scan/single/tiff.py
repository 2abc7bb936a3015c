"""Directories of TIFF files (Adobe, "TIFF 6.0"; BigTIFF), whose form EXIF data have, too."""

import struct
from dataclasses import dataclass

MOST_ENTRIES = 1000
"""Of a directory.  Cameras write about 30."""
MOST_STRIPS = 20_000
"""Of one picture, or tiles."""
MOST_VALUE_BYTES = 1 << 20
"""Of an entry that lists neither strips nor tiles.  The longest is a palette, 384 KiB."""
LEAST_TILE = 1 << 20
"""Tiles of so many pixels may exceed the picture."""

WIDTH, LENGTH, BITS, ORIENTATION, SAMPLES = 256, 257, 258, 274, 277
TILE_WIDTH, TILE_LENGTH = 322, 323
STRIPS = {273, 279, 324, 325}
"""Offsets and lengths of strips and tiles."""
SHOWN = STRIPS | {
    *(WIDTH, LENGTH, BITS, SAMPLES, TILE_WIDTH, TILE_LENGTH),
    *(259, 262, 266, 278, 284, 292, 293, 317, 320, 332, 338, 339, 347, 530, 532),
}
"""Tags without which the pixels cannot be told: their layout, compression and colours."""
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
"""Bytes of a value of each type."""
NUMBERS = {3: "H", 4: "I", 16: "Q"}
"""How `struct` names the types of whole numbers."""


class TooMuchError(ValueError):
    """More of something than any picture needs; says what was expected and received."""


@dataclass(frozen=True)
class _Layout:
    """How a directory is written."""

    order: str
    big: bool

    @property
    def field(self) -> int:
        """Bytes of an entry's last field: its value, or where that is."""
        return 8 if self.big else 4

    def numbers(self, form: str) -> struct.Struct:
        """Fields in this file's byte order; "N" is a count or an offset."""
        return struct.Struct(self.order + form.replace("N", "Q" if self.big else "I"))


@dataclass(frozen=True)
class _Entry:
    tag: int
    kind: int
    count: int
    field: bytes

    @property
    def size(self) -> int:
        return self.count * SIZES[self.kind]


def orientation(data: bytes) -> int:
    """The value of EXIF's Orientation tag (JEITA CP-3451); 1, upright, where it cannot be told."""
    try:
        layout, entries = _first_directory(data)
    except (ValueError, struct.error):
        return 1
    return _number(data, layout, entries, ORIENTATION) or 1


@dataclass(frozen=True)
class Page:
    """The first picture of a file."""

    data: bytes
    """The file, with nothing in its directory but what shows this picture."""
    width: int
    height: int
    """As they are stored: before EXIF's rotation."""
    depth: int
    """Bytes of a decoded pixel."""


def first_page(data: bytes) -> Page:
    """Find the first picture of a file, and leave out what does not show it.

    Raises:
        TooMuchError: if a value or a tile is out of all proportion to the picture.
        ValueError, struct.error: if the file is damaged.

    """
    layout, entries = _first_directory(data)
    shown = {entry.tag: entry for entry in reversed(entries) if entry.tag in SHOWN}
    for entry in shown.values():
        if entry.tag in STRIPS:
            if entry.count > MOST_STRIPS:
                raise TooMuchError(
                    f"expected at most {MOST_STRIPS:,} strips, received {entry.count:,}"
                )
        elif entry.size > MOST_VALUE_BYTES:
            raise TooMuchError(f"expected short tags, received one of {entry.size:,} bytes")
        if entry.size > layout.field:
            (begin,) = layout.numbers("N").unpack(entry.field)
            if begin + entry.size > len(data):
                raise ValueError("a value lies outside of the file")
    width, height, bits, samples, tile_width, tile_height = (
        _number(data, layout, entries, tag)
        for tag in (WIDTH, LENGTH, BITS, SAMPLES, TILE_WIDTH, TILE_LENGTH)
    )
    if tile_width * tile_height > max(4 * width * height, LEAST_TILE):
        raise TooMuchError(
            f"expected tiles no larger than the picture, received {tile_width} x {tile_height}"
        )
    reduced = _with_directory(data, layout, sorted(shown.values(), key=lambda entry: entry.tag))
    return Page(reduced, width, height, max(1, bits // 8) * max(1, samples))


def _first_directory(data: bytes) -> tuple[_Layout, list[_Entry]]:
    order = {b"II": "<", b"MM": ">"}[data[:2]] if data[:2] in (b"II", b"MM") else ""
    if not order:
        raise ValueError("no byte order")
    (version,) = struct.unpack_from(order + "H", data, 2)
    layout = _Layout(order, big=version == 43)
    if version not in (42, 43):
        raise ValueError("no version of TIFF")
    (begin,) = layout.numbers("N").unpack_from(data, layout.field)
    head, form = layout.numbers("Q" if layout.big else "H"), layout.numbers("HHN")
    (count,) = head.unpack_from(data, begin)
    if count > MOST_ENTRIES:
        raise TooMuchError(f"expected at most {MOST_ENTRIES} tags, received {count:,}")
    entries = []
    for number in range(count):
        at = begin + head.size + number * (form.size + layout.field)
        tag, kind, values = form.unpack_from(data, at)
        field = data[at + form.size : at + form.size + layout.field]
        if kind in SIZES and len(field) == layout.field:
            entries.append(_Entry(tag, kind, values, field))
    return layout, entries


def _number(data: bytes, layout: _Layout, entries: list[_Entry], tag: int) -> int:
    """The first whole number of an entry; 0 where there is none."""
    for entry in entries:
        if entry.tag == tag and entry.count and entry.kind in NUMBERS:
            form = layout.numbers(NUMBERS[entry.kind])
            if entry.size <= layout.field:
                return int(form.unpack_from(entry.field)[0])
            return int(form.unpack_from(data, *layout.numbers("N").unpack(entry.field))[0])
    return 0


def _with_directory(data: bytes, layout: _Layout, entries: list[_Entry]) -> bytes:
    """The file with a directory of these entries, the only one, at its end."""
    begin = len(data) + len(data) % 2
    count = layout.numbers("Q" if layout.big else "H").pack(len(entries))
    form, offset = layout.numbers("HHN"), layout.numbers("N")
    return b"".join(
        [
            data[: layout.field],
            offset.pack(begin),
            data[2 * layout.field :],
            bytes(begin - len(data)),
            count,
            *(form.pack(entry.tag, entry.kind, entry.count) + entry.field for entry in entries),
            offset.pack(0),
        ]
    )
