"""Air between two panes: disks with a rim, smooth at the edge, of any size."""

import numpy as np

from corruptgen.compilation import njit


@njit(cache=True, nogil=True)
def draw_bubbles(veil, centres, radii, rim, haze, rim_haze):
    """Draw bubbles into a layer of opacities; where two overlap, the more opaque one is seen.

    Parameters
    ----------
    veil : ndarray of float64, shape (H, W)
        Changed in place: from 0, clear, to 1, opaque.
    centres : array_like, shape (N, 2)
        Rows and columns in pixels.
    radii : array_like, shape (N,)
        Radii of the inside in pixels.
    rim : thickness around the inside in pixels
    haze, rim_haze : array_like, shape (N,)
        Opacity of inside and rim.
    """
    height, width = veil.shape
    for i in range(radii.size):
        y, x = centres[i]
        reach = radii[i] + rim + 1
        for row in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
            for column in range(max(0, int(x - reach)), min(width, int(x + reach) + 2)):
                distance = np.sqrt((row - y) ** 2 + (column - x) ** 2)
                inside = min(max(radii[i] - distance + 0.5, 0.0), 1.0)
                whole = min(max(radii[i] + rim - distance + 0.5, 0.0), 1.0)
                opacity = inside * haze[i] + max(whole - inside, 0.0) * rim_haze[i]
                veil[row, column] = max(veil[row, column], opacity)
