"""Maps from byte to byte, one per channel."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

# Straight maps are computed in whole numbers of 1 / 2^20 of a level.
_BITS = 20
# A whole number of pixels of three channels.
_CHUNK = 3072


def mapped(image: NDArray[np.uint8], maps: NDArray[np.uint8], slope: float) -> NDArray[np.uint8]:
    """Send every sample through the map of its channel.

    Parameters
    ----------
    image : (H, W, C) uint8, C is 1 or 3
    maps : (256, C) uint8, what becomes of each value
    slope : of the line that the maps are if they are none but straight ones; decides about speed, never about samples
    """
    samples = np.empty(image.shape, np.uint8)
    steps = round(min(slope, 1.0) * 2**_BITS)
    if not _fill_straight(samples.ravel(), np.ascontiguousarray(image).ravel(), maps, steps):
        cv2.LUT(image, maps[None], dst=samples if image.shape[2] > 1 else samples[..., 0])
    return samples


@njit(cache=True, nogil=True)
def _fill_straight(samples, image, maps, slope):  # type: ignore[no-untyped-def]
    """Map without looking up if all maps are one line with a start of their own each; tell whether they are."""
    channels = maps.shape[1]
    unit = 1 << _BITS
    starts = np.empty(_CHUNK, np.int32)
    for channel in range(channels):
        lowest, highest = -unit * 255, unit * 255
        for value in range(256):
            start = np.int64(maps[value, channel]) * unit - slope * value
            lowest, highest = max(lowest, start), min(highest, start + unit - 1)
        if lowest > highest:
            return False
        for i in range(channel, _CHUNK, channels):
            starts[i] = lowest
    slope_of_all = np.int32(slope)
    for first in range(0, image.size, _CHUNK):
        before = image[first : first + _CHUNK]
        after = samples[first : first + _CHUNK]
        for i in range(before.size):
            after[i] = np.uint8(np.int32(np.int32(slope_of_all * np.int32(before[i])) + starts[i]) >> np.int32(_BITS))
    return True
