"""An object and its background, told apart by a mask: each alone, or the object at another size, place or angle."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Plane, Unit, corruption
from corruptgen.ops.colour import first_channel
from corruptgen.ops.windows import bounding_box
from corruptgen.randomness.draws import Draws

# The hole that an object leaves is filled by a blur of what is around it, of this fraction of the shorter side.
FILL = 1 / 8
SMALL = 1e-6


@corruption
def silhouette(image: Unit, mask: Plane) -> Unit:
    """Show the object as a black shape on white.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.

    References
    ----------
    Geirhos et al. 2019, https://arxiv.org/abs/1811.12231
    """
    return np.where(object_of(mask)[..., None], image.dtype.type(0), np.ones_like(image))


@corruption
def object_alone(image: Unit, mask: Plane) -> Unit:
    """Make all but the object black.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.

    References
    ----------
    Xiao et al. 2021 (Only-FG of ImageNet-9), https://arxiv.org/abs/2006.09994
    """
    return image * object_of(mask)[..., None]


@corruption
def object_blackened(image: Unit, mask: Plane) -> Unit:
    """Make the object black, so that its shape is left.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.

    References
    ----------
    Xiao et al. 2021 (No-FG of ImageNet-9), https://arxiv.org/abs/2006.09994
    """
    return image * ~object_of(mask)[..., None]


@corruption
def box_blackened(image: Unit, mask: Plane) -> Unit:
    """Make the box around the object black, so that only the background is left.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.

    References
    ----------
    Xiao et al. 2021 (Only-BG-B of ImageNet-9), https://arxiv.org/abs/2006.09994
    """
    result = image.copy()
    result[bounding_box(object_of(mask))] = 0
    return result


@corruption
def box_tiled(image: Unit, mask: Plane) -> Unit:
    """Fill the box around the object with copies of the largest strip of background beside it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.

    References
    ----------
    Xiao et al. 2021 (Only-BG-T of ImageNet-9), https://arxiv.org/abs/2006.09994. Where the box is the whole image it is
    made black.
    """
    return without_object(image, object_of(mask))


@corruption
def object_on_donor(image: Unit, mask: Plane, donor: Unit) -> Unit:
    """Put the object in front of another image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.
    donor : ndarray of float, shape (H, W, C)
        The other image, all of which is background.

    References
    ----------
    After Xiao et al. 2021 (Mixed-Same and Mixed-Rand of ImageNet-9), https://arxiv.org/abs/2006.09994, who take the
    object out of the other image first.
    """
    return np.where(object_of(mask)[..., None], image, donor)


@corruption
def object_resized(image: Unit, mask: Plane, *, rate: float) -> Unit:
    """Make the object smaller or larger, and fill the hole behind it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.
    rate : float
        The fraction of the image that the object covers then.

    References
    ----------
    After Li et al. 2023 (ImageNet-E), https://arxiv.org/abs/2303.17096, whose hole is filled by a neural network; ours
    by a blur of the background.
    """
    found = object_of(mask)
    factor = math.sqrt(rate * found.size / max(1, int(found.sum())))
    return moved_object(image, found, factor=factor, degrees=0.0, shift=(0.0, 0.0))


@corruption
def object_shifted(image: Unit, rng: Draws, mask: Plane, *, share: float) -> Unit:
    """Move the object towards a place drawn for it, and fill the hole behind it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.
    share : float
        How much of the way it goes, 0 to 1, to a place in the middle half of the image; more is worse, 0 leaves the
        image alone.

    References
    ----------
    After Li et al. 2023 (ImageNet-E), https://arxiv.org/abs/2303.17096
    """
    found = object_of(mask)
    rows, columns = bounding_box(found)
    down, right = rng.random(2)
    height, width = found.shape
    # From the middle of the box to a place in the middle half of the image.
    shift = (
        share * ((0.25 + down / 2) * height - (rows.start + rows.stop) / 2),
        share * ((0.25 + right / 2) * width - (columns.start + columns.stop) / 2),
    )
    return moved_object(image, found, factor=1.0, degrees=0.0, shift=shift)


@corruption
def object_rotated(image: Unit, rng: Draws, mask: Plane, *, degrees: float) -> Unit:
    """Turn the object to either side, and fill the hole behind it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    mask : Plane
        The object is where this is above 0.
    degrees : float
        By how much; more is worse, 0 leaves the image alone.

    References
    ----------
    After Li et al. 2023 (ImageNet-E), https://arxiv.org/abs/2303.17096
    """
    side = 1 if rng.random() < 0.5 else -1
    return moved_object(image, object_of(mask), factor=1.0, degrees=side * degrees, shift=(0.0, 0.0))


def object_of(mask: Plane) -> NDArray[np.bool_]:
    """Return where the object is, (H, W)."""
    return first_channel(mask) > 0


def without_object(image: NDArray[np.floating], found: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Return an image whose box around the object is tiled with the largest strip beside it."""
    rows, columns = bounding_box(found)
    strips = [image[: rows.start], image[rows.stop :], image[:, : columns.start], image[:, columns.stop :]]
    strip = max(strips, key=lambda strip: strip.shape[0] * strip.shape[1])
    result, box = image.copy(), image[rows, columns]
    if 0 in strip.shape:
        result[rows, columns] = 0
    elif box.size:
        times = (-(-box.shape[0] // strip.shape[0]), -(-box.shape[1] // strip.shape[1]), 1)
        result[rows, columns] = np.tile(strip, times)[: box.shape[0], : box.shape[1]]
    return result


def moved_object(
    image: NDArray[np.floating],
    found: NDArray[np.bool_],
    *,
    factor: float,
    degrees: float,
    shift: tuple[float, float],
) -> NDArray[np.floating]:
    """Return an image whose object is scaled and turned about the middle of its box, then shifted (down, right)."""
    if not found.any():
        return image
    height, width = found.shape
    rows, columns = bounding_box(found)
    middle = ((columns.start + columns.stop - 1) / 2, (rows.start + rows.stop - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, degrees, factor)
    matrix[:, 2] += np.array(shift[::-1])
    kind = np.float32
    # The object's colours go on where it ends, so that its rim mixes with none of the background's.
    covered = filled(image, ~found)
    colours = cv2.warpAffine(
        covered.astype(kind), matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    weight = cv2.warpAffine(found.astype(kind), matrix, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    behind = filled(image, found)
    return (behind * (1 - weight) + colours.reshape(image.shape) * weight).astype(image.dtype, copy=False)


def filled(image: NDArray[np.floating], hole: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Return an image with what lies in a hole replaced by a blur of what is around it."""
    if hole.all() or not hole.any():
        return image
    seen = (~hole).astype(np.float64)
    sigma = max(1.0, FILL * min(hole.shape))
    weights = cv2.GaussianBlur(seen, (0, 0), sigma)[..., None]
    blurred = cv2.GaussianBlur(image.astype(np.float64) * seen[..., None], (0, 0), sigma).reshape(image.shape)
    mean = image[~hole].mean(axis=0)
    # Far from all that is seen, the mean of that.
    around = (blurred + SMALL * mean) / (weights + SMALL)
    return np.where(hole[..., None], around, image).astype(image.dtype)
