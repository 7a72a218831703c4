"""Colour spaces, in the order of operations of the libraries that the published benchmarks used."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# ITU-R BT.709, as scikit-image has it.
LUMINANCE = (0.2125, 0.7154, 0.0721)


def luma(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return the luma of an (H, W, 3) RGB image as (H, W) float32, without fused multiply-adds."""
    red, green, blue = np.moveaxis(image.astype(np.float32), 2, 0)
    grey: NDArray[np.float32] = red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
    return grey


def luminance(image: NDArray[Any]) -> NDArray[np.float64]:
    """Return the luminance of an (H, W, 3) RGB image as (H, W); of an (H, W, 1) one its samples."""
    if image.shape[2] == 1:
        return np.asarray(image[..., 0], np.float64)
    grey: NDArray[np.float64] = _luminance(np.ascontiguousarray(image, np.float64), *LUMINANCE)
    return grey


@njit(cache=True, nogil=True)
def _luminance(image, of_red, of_green, of_blue):
    result = np.empty(image.shape[:2])
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            # Not a matrix product: of a grey picture its last bit decides about the level.
            result[y, x] = (image[y, x, 0] * of_red + image[y, x, 1] * of_green) + image[y, x, 2] * of_blue
    return result


def highest_bits(image: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return an image of bytes of which these many bits are kept, and the others are 0."""
    return image & np.uint8(256 - (1 << (8 - bits)))


def first_channel(plane: NDArray[Any]) -> NDArray[Any]:
    """Return an (H, W) or (H, W, C) plane as (H, W); of several channels the first."""
    return plane if plane.ndim == 2 else plane[..., 0]


def in_channels(plane: NDArray[Any], channels: int) -> NDArray[Any]:
    """Repeat an (H, W) plane for each channel, in a fraction of the time that numpy takes to repeat or broadcast it."""
    whole = np.ascontiguousarray(plane)
    return np.asarray(cv2.merge([whole] * channels), whole.dtype).reshape(*whole.shape, channels)


@njit(cache=True, nogil=True)
def cut_luma(image):
    """Return the luma of an (H, W, 3) image of bytes as Pillow computed it before its version 7, fractions cut off."""
    result = np.empty(image.shape[:2], np.uint8)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            red, green, blue = np.int32(image[y, x, 0]), np.int32(image[y, x, 1]), np.int32(image[y, x, 2])
            result[y, x] = np.uint8((red * 19595 + green * 38470 + blue * 7471) >> 16)
    return result


@njit(cache=True, nogil=True)
def blend_with_luma(image, factor):
    """Blend an (H, W, 3) image of bytes with that luma in float32, as Pillow blends images."""
    result, grey = np.empty(image.shape, np.uint8), cut_luma(image)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            base = np.float32(grey[y, x])
            for c in range(3):
                value = base + factor * (np.float32(image[y, x, c]) - base)
                result[y, x, c] = np.uint8(np.int32(min(max(value, np.float32(0)), np.float32(255))))
    return result


@njit(cache=True, nogil=True)
def histograms(image):
    """Count the values of each channel of an (H, W, C) image of bytes, (C, 256)."""
    # Neighbours are counted apart: where they are equal, one would wait for the other.
    counts = np.zeros((2, image.shape[2], 256), np.int64)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            for c in range(image.shape[2]):
                counts[x & 1, c, image[y, x, c]] += 1
    return counts[0] + counts[1]


def opencv_luma(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return OpenCV's own luma, (H, W): its last bit decides about a level of flat areas."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


@njit(cache=True, nogil=True)
def hsv_from_rgb(image):
    """Convert an (H, W, 3) RGB image in [0, 1] to hue in turns, saturation and value, as skimage does."""
    result = np.empty(image.shape, np.float64)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            red = np.float64(image[y, x, 0])
            green = np.float64(image[y, x, 1])
            blue = np.float64(image[y, x, 2])
            value = max(red, green, blue)
            span = value - min(red, green, blue)
            hue = 0.0
            saturation = 0.0
            if span > 0:
                saturation = span / value
                # The last of equal channels decides.
                if blue == value:
                    hue = 4.0 + (red - green) / span
                elif green == value:
                    hue = 2.0 + (blue - red) / span
                else:
                    hue = (green - blue) / span
                hue = (hue / 6.0) % 1.0
            result[y, x, 0] = hue
            result[y, x, 1] = saturation
            result[y, x, 2] = value
    return result


@njit(cache=True, nogil=True)
def rgb_from_hsv(image):
    """Convert hue in turns, saturation and value back to an (H, W, 3) RGB image."""
    result = np.empty(image.shape, np.float64)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            hue, saturation, value = image[y, x, 0] * 6.0, image[y, x, 1], image[y, x, 2]
            sector = np.floor(hue)
            fraction = hue - sector
            low = value * (1.0 - saturation)
            falling = value * (1.0 - fraction * saturation)
            rising = value * (1.0 - (1.0 - fraction) * saturation)
            which = int(sector) % 6
            if which == 0:
                red, green, blue = value, rising, low
            elif which == 1:
                red, green, blue = falling, value, low
            elif which == 2:
                red, green, blue = low, value, rising
            elif which == 3:
                red, green, blue = low, falling, value
            elif which == 4:
                red, green, blue = rising, low, value
            else:
                red, green, blue = value, low, falling
            result[y, x, 0] = red
            result[y, x, 1] = green
            result[y, x, 2] = blue
    return result
