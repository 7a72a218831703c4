"""Drops of water: their relief, from their outline, and the scene that is seen upside down in them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

EDGE_THRESHOLDS = (50, 150)
# Further than this from an edge all is flat; in pixels.
FURTHEST = 20
RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)


@njit(cache=True, nogil=True)
def draw_lenses(lenses, centres, radii, wobbles):
    """Draw drops, each with a slightly uneven outline; where two overlap, the later covers the earlier.

    Parameters
    ----------
    lenses : ndarray of float32, shape (3, H, W)
        Changed in place: how much of the sample a drop covers, and the vector down and right from the middle of the
        drop in radii.
    centres : array_like, shape (N, 2)
        Middles in samples.
    radii : array_like, shape (N,)
        In samples.
    wobbles : array_like, shape (N, 4)
        Sine and cosine of the second and third harmonic of the outline, in radii.
    """
    _, height, width = lenses.shape
    for i in range(radii.size):
        y, x = centres[i]
        radius = radii[i]
        reach = 1.5 * radius + 1
        for row in range(max(0, int(y - reach)), min(height, int(y + reach) + 2)):
            for column in range(max(0, int(x - reach)), min(width, int(x + reach) + 2)):
                py, px = (row - y) / radius, (column - x) / radius
                distance = np.sqrt(py * py + px * px)
                outline = 1.0
                if distance > 0:
                    sine, cosine = py / distance, px / distance
                    sine2, cosine2 = 2 * sine * cosine, cosine * cosine - sine * sine
                    outline += wobbles[i, 0] * sine2 + wobbles[i, 1] * cosine2
                    outline += wobbles[i, 2] * (sine2 * cosine + cosine2 * sine)
                    outline += wobbles[i, 3] * (cosine2 * cosine - sine2 * sine)
                cover = min((outline - distance) * radius + 0.5, 1.0)
                if cover > 0 and cover >= min(lenses[0, row, column], 0.5):
                    lenses[0, row, column] = max(np.float32(cover), lenses[0, row, column])
                    lenses[1, row, column] = np.float32(py / outline)
                    lenses[2, row, column] = np.float32(px / outline)


@njit(cache=True, nogil=True)
def seen_through(image, lenses, samples, reach):
    """Look at an (H, W, C) image through drops: upside down, dark at the rim, with a glint of the sky.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    lenses : array_like, shape (3, H * samples, W * samples)
        As `draw_lenses` draws them.
    samples : samples of `lenses` per pixel and axis
    reach : how far from itself a drop looks at its rim, in pixels
    """
    height, width, channels = image.shape
    result = np.empty_like(image)
    share = image.dtype.type(1 / (samples * samples))
    sums = np.empty(channels, np.float64)
    for y in range(height):
        for x in range(width):
            sums[:] = 0
            for row in range(y * samples, (y + 1) * samples):
                for column in range(x * samples, (x + 1) * samples):
                    cover = lenses[0, row, column]
                    if cover <= 0:
                        for c in range(channels):
                            sums[c] += image[y, x, c]
                        continue
                    down, right = lenses[1, row, column], lenses[2, row, column]
                    rim = min(down * down + right * right, 1.0)
                    bulge = 0.6 + 0.4 * rim
                    sy = abs(y - reach * down * bulge)
                    sx = abs(x - reach * right * bulge)
                    sy = min(sy, abs(2 * (height - 1) - sy), height - 1)
                    sx = min(sx, abs(2 * (width - 1) - sx), width - 1)
                    top, left = min(int(sy), max(height - 2, 0)), min(int(sx), max(width - 2, 0))
                    bottom, beside = min(top + 1, height - 1), min(left + 1, width - 1)
                    fy, fx = sy - top, sx - left
                    # The sky, seen upside down, lights the lower half; the rim is dark; the sun is a glint above.
                    shade = (1.0 + 0.35 * down) * (1 - 0.55 * rim**4)
                    glint = max(0.0, 1 - ((down + 0.45) ** 2 + (right + 0.3) ** 2) / 0.05)
                    for c in range(channels):
                        upper = image[top, left, c] + (image[top, beside, c] - image[top, left, c]) * fx
                        lower = image[bottom, left, c] + (image[bottom, beside, c] - image[bottom, left, c]) * fx
                        seen = (upper + (lower - upper) * fy) * shade + 0.06
                        seen += 0.85 * glint * (1 - seen)
                        sums[c] += image[y, x, c] + cover * (seen - image[y, x, c])
            for c in range(channels):
                result[y, x, c] = sums[c] * share
    return result


def drop_depth(water: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return for an (H, W) map of water how bright each place shines: embossed distance from the drops' outline."""
    outline = cv2.Canny(water, *EDGE_THRESHOLDS)
    distance = cv2.distanceTransform(255 - outline, cv2.DIST_L2, 5)
    distance = np.minimum(distance, FURTHEST)
    relief = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    embossed = cv2.filter2D(relief, cv2.CV_8U, RELIEF)
    return cv2.blur(embossed, (3, 3)).astype(np.uint8, copy=False)
