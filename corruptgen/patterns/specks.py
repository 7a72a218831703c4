"""Round things in the air or on a pane: trails of flakes, blobs that run together, and bubbles with a rim."""

import numpy as np

from corruptgen.compilation import njit


@njit(cache=True, nogil=True)
def draw_trails(clear, middles, halves, radii, opacities):
    """Multiply the clearness of an (H, W) layer by that of round specks which move on a line.

    Parameters
    ----------
    clear : ndarray of float32, shape (H, W)
        Changed in place; 1 where nothing hides what is behind.
    middles, halves : array_like, shape (N, 2)
        Middle of each trail, and the vector from there to its end, in samples.
    radii : array_like, shape (N,)
        In samples.
    opacities : array_like, shape (N,)
        From 0 to 1.
    """
    height, width = clear.shape
    for i in range(radii.size):
        y, x = middles[i]
        dy, dx = halves[i]
        radius = radii[i]
        # The edge is as soft as half the speck, and never sharper than a sample.
        soft = max(1.0, 0.9 * radius)
        reach = radius + soft / 2
        squared = dy * dy + dx * dx
        for row in range(max(0, int(y - abs(dy) - reach)), min(height, int(y + abs(dy) + reach) + 2)):
            for column in range(max(0, int(x - abs(dx) - reach)), min(width, int(x + abs(dx) + reach) + 2)):
                py, px = row - y, column - x
                t = 0.0
                if squared > 0:
                    t = min(max((py * dy + px * dx) / squared, -1.0), 1.0)
                py -= t * dy
                px -= t * dx
                inside = (radius - np.sqrt(py * py + px * px)) / soft + 0.5
                if inside > 0:
                    inside = min(inside, 1.0)
                    fade = inside * inside * (3 - 2 * inside) * (1 - 0.5 * t * t)
                    clear[row, column] *= np.float32(1 - opacities[i] * fade)


@njit(cache=True, nogil=True)
def draw_blobs(field, centres, radii):
    """Add round humps to an (H, W) float32 field, in place: 1 in the middle, 0 from `radii` samples on."""
    height, width = field.shape
    for i in range(radii.size):
        y, x = centres[i]
        radius = max(radii[i], 1.0)
        for row in range(max(0, int(y - radius)), min(height, int(y + radius) + 2)):
            for column in range(max(0, int(x - radius)), min(width, int(x + radius) + 2)):
                distance = ((row - y) ** 2 + (column - x) ** 2) / (radius * radius)
                if distance < 1:
                    field[row, column] += np.float32((1 - distance) * (1 - distance))


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
