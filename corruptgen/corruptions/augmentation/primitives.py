"""The primitives of PRIME, each as a corruption: a random filter, a random smooth warp, a random map of colours."""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import BytesPicture, Unit, Warp, corruption
from corruptgen.ops.sines import SmoothDisplacement, add_sines, sine_field
from corruptgen.randomness.draws import Draws

# PRIME adds this to the cutoff, so that its logarithm is not 0.
NEARLY = 1e-6


@corruption
def random_kernel(image: Unit, rng: Draws, *, sigma: float, side: int, centred: bool) -> Unit:
    """Filter all channels by one random kernel: the image itself and normal weights; zero outside.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation of the weights; more is worse, 0 leaves the image alone.
    side : int
        Side of the kernel, in pixels; odd.
    centred : bool
        Whether the image itself is in the middle of the kernel; false: a pixel off in both directions, as in the
        original, which moves it.

    References
    ----------
    Modas et al. 2022, https://arxiv.org/abs/2112.13547
    """
    kernel = np.float32(sigma) * rng.standard_normal((side, side)).astype(np.float32)
    centre = side // 2 if centred else math.ceil(side / 2)
    kernel[centre, centre] += np.float32(1)
    filtered: NDArray[Any] = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    return filtered.reshape(image.shape)


@corruption
def sine_warp(image: Unit, rng: Draws, *, cutoff: int, displacement: float) -> Warp:
    """Move the pixels along a random field of sine waves, which is zero at the border.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    cutoff : int
        The most half waves over the image, from 2; more is finer.
    displacement : float
        Typical distance that a pixel moves, as a fraction of the image's shorter side; more is worse, 0 leaves the
        image alone.

    References
    ----------
    Modas et al. 2022, https://arxiv.org/abs/2112.13547
    """
    height, width = image.shape[:2]
    right, down = (sine_field(height, width, rng.standard_normal((cutoff, cutoff))) for _ in range(2))
    temperature = (2 * displacement) ** 2 / (math.pi * math.log(cutoff + NEARLY))
    strength, side = np.float32(math.sqrt(temperature)), np.float32(min(height, width))
    return SmoothDisplacement(-(strength * down * side), -(strength * right * side))


def temperatures(side: int, cutoff: int) -> tuple[float, float]:
    """Return the temperature at which pixels of a square image typically move by half a pixel, and the paper's bound.

    The bound is meant for warps without folds; one field in eight folds there, and none at half of it.
    """
    waves = cutoff + NEARLY
    logarithm = math.log(waves)
    return 1 / (math.pi * side**2 * logarithm), 4 / (math.pi**3 * waves**2 * logarithm)


@corruption
def sine_colours(image: BytesPicture, rng: Draws, *, first: int, last: int, variance: float) -> BytesPicture:
    """Map the values of each channel by a random sum of sines, which leaves black and white alone.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    first : int
        The lowest frequency, in half waves over the scale, from 1.
    last : int
        The highest frequency; more is rougher.
    variance : float
        Of the amplitude of each wave; more is worse, 0 leaves the image alone.

    References
    ----------
    Modas et al. 2022, https://arxiv.org/abs/2112.13547
    """
    amplitudes = math.sqrt(variance) * rng.standard_normal((image.shape[2], last + 1 - first))
    values = np.arange(256, dtype=np.float32)[:, None] / np.float32(255)
    maps = add_sines(np.repeat(values, image.shape[2], axis=1), amplitudes, first)
    stored: NDArray[np.uint8] = np.rint(255 * maps.clip(0, 1)).astype(np.uint8)
    return np.stack([stored[image[..., c], c] for c in range(image.shape[2])], axis=2)
