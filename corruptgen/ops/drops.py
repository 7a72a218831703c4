"""The relief of drops of water, from their outline."""

import cv2
import numpy as np
from numpy.typing import NDArray

EDGE_THRESHOLDS = (50, 150)
# Further than this from an edge all is flat; in pixels.
FURTHEST = 20
RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], np.float32)


def drop_depth(water: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return for an (H, W) map of water how bright each place shines: embossed distance from the drops' outline."""
    outline = cv2.Canny(water, *EDGE_THRESHOLDS)
    distance = cv2.distanceTransform(255 - outline, cv2.DIST_L2, 5)
    distance = np.minimum(distance, FURTHEST)
    relief = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    embossed = cv2.filter2D(relief, cv2.CV_8U, RELIEF)
    return cv2.blur(embossed, (3, 3)).astype(np.uint8, copy=False)
