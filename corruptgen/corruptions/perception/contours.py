"""Contours alone."""

import cv2
import numpy as np

from corruptgen.declare import UnitPicture, corruption
from corruptgen.ops.colour import in_channels, luminance
from corruptgen.ops.gaussian import smooth

# Of the steepest pixels this share may be edges, and what joins them has at least that part of their slope.
STEEPEST = 0.3
PART = 0.4
# Slopes are whole numbers: steps from black to white, and the slope below which nothing is an edge, as in a flat image.
STEPS = 4080
LEAST = 48


@corruption
def edges(image: UnitPicture, *, sigma: float) -> UnitPicture:
    """Draw the edges of the luminance, black on white.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    sigma : float
        Of the Gaussian before, in pixels: more draws coarser and fewer edges.

    References
    ----------
    Canny 1986, https://doi.org/10.1109/TPAMI.1986.4767851; Geirhos et al. 2019, https://arxiv.org/abs/1811.12231
    """
    plane = np.rint(smooth(luminance(image), sigma) * STEPS).astype(np.float32)
    down, right = (cv2.Sobel(plane, cv2.CV_32F, *axes, borderType=cv2.BORDER_REPLICATE) for axes in ((0, 1), (1, 0)))
    across, along = ((slope / 4).astype(np.int16) for slope in (right, down))
    size = np.hypot(across.astype(np.float64), along.astype(np.float64))
    steep = max(float(np.quantile(size, 1 - STEEPEST)), LEAST)
    found = np.asarray(cv2.Canny(across, along, PART * steep, steep, L2gradient=True))
    return in_channels((found == 0).astype(np.float64), image.shape[2])
