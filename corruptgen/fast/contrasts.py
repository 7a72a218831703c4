"""Contrast of the bytes of an image: every channel is pulled towards its mean."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.fast.byte_units import parts_of_a_level
from corruptgen.fast.channel_sums import add_up_channels
from corruptgen.fast.value_maps import follow_maps


def pulled_to_means(image: NDArray[np.uint8], arithmetic: Arithmetic, factor: float) -> NDArray[np.uint8]:
    """Give the stored samples of (image - mean) * factor + mean of a C-contiguous (H, W, C) image, C being 1 or 3."""
    units = arithmetic.units
    # numpy adds up one channel in another order than three.
    means = np.zeros(3, units.dtype) if image.shape[2] == 3 else units[image].mean(axis=(0, 1))
    samples, maps = np.empty(image.shape, np.uint8), np.empty((means.size, 256), np.uint8)
    parts = parts_of_a_level(arithmetic.precision)
    _fill_contrasted(samples.ravel(), image.ravel(), means, units, maps, *parts, factor, arithmetic.half)
    return samples


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_contrasted(samples, image, means, units, maps, first, second, factor, half):  # type: ignore[no-untyped-def]
    """Do what `pulled_to_means` says; the means of three channels are found first, that of one channel is given."""
    number = type(first)
    if means.size == 3:
        add_up_channels(means, image, units, first, second)
        for c in range(3):
            means[c] = number(np.float64(means[c]) / np.float64(image.size // 3))
    for c in range(means.size):
        mean = means[c]
        for value in range(256):
            level = ((units[value] - mean) * number(factor) + mean) * number(255)
            level = level if level > number(0) else number(0)
            maps[c, value] = np.uint8((level if level < number(255) else number(255)) + number(half))
    follow_maps(samples, image, maps, factor if factor < 1.0 else 1.0)
