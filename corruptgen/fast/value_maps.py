"""Maps from byte to byte, one per channel."""

import numpy as np

from corruptgen.compilation import part_of_kernel

# Straight maps are computed in whole numbers of 1 / 2^20 of a level.
_BITS = 20
_UNIT = 1 << _BITS
# A whole number of pixels of three channels.
_CHUNK = 384


@part_of_kernel
def follow_maps(samples, image, maps, slope):  # type: ignore[no-untyped-def]
    """Send every sample through the map of its channel, without looking up if all maps are one line, moved up or down.

    Parameters
    ----------
    samples : (n,) uint8, written
    image : (n,) uint8, the channels in turn
    maps : (C, 256) uint8, what becomes of each value
    slope : of the line that the maps are if they are none but straight ones; decides about speed, never about samples
    """
    channels = maps.shape[0]
    step = np.int32(np.int64(slope * _UNIT + 0.5))
    starts = np.empty(_CHUNK, np.int32)
    is_straight = True
    for channel in range(channels):
        lowest, highest = np.int64(-_UNIT * 255), np.int64(_UNIT * 255)
        for value in range(256):
            start = np.int64(maps[channel, value]) * _UNIT - step * value
            lowest = start if start > lowest else lowest
            highest = start + _UNIT - 1 if start + _UNIT - 1 < highest else highest
        if lowest > highest:
            is_straight = False
        for i in range(channel, _CHUNK, channels):
            starts[i] = lowest
    for first in range(0, image.size, _CHUNK):
        before = image[first : first + _CHUNK]
        after = samples[first : first + _CHUNK]
        if is_straight:
            for i in range(before.size):
                level = np.int32(np.int32(step * np.int32(before[i])) + starts[i])
                after[i] = np.uint8(level >> np.int32(_BITS))
        else:
            channel = 0
            for i in range(before.size):
                after[i] = maps[channel, before[i]]
                channel = channel + 1 if channel + 1 < channels else 0
