"""What depends on how far things are: fog, a flash, and the plane in focus, by maps that are passed with the image."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Plane, Unit, corruption
from corruptgen.ops.ordered_sums import smooth_in_order, sum_in_lanes

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
    exponents = image.dtype.type(-density) * flat(depth)
    passed = np.exp(exponents.astype(np.float64)).astype(image.dtype)[..., None]
    mean = sum_in_lanes(np.moveaxis(image, 2, 0)) / np.float32(image.size)
    return passed * image + (1 - passed) * image.dtype.type(mean)


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
    return image + image * flat(reshading)[..., None] / image.dtype.type(divisor)


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
    kind, depths = image.dtype.type, flat(depth)
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
    blurred = [blur(image, float(radius)) for radius in radii]
    result = np.empty_like(image)
    for plane in range(INTERVALS):
        here = nearer == plane
        result[here] = near[here, None] * blurred[plane][here] + far[here, None] * blurred[plane + 1][here]
    return result


def blur(image: NDArray[np.floating], radius: float) -> NDArray[np.floating]:
    """Blur an image with a Gaussian of this standard deviation in a window of three of them."""
    # A window wider than the image sees its outermost samples again and again.
    side = min(int(WIDTH * radius), 2 * max(image.shape[:2])) // 2 * 2 + 1
    if radius < SHARP or side == 1:
        return image
    places = np.arange(side) - side // 2
    weights = np.exp(-(places**2) / (2 * radius**2)).astype(np.float32)
    return smooth_in_order(image, weights / weights.sum(dtype=np.float32)).astype(image.dtype, copy=False)


def flat(plane: Plane) -> Plane:
    """Return an (H, W) or (H, W, 1) plane as (H, W); of several channels the first."""
    return plane if plane.ndim == 2 else plane[..., 0]
