"""Blur that comes from the lens or from what stands before it."""

import numpy as np

from corruptgen.declare import Bytes, Unit, corruption
from corruptgen.ops.gaussian import smooth
from corruptgen.ops.kernels import correlate, disk, disk_from_edge
from corruptgen.ops.shuffle import shuffled
from corruptgen.randomness.draws import Draws


@corruption
def gaussian_blur(image: Unit, *, sigma: float) -> Unit:
    """Smooth the image with a Gaussian.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation in pixels; more is worse, 0 leaves the image alone.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    return smooth(image, sigma)


@corruption
def defocus_blur(image: Unit, *, radius: float, alias_blur: float, unit_gain: bool) -> Unit:
    """Spread every point over a disk, as a lens does that is focused elsewhere.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Radius of the disk in pixels; more is worse, 0 leaves the image alone.
    alias_blur : float
        Standard deviation in pixels of the smoothing of the disk's edge; 0 is none.
    unit_gain : bool
        Whether the kernel is scaled back to a sum of 1 after the smoothing, which may have raised it.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    kernel = disk(radius, alias_blur)
    return correlate(image, kernel / kernel.sum() if unit_gain else kernel)


@corruption
def defocus_blur_from_edge(image: Unit, *, radius: float, alias_blur: float) -> Unit:
    """Spread every point over a disk that is sampled in whole steps from its edge on.

    A radius above 8 whose double is odd has an even number of samples: the image moves by half a pixel.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    radius : float
        Radius of the disk in pixels; more is worse, below 1 it leaves the image alone.
    alias_blur : float
        Standard deviation in pixels of the smoothing of the disk's edge; 0 is none. It may raise the sum of the kernel
        above 1.

    References
    ----------
    Press et al. 2023, https://arxiv.org/abs/2306.05401
    """
    kernel = disk_from_edge(radius, alias_blur)
    # Of a single sample: OpenCV's transform would move every level by last bits, which may then be cut off.
    return image if kernel.max() == 1 else correlate(image, kernel)


@corruption
def glass_blur(image: Bytes, rng: Draws, *, sigma: float, reach: int, iterations: int, exchange: bool) -> Unit:
    """Look through frosted glass: smooth, move pixels about within a small distance, smooth again.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    sigma : float
        Standard deviation in pixels of both smoothings; more is worse.
    reach : int
        Pixels are moved by -reach ... reach - 1 rows and columns; more is worse; at least 1.
    iterations : int
        How often every pixel is moved; more is worse, 0 not at all.
    exchange : bool
        Whether two pixels change places; if not, one is copied over the other.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    moved = (np.clip(smooth(image / 255.0, sigma), 0, 1) * 255).astype(np.uint8)
    inner = [max(length - 2 * reach, 0) for length in image.shape[:2]]
    for _ in range(iterations):
        offsets = rng.integers(-reach, reach, size=(inner[0] * inner[1], 2))
        moved = shuffled(moved, offsets, reach, exchange=exchange)
    return smooth(moved / 255.0, sigma)
