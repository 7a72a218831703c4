"""Blur that comes from the lens or from what stands before it."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.declare import Bytes, Unit, corruption, fused
from corruptgen.fast.defocus import defocused
from corruptgen.fast.gaussian_bytes import smooth_bytes
from corruptgen.fast.glass import shuffled, shuffled_by_stream
from corruptgen.ops.gaussian import smooth
from corruptgen.ops.kernels import correlate, disk
from corruptgen.randomness.draws import Draws
from corruptgen.randomness.stream import Stream

# How glass_blur stores what its pixels are moved in, whatever the table's arithmetic.
IN_BETWEEN = Arithmetic("float64", "truncate")


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


@fused(gaussian_blur)
def _gaussian_blur(image: NDArray[np.uint8], arithmetic: Arithmetic, *, sigma: float) -> NDArray[np.uint8] | None:
    return smooth_bytes(image, sigma, arithmetic)


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


@fused(defocus_blur)
def _defocus_blur(
    image: NDArray[np.uint8], arithmetic: Arithmetic, *, radius: float, alias_blur: float, unit_gain: bool
) -> NDArray[np.uint8] | None:
    return defocused(image, radius, alias_blur, unit_gain, arithmetic)


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


@fused(glass_blur)
def _glass_blur(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    sigma: float,
    reach: int,
    iterations: int,
    exchange: bool,
) -> NDArray[np.uint8]:
    moved = smooth_bytes(image, sigma, IN_BETWEEN)
    moved = shuffled_by_stream(moved, rng, reach, times=iterations, exchange=exchange)
    return smooth_bytes(moved, sigma, Arithmetic("float64", arithmetic.rounding))
