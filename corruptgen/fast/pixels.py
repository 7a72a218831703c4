"""Fewer, larger pixels: Pillow's means over boxes in whole numbers, and every large pixel copied to its small ones."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.codecs.pixels import Arithmetic
from corruptgen.compilation import njit
from corruptgen.corruptions.common.digital import count_large_pixels, pixelate, pixelate_nearest
from corruptgen.declare import fused
from corruptgen.fast.scratch import scratch_array
from corruptgen.runtime.caching import keep_arrays

COLOURS = 3
# Pillow weighs bytes in whole numbers of 1 / 2**22.
PRECISION_BITS = 22
# If more than twice as many rows as columns go, Pillow from version 13 on shrinks the columns first and rounds there.
MOST_ROWS_PER_COLUMN = 2
_BITS, _WHITE, _HALF = np.uint32(PRECISION_BITS), np.uint32(255), np.uint32(1 << (PRECISION_BITS - 1))

Indices = NDArray[np.int64]
Colours = NDArray[np.int32]


class _Axis(NamedTuple):
    """Where the large pixels of one axis come from and where they go."""

    starts: Indices
    """The first of the samples that a large pixel is the mean of."""
    counts: Indices
    """How many of them there are."""
    weights: NDArray[np.uint32]
    """Of each of them, in 1 / 2**22."""
    origins: Indices
    """For each small pixel the large one that it shows; they never go down."""


@fused(pixelate)
def _pixelate(image: NDArray[np.uint8], _: Arithmetic, *, scale: float) -> NDArray[np.uint8] | None:
    return _enlarge_pixels(image, count_large_pixels(image, scale), Image.Resampling.BOX)


@fused(pixelate_nearest)
def _pixelate_nearest(image: NDArray[np.uint8], _: Arithmetic, *, scale: float) -> NDArray[np.uint8] | None:
    return _enlarge_pixels(image, count_large_pixels(image, scale), Image.Resampling.NEAREST)


def _enlarge_pixels(
    image: NDArray[np.uint8], size: tuple[int, int], resampling: Image.Resampling
) -> NDArray[np.uint8] | None:
    """Shrink an (H, W, 3) image to `size` by means over boxes and enlarge it again, to the byte as Pillow does it.

    None if it is grey, if there are more large pixels than small ones, or so many fewer rows that not every Pillow
    shrinks the rows first.
    """
    height, width, channels = image.shape
    rows, columns = height - size[0], width - size[1]
    if channels != COLOURS or rows < 0 or columns < 0 or rows > MOST_ROWS_PER_COLUMN * columns:
        return None
    down, across = _axis(height, size[0], resampling), _axis(width, size[1], resampling)
    # A colour is moved in one piece; columns are shrunk as rows of the image with its axes exchanged. New memory for
    # every step would take longer than the steps.
    memory: Colours = scratch_array("int32", 3 * height * width)[: 3 * height * width].reshape(3, -1)
    colours, turned, narrow, wide, large, stripes = (
        memory[k, : tall * across_it].reshape(tall, across_it)
        for k, tall, across_it in (
            (0, height, width),
            (1, width, height),
            (2, size[1], height),
            (0, height, size[1]),
            (1, *size),
            (2, size[0], width),
        )
    )
    cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, colours.view(np.uint8).reshape(height, width, -1))
    cv2.transpose(colours, turned)
    _fill_means(narrow.view(np.uint8), turned.view(np.uint8), across.starts, across.counts, across.weights)
    cv2.transpose(narrow, wide)
    _fill_means(large.view(np.uint8), wide.view(np.uint8), down.starts, down.counts, down.weights)
    large.take(across.origins, 1, stripes, "clip")
    stripes.take(down.origins, 0, colours, "clip")
    return np.asarray(cv2.cvtColor(colours.view(np.uint8).reshape(height, width, -1), cv2.COLOR_RGBA2RGB), np.uint8)


@keep_arrays
def _axis(length: int, large: int, resampling: Image.Resampling) -> _Axis:
    scale = length / large
    centres = (np.arange(large) + 0.5) * scale
    first = np.maximum((centres - 0.5 * scale + 0.5).astype(np.int64), 0)
    beyond = np.minimum((centres + 0.5 * scale + 0.5).astype(np.int64), length)
    starts, counts = first.copy(), np.zeros(large, np.int64)
    # Candidates whose centre is not within the box, its end included and its beginning not, have no weight.
    for offset in range(int((beyond - first).max()) - 1, -1, -1):
        positions = first + offset
        distances = (positions - centres + 0.5) * (1.0 / scale)
        is_inside = (positions < beyond) & (distances > -0.5) & (distances <= 0.5)
        starts[is_inside] = positions[is_inside]
        counts += is_inside
    weights = (0.5 + 1.0 / np.maximum(counts, 1) * 2.0**PRECISION_BITS).astype(np.uint32)
    # Enlarging mixes nothing, so Pillow itself can be asked where every sample comes from.
    numbers = Image.fromarray(np.arange(large, dtype=np.int32)[None])
    origins = np.asarray(numbers.resize((length, 1), resampling))[0].astype(np.int64)
    return _Axis(starts, counts, weights, origins)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill_means(large, rows, starts, counts, weights):
    total = np.empty(rows.shape[1], np.uint32)
    for y in range(large.shape[0]):
        total[:] = 0
        for k in range(starts[y], starts[y] + counts[y]):
            row = rows[k]
            for i in range(total.size):
                total[i] = np.uint32(total[i] + row[i])
        made, weight = large[y], weights[y]
        for i in range(total.size):
            mean = np.uint32(np.uint32(np.uint32(total[i] * weight) + _HALF) >> _BITS)
            made[i] = np.uint8(mean if mean < _WHITE else _WHITE)
