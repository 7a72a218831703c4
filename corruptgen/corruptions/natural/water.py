"""Under water."""

import cv2
import numpy as np

from corruptgen.declare import BytesColour, corruption

# Weights of the image and of the haze.
SEEN, HAZED = 0.85, 0.15


@corruption
def swapped_underwater(image: BytesColour, *, blue: float, side: int, contrast: float, haze: int) -> BytesColour:
    """Look through water: red and blue change places, less blue, a blur, less light, and grey haze.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    blue : float
        Factor of what was blue; less is worse.
    side : int
        Side of the Gaussian kernel in pixels, an odd number; more is worse.
    contrast : float
        Factor of all light; less is worse.
    haze : int
        Grey level of the haze; more is worse.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    # The channels that the original means to exchange for a library stay exchanged.
    swapped = np.ascontiguousarray(image[..., ::-1])
    swapped[..., 0] = (swapped[..., 0] * np.float32(blue)).astype(np.uint8)
    dimmed = cv2.convertScaleAbs(cv2.GaussianBlur(swapped, (side, side), 0), alpha=contrast, beta=0)
    return np.asarray(cv2.addWeighted(dimmed, SEEN, np.full_like(dimmed, haze), HAZED, 0), np.uint8)
