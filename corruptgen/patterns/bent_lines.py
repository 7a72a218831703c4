"""Columns of a picture as lines that bend to the left where it is dark."""

import numpy as np

from corruptgen.compilation import njit, part_of_kernel

# How far, in pixels.
BEND = 40


@njit(cache=True, nogil=True, error_model="numpy")
def draw_bent_lines(result, image, grey, columns, step):
    """Draw one line for each of `columns` strips of an (H, W, 3) image of bytes, a piece for every `step` rows.

    A piece has the mean colour of what it goes through; lines further right are drawn over those on their left.
    """
    height, width = grey.shape
    colour = np.zeros(3, np.uint8)
    for column in range(columns):
        # In this order of operations: rounding decides about whole columns.
        left = column / columns * width
        first, last = int(left), min(int(left + width / columns), width)
        x, y = int(left), 0
        for top in range(0, height, step):
            bottom = min(top + step, height)
            count = (bottom - top) * max(last - first, 0)
            light = 0
            colour[:] = 0
            if count > 0:
                sums = np.zeros(4, np.int64)
                for row in range(top, bottom):
                    for place in range(first, last):
                        sums[3] += grey[row, place]
                        for c in range(3):
                            sums[c] += image[row, place, c]
                for c in range(3):
                    colour[c] = sums[c] // count
                light = sums[3] // count
            end = int(left - BEND * (1 - light / 255))
            _draw_line(result, x, y, end, top, colour)
            x, y = end, top


@part_of_kernel
def _draw_line(result, x, y, end_x, end_y, colour):
    """Draw a line of one pixel as Pillow does; what lies outside of the image is left out."""
    wide, tall = abs(end_x - x), abs(end_y - y)
    right, down = (1 if end_x >= x else -1), (1 if end_y >= y else -1)
    long, short = max(wide, tall), min(wide, tall)
    error = 2 * short - long
    for _ in range(long):
        _plot(result, x, y, colour)
        if error >= 0:
            if wide > tall:
                y += down
            else:
                x += right
            error -= 2 * long
        error += 2 * short
        if wide > tall:
            x += right
        else:
            y += down
    _plot(result, x, y, colour)


@part_of_kernel
def _plot(result, x, y, colour):
    if 0 <= y < result.shape[0] and 0 <= x < result.shape[1]:
        for c in range(3):
            result[y, x, c] = colour[c]
