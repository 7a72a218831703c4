"""Pixels that are put where they move to, what is near in front of what is far."""

import numpy as np

from corruptgen.compilation import njit


@njit(cache=True, nogil=True, error_model="numpy")
def place_pixels(placed, nearest, image, near, down, right):
    """Put each pixel where it moves to, the nearest in front, and fill the gaps of every row from the farther side."""
    height, width = near.shape
    nearest[:] = -1
    for y in range(height):
        for x in range(width):
            row, column = int(np.floor(y + down[y, x] + 0.5)), int(np.floor(x + right[y, x] + 0.5))
            if 0 <= row < height and 0 <= column < width and near[y, x] > nearest[row, column]:
                nearest[row, column] = near[y, x]
                placed[row, column] = image[y, x]
    for y in range(height):
        before = -1
        x = 0
        while x < width:
            if nearest[y, x] >= 0:
                before = x
                x += 1
                continue
            after = x
            while after < width and nearest[y, after] < 0:
                after += 1
            if before < 0 and after == width:
                placed[y] = image[y]
            else:
                chosen = before
                if before < 0 or (after < width and nearest[y, after] < nearest[y, before]):
                    chosen = after
                for gap in range(x, after):
                    placed[y, gap] = placed[y, chosen]
            x = after
