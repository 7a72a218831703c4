"""The picture out of shape: printed on rubber, or taken by a crooked camera."""

import cv2
import numpy as np

from corruptgen.declare import Unit, Warp, corruption
from corruptgen.ops.warp import Displacement, Tilt
from corruptgen.patterns.noise_fields import smooth_noise
from corruptgen.randomness.draws import Draws


@corruption
def rubber_sheet(image: Unit, rng: Draws, *, amplitude: float, wave: float) -> Warp:
    """Stretch and squeeze the image smoothly, a different way everywhere.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    amplitude : float
        Root of the mean squared displacement in pixels along each axis; more is worse, 0 leaves the image alone.
    wave : float
        Distance in pixels over which the displacement changes; less is worse.

    References
    ----------
    Ours, after Simard, Steinkraus & Platt 2003, https://doi.org/10.1109/ICDAR.2003.1227801; what lies outside of the
    image is its mirror image.
    """
    size = (image.shape[0], image.shape[1])
    down, right = (smooth_noise(size, (wave, wave), rng) for _ in range(2))
    # Every draw moves the image as far, however few waves it has.
    swing = np.sqrt((np.mean(down * down) + np.mean(right * right)) / 2)
    gain = np.float32(amplitude / max(float(swing), 1e-6))
    return Displacement(down * gain, right * gain, "reflect")


@corruption
def tilted_camera(image: Unit, rng: Draws, *, angle: float) -> Warp:
    """Hold the camera crooked, to the left or to the right.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    angle : float
        The largest angle in degrees, of which half at least is taken; more is worse, 0 leaves the image alone.

    References
    ----------
    Ours; what lies outside of the image is its mirror image.
    """
    degrees = angle * rng.uniform(0.5, 1) * (1 if rng.random() < 0.5 else -1)
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return Tilt(np.asarray(matrix, np.float64), (height, width))
