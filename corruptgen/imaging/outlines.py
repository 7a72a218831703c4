"""Outlines: polygons of (row, column) points, in pixels from the upper left corner of the image."""

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""(N, 2) points, the last of which is joined to the first."""


def area(outline: Outline) -> float:
    """Give the area inside of an outline that does not cross itself, in square pixels."""
    if len(outline) < 3:
        return 0.0
    rows, columns = (outline - outline[0]).T
    return abs(float(np.sum(rows * np.roll(columns, 1) - columns * np.roll(rows, 1)))) / 2


def clipped(outline: Outline, height: float, width: float) -> Outline:
    """Cut off what lies outside of an image, by the rule of Sutherland & Hodgman; nothing may be left."""
    for axis, limit, sign in ((0, 0.0, 1.0), (1, 0.0, 1.0), (0, height, -1.0), (1, width, -1.0)):
        outline = _cut(outline, axis, limit, sign)
    return outline


def rectangle(top: float, left: float, height: float, width: float) -> Outline:
    """Give the outline of a box with a point at least every pixel, so that it can be bent."""
    down, across = (np.linspace(0.0, 1.0, int(np.ceil(side)) + 2)[:-1] for side in (height, width))
    edges = [
        (0 * across, across),
        (down, 0 * down + 1),
        (0 * across + 1, 1 - across),
        (1 - down, 0 * down),
    ]
    return np.concatenate([np.stack([top + height * r, left + width * c], axis=-1) for r, c in edges])


def _cut(outline: Outline, axis: int, limit: float, sign: float) -> Outline:
    inside = sign * (outline[:, axis] - limit) >= 0
    if inside.all():
        return outline
    kept = []
    for i, point in enumerate(outline):
        before = outline[i - 1]
        if inside[i] != inside[i - 1]:
            crossing = before + (limit - before[axis]) / (point[axis] - before[axis]) * (point - before)
            crossing[axis] = limit
            kept.append(crossing)
        if inside[i]:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)
