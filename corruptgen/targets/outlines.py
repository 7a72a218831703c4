"""Outlines: polygons of (row, column) points, in pixels from the upper left corner of the image."""

import math

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""(N, 2) points, the last of which is joined to the first."""


def area(outline: Outline) -> float:
    """Return the area inside of an outline that does not cross itself, in square pixels."""
    if len(outline) < 3:
        return 0.0
    rows, columns = (outline - outline[0]).T
    return abs(float(np.sum(rows * np.roll(columns, 1) - columns * np.roll(rows, 1)))) / 2


def clip_outline(outline: Outline, height: float, width: float) -> Outline:
    """Cut off what lies outside of an image, by the rule of Sutherland & Hodgman; nothing may be left."""
    for axis, limit, sign in ((0, 0.0, 1.0), (1, 0.0, 1.0), (0, height, -1.0), (1, width, -1.0)):
        outline = _cut(outline, axis, limit, sign)
    return outline


def rectangle(top: float, left: float, bottom: float, right: float) -> Outline:
    """Return the outline of a box."""
    return np.array([[top, left], [top, right], [bottom, right], [bottom, left]], np.float64)


def bendable(outline: Outline, spacing: float) -> Outline:
    """Add points on the edges until none are further apart than `spacing` pixels."""
    parts = []
    for point, following in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        count = max(math.ceil(math.dist(point, following) / spacing), 1)
        parts.append(point + np.arange(count)[:, None] / count * (following - point))
    return np.concatenate(parts)


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
