"""What lens and codec do, as programs for training data write it."""

import cv2
import numpy as np

from corruptgen.declare import BytesColour, Unit, corruption
from corruptgen.ops.kernels import correlate


@corruption
def windowed_blur(image: Unit, *, sigma: float, side: int) -> Unit:
    """Smooth the image with a Gaussian that is cut off to a square window, whatever its width.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation in pixels; more is worse.
    side : int
        Side of the window in pixels, odd; its weights are scaled to a sum of 1.

    References
    ----------
    Qin et al. 2024 (RAM), https://arxiv.org/abs/2409.19403
    """
    weights = cv2.getGaussianKernel(side, sigma)
    return correlate(image, weights @ weights.T)


@corruption
def swapped_jpeg(image: BytesColour, *, quality: int) -> BytesColour:
    """Compress the image with JPEG by an encoder that takes red for blue, and decompress it the same way.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    quality : int
        Quality of the encoder, 1 to 100; less is worse.

    References
    ----------
    Qin et al. 2024 (RAM), https://arxiv.org/abs/2409.19403
    """
    content = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
