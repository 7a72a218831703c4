"""Snow: flakes are drawn where they are seen, and laid over the image in one pass."""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.natural.snow import snow, snow_unquantised
from corruptgen.declare import fused
from corruptgen.fast.bounds import byte_of
from corruptgen.fast.fractions import fraction_of, parts_of_a_level
from corruptgen.fast.trails import blur_flakes, blur_motion
from corruptgen.ops.colour import luma, opencv_luma
from corruptgen.ops.zoom import central_positions, magnified, sampled
from corruptgen.randomness.normals import fill_normals
from corruptgen.randomness.philox import WORDS_PER_BLOCK, fill_words
from corruptgen.randomness.stream import Stream

Float64 = NDArray[np.float64]
Luma = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_PARTS = parts_of_a_level("float64")
# Pixels whose layers are made together: for all of a large image they would be new memory each time.
PIXELS_AT_ONCE = 2**16


@fused(snow)
def _snow(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    mix: float,
    quantum: str,
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float32":
        return None
    (rows, tall), (columns, wide) = (central_positions(length, zoom) for length in image.shape[:2])
    layer = sampled(_seen_draws(image.shape, rng, tall, loc, scale)[:, wide], rows, columns)
    _cut_off(layer.reshape(-1), threshold)
    angle = rng.uniform(-135, -45)
    flakes = (layer * 255).astype(np.uint8)
    falling = blur_motion(flakes, radius=radius, sigma=sigma, angle=angle, quantum=quantum)
    return _add_snow(image, luma, falling, mix, arithmetic)


@fused(snow_unquantised)
def _snow_unquantised(
    image: NDArray[np.uint8],
    rng: Stream,
    arithmetic: Arithmetic,
    *,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    mix: float,
) -> NDArray[np.uint8] | None:
    if arithmetic.precision != "float32":
        return None
    height, width = image.shape[:2]
    tall, wide = math.ceil(height / zoom), math.ceil(width / zoom)
    top, left = (height - tall) // 2, (width - wide) // 2
    draws = _seen_draws(image.shape, rng, slice(top, top + tall), loc, scale)
    layer = magnified(draws[:, left : left + wide], zoom)
    _cut_off(layer.reshape(-1), threshold)
    falling = blur_flakes(layer, radius=radius, sigma=sigma, angle=rng.uniform(-135, -45), shape=(height, width))
    return _add_snow(image, opencv_luma, falling, mix, arithmetic)


def _seen_draws(shape: tuple[int, ...], rng: Stream, rows: slice, loc: float, scale: float) -> Float64:
    """Return some rows of the (H, W, 1) normal draws; the stream goes on behind all of them."""
    height, width = shape[:2]
    count = height * width
    key, counter, first_block = rng.skip(count + count % 2)
    skipped = rows.start * width // WORDS_PER_BLOCK
    words = np.empty((-(-rows.stop * width // WORDS_PER_BLOCK) - skipped) * WORDS_PER_BLOCK, np.uint32)
    normals = np.empty(words.size)
    fill_words(words, key, counter, first_block + skipped)
    fill_normals(normals, words)
    normals *= scale
    normals += loc
    first = rows.start * width - skipped * WORDS_PER_BLOCK
    return normals[first : first + (rows.stop - rows.start) * width].reshape(-1, width, 1)


def _add_snow(
    image: NDArray[np.uint8], luma_of: Luma, flakes: NDArray[np.uint8], mix: float, arithmetic: Arithmetic
) -> NDArray[np.uint8]:
    """Whiten an (H, W, 3) image by its luma, and add (H, W, 1) flakes and the same flakes turned by half a turn."""
    result, weights = np.empty(image.shape, np.uint8), (np.float32(mix), np.float32(1 - mix))
    turned, at_once = flakes[::-1, ::-1], max(1, PIXELS_AT_ONCE // image.shape[1])
    for first in range(0, image.shape[0], at_once):
        rows = slice(first, first + at_once)
        unit = np.divide(image[rows], 255, dtype=np.float32)
        # Once per sample, so that the loop over them is a straight one.
        layers = luma_of(unit), flakes[rows], np.ascontiguousarray(turned[rows])
        grey, falling, rising = (cv2.cvtColor(layer, cv2.COLOR_GRAY2RGB).ravel() for layer in layers)
        _fill(result[rows].ravel(), unit.ravel(), grey, falling, rising, weights, arithmetic.half)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _cut_off(layer, threshold):
    for i in range(layer.size):
        value = layer[i]
        value = value if value > 0.0 else 0.0
        layer[i] = 0.0 if layer[i] < threshold else (value if value < 1.0 else 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(result, unit, grey, falling, rising, weights, half):
    mix, rest = weights
    for i in range(result.size):
        own, light = unit[i], grey[i] * np.float32(1.5) + np.float32(0.5)
        whitened = np.float64(mix * own + rest * (own if own > light else light))
        level = ((whitened + fraction_of(falling[i], _PARTS)) + fraction_of(rising[i], _PARTS)) * 255.0
        result[i] = byte_of(level, half)
