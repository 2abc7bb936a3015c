"""Pieces of ink that are one digit: broken strokes, detached bars, digits of several strokes."""

import heapq
import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from digits.scan.single.strokes import stroke_width, weighted_median
from digits.scan.single.types import Piece, united

SMALLEST_DIGIT = 0.012
"""Least long side of a digit as a share of the picture's: 3.5 mm on a page of A4."""
MOST_PIECES = 300
"""More pieces of ink than this, the longest first, are texture."""
MOST_PAIRS = 2000
"""Pairs of pieces whose distance is measured, the nearest boxes first."""
FARTHEST = 0.35
"""Distance of pieces that may be one digit, as a share of a digit's height."""
OUTSIDE = 0.3
"""Share of its length that counts of a way outside of the picture."""
FINEST = 160
"""Sides, in pixels, of what distances are measured in: larger pieces are reduced."""
GROWTH, MOST_GROWTH = 1.25, 2.6
"""How a digit's height is raised, step by step, while digits look like parts of larger ones."""
PARTS = 0.5
"""Share of digits that have to look so."""


@dataclass(frozen=True)
class Contact:
    """Where two pieces come near each other."""

    distance: float
    """Shortest distance of their ink in pixels."""
    places: np.ndarray
    """(n,) y, in pixels of the picture, of the points of one piece that are near the other."""
    distances: np.ndarray
    """(n,) their distances from it."""


def digit_height(pieces: list[Piece]) -> float:
    """The typical long side of a digit: the median, weighted so that specks do not count."""
    sides = [float(p.long_side) for p in pieces]
    return weighted_median(sides, [side**2 for side in sides])


def join_broken(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """Join the pieces of one digit, such as a 5 with a detached bar, and drop the specks left.

    Args:
        pieces: In any order.
        shape: (height, width) of the picture.

    """
    if not pieces:
        return []
    pieces = sorted(pieces, key=lambda p: -p.long_side)[:MOST_PIECES]
    typical = digit_height(pieces)
    if _fill_picture(pieces, shape):
        typical = max(typical, 0.75 * shape[0])
    first = typical
    while True:
        kept = [piece for piece in pieces if piece.long_side >= 0.08 * typical]
        digits = [p for p in _joined(kept, typical, shape) if _is_digit_size(p, typical)]
        # Not weighted: what is left of ruled lines may be long.
        grown = float(np.median([p.long_side for p in digits])) if digits else 0.0
        if grown < GROWTH * typical and _look_like_parts(digits, typical):
            grown = GROWTH * typical
        if not GROWTH * typical <= grown <= MOST_GROWTH * first:
            return [p for p in digits if p.long_side >= SMALLEST_DIGIT * max(shape)]
        typical = grown


def _fill_picture(pieces: list[Piece], shape: tuple[int, ...]) -> bool:
    """Whether few pieces fill a picture as one digit does that is cropped tight or cut off."""
    height, width = shape
    large = [piece for piece in pieces if piece.long_side >= 0.15 * height]
    if not 0 < len(large) <= 4 or width > 1.1 * height:
        return False
    left, top, right, bottom = united_box(large)
    rim = 0.01 * height
    return (left <= rim) + (top <= rim) + (right >= width - rim) + (bottom >= height - rim) >= 3


def _is_digit_size(piece: Piece, typical: float) -> bool:
    if piece.long_side < 0.4 * typical or piece.height < 0.3 * typical:
        return False
    # A dot is as long as it is wide; the shortest 1 is longer.
    return piece.long_side >= 1.8 * stroke_width(piece.mask)


def _look_like_parts(digits: list[Piece], typical: float) -> bool:
    """Whether most stand as close above each other as only parts of larger digits do."""
    parts = set()
    for i, one in enumerate(digits):
        for j, other in enumerate(digits[:i]):
            both = united_box([one, other])
            apart = both[3] - both[1] - one.height - other.height
            aspect = (both[2] - both[0]) / (both[3] - both[1])
            aspects = [one.width / one.height, other.width / other.height]
            # Halves of digits are wide, or bars; whole ones above each other make something narrow.
            halves = 0.45 < aspect < 1.15 and max(aspects) > 0.75
            bars = min(aspects) < 0.35
            if (halves or bars) and _overlap(one, other) > 0.5 and apart < 0.2 * typical:
                parts |= {i, j}
    return len(parts) > 0 and len(parts) >= PARTS * len(digits)


def united_box(pieces: list[Piece]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of several pieces."""
    return (
        min(p.left for p in pieces),
        min(p.top for p in pieces),
        max(p.right for p in pieces),
        max(p.bottom for p in pieces),
    )


def _overlap(one: Piece, other: Piece, room: float = 0.0) -> float:
    """The columns that two pieces share, as a share of the narrower one's, with room beside it."""
    shared = min(one.right, other.right) - max(one.left, other.left)
    return (shared + room) / min(one.width, other.width)


def _joined(pieces: list[Piece], typical: float, shape: tuple[int, ...]) -> list[Piece]:
    """The pieces, once all that are one digit are joined, the nearest first."""
    alive = dict(enumerate(pieces))
    near: dict[int, dict[int, Contact]] = {number: {} for number in alive}
    for (i, j), contact in _contacts(pieces, FARTHEST * typical, shape).items():
        near[i][j] = near[j][i] = contact
    queue = [
        (contact.distance, i, j)
        for i, others in near.items()
        for j, contact in others.items()
        if i < j and _is_one_digit(alive[i], alive[j], contact, typical)
    ]
    heapq.heapify(queue)
    while queue:
        _, i, j = heapq.heappop(queue)
        if i not in alive or j not in alive:
            continue
        number = len(near)
        alive[number] = united([alive.pop(i), alive.pop(j)])
        near[number] = {}
        for other in (near[i].keys() | near[j].keys()) & alive.keys():
            contact = _both(near[i].get(other), near[j].get(other))
            near[number][other] = near[other][number] = contact
            if _is_one_digit(alive[number], alive[other], contact, typical):
                heapq.heappush(queue, (contact.distance, other, number))
    return list(alive.values())


def _both(one: Contact | None, other: Contact | None) -> Contact:
    """The contact of two pieces that were joined with a third."""
    contacts = [contact for contact in (one, other) if contact]
    return Contact(
        min(contact.distance for contact in contacts),
        np.concatenate([contact.places for contact in contacts]),
        np.concatenate([contact.distances for contact in contacts]),
    )


def _is_one_digit(one: Piece, other: Piece, contact: Contact, typical: float) -> bool:
    """Whether two pieces are of one digit, by their sizes, places and distance."""
    small, large = sorted((one, other), key=lambda p: p.long_side)
    left, top, right, bottom = united_box([one, other])
    height, width = bottom - top, right - left
    scale = max(typical * 0.8, large.long_side)
    overlap = _overlap(one, other)
    # A slanted stroke that is broken goes on beside itself.
    if (
        one.height + other.height - height < 0.25 * min(one.height, other.height)
        and width <= height <= 1.25 * typical
        and _overlap(one, other, 0.1 * scale) > 0.6
    ):
        return contact.distance <= 0.3 * scale
    if max(height, width) > 1.35 * scale or large.long_side > 2.2 * typical:
        return False
    if small.long_side < 0.5 * scale or min(one.height, other.height) < 0.3 * scale:
        reach = 0.3 if overlap > 0.5 else 0.12
    elif overlap > 0.6:
        reach = 0.2
    else:
        reach = 0.1
        if width > 1.05 * height or not (
            _meet_twice(contact, reach * scale, 0.35 * scale) or _unlike_neighbours(one, other)
        ):
            return False
    return contact.distance <= reach * scale


def _meet_twice(contact: Contact, reach: float, apart: float) -> bool:
    """Whether pieces meet as a ring's halves do: two digits do so once, or all along."""
    met = np.sort(contact.places[contact.distances <= reach])
    return len(met) > 1 and bool(np.diff(met).max() >= apart)


def _unlike_neighbours(one: Piece, other: Piece) -> bool:
    """Whether of two pieces side by side one is low, or either reaches beyond the other: a 4."""
    height = max(one.bottom, other.bottom) - min(one.top, other.top)
    offsets = one.top - other.top, one.bottom - other.bottom
    staggered = min(map(abs, offsets)) > 0.15 * height and offsets[0] * offsets[1] > 0
    return staggered or min(one.height, other.height) < 0.7 * height


def _contacts(
    pieces: list[Piece], reach: float, shape: tuple[int, ...]
) -> dict[tuple[int, int], Contact]:
    """The contacts of all pairs of pieces that are no more than `reach` pixels apart."""
    lefts, tops, rights, bottoms = np.array([united_box([p]) for p in pieces]).T
    across = np.maximum.outer(lefts, lefts) - np.minimum.outer(rights, rights)
    down = np.maximum.outer(tops, tops) - np.minimum.outer(bottoms, bottoms)
    apart = np.triu(np.maximum(np.maximum(across, down), 0) + 1, 1)
    pairs = np.argwhere((apart > 0) & (apart <= reach + 1))
    pairs = pairs[np.argsort(apart[tuple(pairs.T)], kind="stable")][:MOST_PAIRS]
    found = _contacts_outside(pieces, reach, shape)
    for i, j in pairs.tolist():
        contact = _contact(pieces[i], pieces[j], reach)
        if contact:
            found[i, j] = _both(contact, found.get((i, j)))
    return found


def _contacts_outside(
    pieces: list[Piece], reach: float, shape: tuple[int, ...]
) -> dict[tuple[int, int], Contact]:
    """Contacts of pieces that leave the picture by one edge, where they may be one stroke.

    Their distance along the edge counts for `OUTSIDE` of it.
    """
    found: dict[tuple[int, int], Contact] = {}
    for edge in range(4):
        # Where each piece that reaches this edge does so: the first and the last pixel.
        ends: list[tuple[int, int, int]] = []
        for number, piece in enumerate(pieces):
            beyond = (piece.left, piece.top, shape[1] - piece.right, shape[0] - piece.bottom)[edge]
            line = (piece.mask[:, 0], piece.mask[0], piece.mask[:, -1], piece.mask[-1])[edge]
            if beyond <= 0:
                start = piece.left if edge % 2 else piece.top
                at = np.flatnonzero(line) + start
                ends.append((int(at[0]), int(at[-1]), number))
        ends.sort()
        for (_, last, i), (first, _, j) in itertools.pairwise(ends):
            distance = OUTSIDE * max(first - last, 0)
            if distance <= reach:
                places = np.array([last, first] if edge % 2 == 0 else [])
                pair = min(i, j), max(i, j)
                found[pair] = _both(
                    Contact(distance, places, np.full(len(places), distance)), found.get(pair)
                )
    return found


def _contact(one: Piece, other: Piece, reach: float) -> Contact | None:
    """Where the ink of two pieces is no more than `reach` pixels apart; None if nowhere."""
    small, large = sorted((one, other), key=lambda p: p.long_side)
    margin = int(reach) + 2
    # What of each may be near the other, and the box of both.
    near_large = _window(small, large, margin)
    near_small = _window(large, small, margin)
    if near_large is None or near_small is None:
        return None
    left, top = (min(a, b) for a, b in zip(near_large[:2], near_small[:2], strict=True))
    right, bottom = (max(a, b) for a, b in zip(near_large[2:], near_small[2:], strict=True))
    step = -(-max(right - left, bottom - top) // FINEST)
    here = _part(small, near_large, (left, top, right, bottom), step)
    there = _part(large, near_small, (left, top, right, bottom), step)
    if not here.any() or not there.any():
        return None
    distances = cv2.distanceTransform((~there).astype(np.uint8), cv2.DIST_L2, 3)[here] * step
    places = np.nonzero(here)[0] * step + top
    close = distances <= reach
    if not close.any():
        return None
    return Contact(float(distances.min()), places[close], distances[close])


def _window(piece: Piece, other: Piece, margin: int) -> tuple[int, int, int, int] | None:
    """The part of a piece's box that is near the other's: left, top, right, bottom."""
    left, right = max(piece.left, other.left - margin), min(piece.right, other.right + margin)
    top, bottom = max(piece.top, other.top - margin), min(piece.bottom, other.bottom + margin)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _part(
    piece: Piece, window: tuple[int, int, int, int], frame: tuple[int, int, int, int], step: int
) -> np.ndarray:
    """What of a piece lies in a window, in a frame that is reduced `step` times: bool."""
    mask = np.zeros((frame[3] - frame[1], frame[2] - frame[0]), np.uint8)
    left, top, right, bottom = window
    mask[top - frame[1] : bottom - frame[1], left - frame[0] : right - frame[0]] = piece.mask[
        top - piece.top : bottom - piece.top, left - piece.left : right - piece.left
    ]
    if step > 1:
        padded = np.pad(mask, [(0, -side % step) for side in mask.shape])
        height, width = (side // step for side in padded.shape)
        mask = padded.reshape(height, step, width, step).max((1, 3))
    return mask.astype(bool)
