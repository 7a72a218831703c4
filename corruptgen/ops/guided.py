"""The guided filter: a map is smoothed, and keeps the edges of another one."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def guided_filter(
    samples: NDArray[np.floating[Any]], guide: NDArray[np.floating[Any]], side: int, regularisation: float
) -> NDArray[np.floating[Any]]:
    """Return the local linear functions of `guide` that come nearest to `samples`, mean over all that hold at a place.

    Parameters
    ----------
    samples, guide : ndarray of float, shape (H, W)
    side : int
        Of the windows in pixels, mirrored at the outermost samples.
    regularisation : float
        Variance of the guide below which a window counts as flat.

    References
    ----------
    He, Sun & Tang 2013, https://doi.org/10.1109/TPAMI.2012.213
    """

    def mean(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(cv2.blur(values, (side, side)))

    guide_mean, samples_mean = mean(guide), mean(samples)
    variance = mean(guide * guide) - guide_mean * guide_mean
    slope = (mean(guide * samples) - guide_mean * samples_mean) / (variance + regularisation)
    return mean(slope) * guide + mean(samples_mean - slope * guide_mean)
