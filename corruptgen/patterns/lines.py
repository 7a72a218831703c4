"""Thin lines with smooth edges, in whole numbers."""

import math

import numpy as np
from numpy.typing import NDArray


def smooth_line(
    row: int, column: int, last_row: int, last_column: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the pixels of a line of one pixel's width and how much each of them is covered, 0 to 1.

    Bresenham's algorithm with distances, after Zingl 2012, "A Rasterizing Algorithm for Drawing Curves".
    """
    across, down = abs(last_column - column), abs(last_row - row)
    right, below = (1 if column < last_column else -1), (1 if row < last_row else -1)
    error, length = across - down, math.hypot(across, down) or 1.0
    pixels: list[tuple[int, int, float]] = []
    while True:
        pixels.append((row, column, 1 - abs(error - across + down) / length))
        before, beside = error, column
        if 2 * before >= -across:
            if column == last_column:
                break
            if before + down < length:
                pixels.append((row + below, column, 1 - abs(before + down) / length))
            error -= down
            column += right
        if 2 * before <= down:
            if row == last_row:
                break
            if across - before < length:
                pixels.append((row, beside + right, 1 - abs(across - before) / length))
            error += across
            row += below
    rows, columns, covered = zip(*pixels, strict=True)
    return np.array(rows), np.array(columns), np.array(covered)
