"""What depends on how far things are: fog, a flash, and the plane in focus, by maps that are passed with the image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Plane, Unit, corruption
from corruptgen.ops.colour import first_channel, in_channels
from corruptgen.ops.ordered_sums import add_weighed, exponentials, smooth_in_order, sum_in_lanes
from corruptgen.ops.windows import bounding_box

# Depths are told apart by their quantiles, the first and last of them a little further out.
INTERVALS = 8
MARGIN = 1e-4
# Circles of confusion below this radius, in pixels, leave the image alone.
SHARP = 0.1
# Width of a kernel in radii.
WIDTH = 3


@corruption
def depth_fog(image: Unit, depth: Plane, *, density: float) -> Unit:
    """Veil the image with fog of its mean brightness, the more the farther things are.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    depth : Plane
        How far each pixel is; 0 is at the camera.
    density : float
        Optical depth of the fog at distance 1; more is worse, 0 leaves the image alone.

    References
    ----------
    Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441. The original takes the mean of a whole
    batch of images; this is that of a batch of one.
    """
    exponents: NDArray[Any] = image.dtype.type(-density) * first_channel(depth)
    passed = exponentials(exponents) if image.dtype == np.float32 else np.exp(exponents)
    mean = sum_in_lanes(np.moveaxis(image, 2, 0)) / np.float32(image.size)
    result = in_channels((1 - passed) * image.dtype.type(mean), image.shape[2])
    add_weighed(result, image, passed)
    return result


@corruption
def flash_light(image: Unit, reshading: Plane, *, divisor: float) -> Unit:
    """Light the image with a flash at the camera.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    reshading : Plane
        The light of a lamp at the camera that each pixel throws back, from 0 to 1.
    divisor : float
        What that light is divided by; less is worse.

    References
    ----------
    Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441
    """
    return image + image * in_channels(first_channel(reshading), image.shape[2]) / image.dtype.type(divisor)


@corruption
def depth_blur(image: Unit, depth: Plane, *, aperture: float, focus: int) -> Unit:
    """Blur the image as a lens does that is focused at a distance.

    The image is blurred for nine depths, the quantiles of the map, and each pixel is mixed of the two that its depth
    lies between.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    depth : Plane
        How far each pixel is, above 0.
    aperture : float
        Diameter of the lens. That times the distance to the plane in focus, over the depth, is the circle of confusion
        in pixels; more is worse, 0 leaves the image alone.
    focus : int
        The quantile of the map, in eighths, that is in focus: 0 is the nearest, 8 the farthest.

    References
    ----------
    Kar et al. 2022 (3D Common Corruptions), https://arxiv.org/abs/2203.01441
    """
    kind, depths = image.dtype.type, first_channel(depth)
    planes = np.quantile(depths, np.arange(INTERVALS + 1) / INTERVALS).astype(image.dtype)
    planes[0] -= kind(MARGIN)
    planes[-1] += kind(MARGIN)
    # Of planes at the camera and behind it, which have no circle of confusion.
    distances = np.maximum(planes, kind(MARGIN))
    radii = kind(aperture) * np.abs(planes - planes[focus]) / distances
    # A depth that is a quantile belongs to the nearer interval.
    nearer = np.clip(np.searchsorted(planes, depths.ravel()) - 1, 0, INTERVALS - 1).reshape(depths.shape)
    start, end = planes[nearer], planes[nearer + 1]
    shares = [1 - ((depths - start) / (end - start)) ** 2, 1 - ((end - depths) / (end - start)) ** 2]
    whole = shares[0] + shares[1]
    near, far = (share / whole for share in shares)
    result = np.zeros_like(image)
    for plane, radius in enumerate(radii):
        is_nearer, is_farther = nearer == plane, nearer == plane - 1
        box = rows, columns = bounding_box(is_nearer | is_farther)
        weights = np.where(is_nearer, near, np.where(is_farther, far, kind(0)))
        reach = window_side(float(radius), max(image.shape[:2])) // 2
        above, before = min(rows.start, reach), min(columns.start, reach)
        part = image[rows.start - above : rows.stop + reach, columns.start - before : columns.stop + reach]
        blurred = blur(part, float(radius), 2 * reach + 1)[above:, before:]
        add_weighed(result[box], blurred, weights[box])
    return result


def window_side(radius: float, side: int) -> int:
    """Return the side of the window of a blur: three radii, and no more than an image of this side needs."""
    # A window wider than the image sees its outermost samples again and again.
    return min(int(WIDTH * radius), 2 * side) // 2 * 2 + 1 if radius >= SHARP else 1


def blur(image: NDArray[np.floating], radius: float, side: int) -> NDArray[np.floating]:
    """Blur an image with a Gaussian of this standard deviation in a window of this side."""
    if side == 1 or not image.size:
        return image
    places = np.arange(side) - side // 2
    weights = np.exp(-(places**2) / (2 * radius**2)).astype(np.float32)
    return smooth_in_order(image, weights / weights.sum(dtype=np.float32)).astype(image.dtype, copy=False)
