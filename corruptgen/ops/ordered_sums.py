"""Correlation in float32 whose sums are made one sample after the other, as torch makes them for one channel.

Where fractions of a grey level are cut off, the last bits of a sum decide; libraries differ in the order of theirs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.compilation import njit

Float32 = NDArray[np.float32]


def correlate_in_order(image: NDArray[Any], kernels: Float32, *, border: str) -> Float32:
    """Correlate each channel of an (H, W, C) image with its kernel, row by row of the kernel.

    Parameters
    ----------
    image : ndarray, shape (H, W, C)
        Computed in float32.
    kernels : ndarray of float32, shape (C, K, K)
        Of odd sides; not flipped.
    border : str
        What lies outside of the image: "zeros", or "mirror" at the outermost samples.
    """
    reach = kernels.shape[1] // 2
    mode: Any = {"zeros": "constant", "mirror": "reflect"}[border]
    result = np.empty(image.shape, np.float32)
    for channel, kernel in enumerate(kernels):
        padded = np.pad(image[..., channel].astype(np.float32), reach, mode=mode)
        total = np.empty(image.shape[:2], np.float32)
        _correlate(total, padded, kernel)
        result[..., channel] = total
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _correlate(result, padded, kernel):
    for y in range(result.shape[0]):
        total = result[y]
        total[:] = 0
        for down in range(kernel.shape[0]):
            for right in range(kernel.shape[1]):
                weight = np.float64(kernel[down, right])
                samples = padded[y + down, right : right + total.size]
                for x in range(total.size):
                    # Multiplied and added with one rounding, as processors do that can: the product is exact here.
                    total[x] = np.float32(np.float64(samples[x]) * weight + np.float64(total[x]))
