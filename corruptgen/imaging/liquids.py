"""Water and mud on the bytes of an image, in float32 as the tables have it."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit
from corruptgen.imaging.byte_units import parts_of_a_level
from corruptgen.imaging.pixels import Arithmetic

_BLACK, _WHITE = np.int32(0), np.int32(255)


def water_bytes(liquid: NDArray[np.float64], threshold: float) -> NDArray[np.uint8]:
    """Give liquid * 255 as bytes, none below the threshold; above full scale they start again from black."""
    water = np.empty(liquid.shape, np.uint8)
    _fill_water(water.ravel(), liquid.ravel(), float(threshold))
    return water


def wetted(
    image: NDArray[np.uint8],
    water: NDArray[np.uint8],
    shine: NDArray[np.uint8],
    strength: float,
    colour: NDArray[np.float32],
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    """Give the stored samples of image + strength * water * shine / max(water * shine) * colour; of image if that is 0.

    Parameters
    ----------
    image : (H, W, 3) uint8
    water, shine : (H, W) uint8
    colour : (3,) float32, of full scale
    """
    samples = np.empty(image.shape, np.uint8)
    rows = samples.reshape(len(image), -1), np.ascontiguousarray(image).reshape(len(image), -1)
    half = np.float32(arithmetic.half)
    _fill_wetted(*rows, water, shine, np.float32(strength), colour, *parts_of_a_level("float32"), half)
    return samples


def muddied(
    image: NDArray[np.uint8],
    cover: NDArray[np.float64],
    thinnest: float,
    colour: NDArray[np.float32],
    arithmetic: Arithmetic,
) -> NDArray[np.uint8]:
    """Give the stored samples of image * (1 - cover) + colour * cover, with no cover below `thinnest`.

    Parameters
    ----------
    image : (H, W, 3) uint8
    cover : (H, W) float64
    colour : (3,) float32, of full scale
    """
    samples = image.copy(order="C")
    units, half = arithmetic.units, np.float32(arithmetic.half)
    _fill_muddied(samples.reshape(-1, 3), cover.ravel(), thinnest, colour, units, half)
    return samples


@njit(cache=True, nogil=True)
def _fill_water(water, liquid, threshold):  # type: ignore[no-untyped-def]
    for i in range(water.size):
        water[i] = np.uint8(np.int64((0.0 if liquid[i] < threshold else liquid[i]) * 255))


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_wetted(samples, image, water, shine, strength, colour, first, second, half):  # type: ignore[no-untyped-def]
    height, width = water.shape
    deepest = np.int32(0)
    for y in range(height):
        wet, bright = water[y], shine[y]
        for x in range(width):
            deepest = max(deepest, np.int32(np.int32(wet[x]) * np.int32(bright[x])))
    full = np.float32(max(deepest, np.int32(1)))
    light = np.empty(3 * width, np.float32)
    for y in range(height):
        wet, bright = water[y], shine[y]
        for x in range(width):
            depth = np.float32(np.int32(wet[x]) * np.int32(bright[x])) / full * strength
            light[3 * x] = depth * colour[0]
            light[3 * x + 1] = depth * colour[1]
            light[3 * x + 2] = depth * colour[2]
        before, after = image[y], samples[y]
        for i in range(light.size):
            value = np.float32(before[i])
            value = ((value * first + value * second) + light[i]) * np.float32(255) + half
            after[i] = np.uint8(min(max(np.int32(value), _BLACK), _WHITE))


@njit(cache=True, nogil=True)
def _fill_muddied(samples, cover, thinnest, colour, units, half):  # type: ignore[no-untyped-def]
    for i in range(cover.size):
        # Where there is no mud the sample stays what it is, so that most are never touched.
        if cover[i] >= thinnest:
            for c in range(3):
                clean = np.float32(np.float64(units[samples[i, c]]) * (1 - cover[i]))
                value = (clean + np.float32(np.float64(colour[c]) * cover[i])) * np.float32(255) + half
                samples[i, c] = np.uint8(min(max(np.int32(value), _BLACK), _WHITE))
