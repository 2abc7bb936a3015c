"""Ruled lines: the lines and squares that are printed on paper."""

import cv2
import numpy as np

from digits.scan.single.background import FAINTEST_INK, is_clean


def may_have_ruled_lines(mask: np.ndarray, noise: np.ndarray) -> bool:
    """Whether to look for them: always on paper; on a clean canvas if there are long lines."""
    if not is_clean(noise):
        return True
    stats = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)[2][1:]
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    lines = np.maximum(widths, heights) > 0.4 * min(mask.shape)
    nets = (widths > 0.85 * mask.shape[1]) & (heights > 0.85 * mask.shape[0])
    return int(lines.sum()) >= 3 or bool(nets.any())


def without_ruled_lines(mask: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Remove ruled lines: three or more parallel ones, each across half of the page.

    Where a stroke crosses one it stays: it is longer across the line than the line is thick, or
    darker.
    """
    step = max(1, round(max(mask.shape) / 400))
    height, width = (side // step for side in mask.shape)
    if min(height, width) < 40:
        return mask
    # Means of whole blocks show a line that the noise of single pixels breaks up.
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    small = small - cv2.blur(small, (15, 15))
    noise = 1.4826 * float(np.median(np.abs(small)))
    small = (small > max(2 * noise, FAINTEST_INK / 8)).astype(np.uint8)
    kept = mask
    for upright in (False, True):
        zone = _line_zone(small.T if upright else small)
        if zone is None:
            continue
        zone = np.ascontiguousarray(zone.T if upright else zone)
        zone = cv2.resize(zone, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
        zone = cv2.dilate(zone, np.ones((2 * step + 1, 2 * step + 1), np.uint8)).astype(bool)
        kept = kept & ~_line_pixels(mask, ink, zone, upright)
    return kept


def _line_zone(small: np.ndarray) -> np.ndarray | None:
    """Where nearly horizontal ruled lines run in a small (height, width) uint8 mask of 0 and 1."""
    height, width = small.shape
    small = np.ascontiguousarray(small)
    # A ruled line is thin; this also takes out most strokes and the lines that run across.
    strokes = cv2.morphologyEx(small, cv2.MORPH_OPEN, np.ones((5, 1), np.uint8))
    small = cv2.bitwise_and(small, 1 - np.asarray(strokes))
    thick = cv2.dilate(small, np.ones((3, 1), np.uint8)) * np.uint8(100)
    run = np.ones((1, max(9, round(width * 0.08)) | 1), np.uint8)
    margin = round(width * 0.16)
    frame = (width, height + 2 * margin)
    lines = np.zeros_like(small)
    for slope in np.tan(np.deg2rad(np.arange(-16, 16.1, 1.0))):
        # Level the slope: then a ruled line is a long row, even if noise has broken it.
        level = np.array([[1, 0, 0], [-slope, 1, slope * width / 2 + margin]], np.float32)
        levelled = cv2.warpAffine(thick, level, frame, flags=cv2.INTER_NEAREST)
        full = (cv2.blur(levelled, run.shape[::-1]) >= 68).astype(np.uint8)
        back = cv2.warpAffine(
            cv2.dilate(full, run),
            level,
            (width, height),
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        )
        lines = cv2.bitwise_or(lines, cv2.bitwise_and(back, small))
    lines = cv2.dilate(lines, np.ones((3, 1), np.uint8))
    across = np.deg2rad(73), np.deg2rad(107)
    found = cv2.HoughLinesWithAccumulator(
        lines, 1, np.pi / 360, int(0.2 * width), min_theta=across[0], max_theta=across[1]
    )
    if found is None:
        return None
    rho, theta, votes = found.reshape(-1, 3).T
    near = np.abs(theta - np.median(theta[:60])) < np.deg2rad(3)
    # Where each line meets the left and the right border, the best supported line first.
    ends = (rho / np.sin(theta))[:, np.newaxis] - np.outer(1 / np.tan(theta), [0, width - 1])
    ends, votes = ends[near], votes[near]
    zone, count = np.zeros_like(small), 0
    while len(ends):
        left, right = ends[0]
        cv2.line(zone, (0, round(float(left))), (width - 1, round(float(right))), 1, 3)
        count += int(votes[0] > 0.45 * width)
        other = np.abs(ends - ends[0]).max(1) > 5
        ends, votes = ends[other], votes[other]
    return zone if count >= 3 else None


def _line_pixels(mask: np.ndarray, ink: np.ndarray, zone: np.ndarray, upright: bool) -> np.ndarray:
    """The pixels of `mask` inside `zone` that are ruled line and not stroke."""
    inside: np.ndarray = mask & zone
    if not inside.any():
        return inside
    level = float(np.median(ink[inside]))
    # The run across the line: an opening of length n keeps runs of n and more.
    thickness = _typical_run(mask if not upright else mask.T, inside if not upright else inside.T)
    longer = 2 * thickness + 2
    kernel = np.ones((1, longer) if upright else (longer, 1), np.uint8)
    crossing = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel).astype(bool)
    ruled: np.ndarray = inside & ~crossing & (ink < 1.7 * level)
    return ruled


def _typical_run(mask: np.ndarray, inside: np.ndarray) -> int:
    """Median length of the vertical runs of `mask` that lie in `inside`."""
    padded = np.pad(mask & inside, ((1, 1), (0, 0))).astype(np.int8)
    edges = np.diff(padded, axis=0)
    starts, ends = np.nonzero(edges.T == 1), np.nonzero(edges.T == -1)
    runs = ends[1] - starts[1]
    return int(np.median(runs)) if runs.size else 1
