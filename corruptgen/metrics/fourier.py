"""Fourier heat maps: how often a model errs when a wave of each frequency is added."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from corruptgen.errors import ScoreError


def half_plane(reach: int) -> list[tuple[int, int]]:
    """List the frequencies of a heat map, of each and its negative one the first.

    Parameters
    ----------
    reach : int
        The highest frequency along each axis.

    Returns
    -------
    list of (int, int)
        Waves down and to the right: none first, then those along the rows, then line by line.

    Examples
    --------
    >>> half_plane(1)
    [(0, 0), (0, 1), (1, -1), (1, 0), (1, 1)]
    """
    return [(down, right) for down in range(reach + 1) for right in range(-reach if down else 0, reach + 1)]


def fourier_heat_map(rates: ArrayLike) -> NDArray[np.float64]:
    """Return the map of what was measured with each frequency added, no wave in the middle.

    Parameters
    ----------
    rates : array_like, shape (frames,)
        Error rates, or another number, for each frame of a row of the table `fourier-basis`.

    Returns
    -------
    ndarray of float64, shape (2 * reach + 1, 2 * reach + 1)
        By waves down and to the right, from -reach to reach; a frequency and its negative one have one number.

    Raises
    ------
    ScoreError
        If there are not as many numbers as a heat map has frequencies.

    References
    ----------
    Yin et al. 2019, https://arxiv.org/abs/1906.08988

    Examples
    --------
    >>> fourier_heat_map([0.0, 0.1, 0.2, 0.3, 0.4]).tolist()
    [[0.4, 0.3, 0.2], [0.1, 0.0, 0.1], [0.2, 0.3, 0.4]]
    """
    values = np.asarray(rates, np.float64)
    reach = (math.isqrt(max(2 * values.size - 1, 1)) - 1) // 2
    places = half_plane(reach)
    if values.ndim != 1 or len(places) != values.size:
        raise ScoreError(
            f"{values.shape} numbers are no heat map; pass one for each frame: 5, 13, 25, ... ((2 reach + 1)² + 1) / 2"
        )
    heat_map = np.empty((2 * reach + 1, 2 * reach + 1))
    for (down, right), value in zip(places, values, strict=True):
        heat_map[reach + down, reach + right] = heat_map[reach - down, reach - right] = value
    return heat_map


def evaluate_fourier(predictions: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the heat map of the error rates of a model.

    Parameters
    ----------
    predictions : array_like, shape (pictures, frames)
        Classes, as whole numbers, of the frames of a row of the table `fourier-basis`.
    labels : array_like, shape (pictures,)
        The true classes.

    Returns
    -------
    ndarray of float64, shape (2 * reach + 1, 2 * reach + 1)
        Error rates, as fractions, no wave in the middle; less is better.

    Raises
    ------
    ScoreError
        If shapes do not fit.

    References
    ----------
    Yin et al. 2019, https://arxiv.org/abs/1906.08988

    Examples
    --------
    >>> evaluate_fourier([[3, 3, 3, 3, 5], [7, 7, 7, 7, 7]], labels=[3, 7]).tolist()
    [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]
    """
    classes, truth = np.asarray(predictions), np.asarray(labels)
    if classes.ndim != 2 or truth.shape != classes.shape[:1]:
        raise ScoreError(
            f"predictions of shape {classes.shape} and labels of {truth.shape} do not fit; pass (pictures, frames) and "
            "(pictures,)"
        )
    return fourier_heat_map((classes != truth[:, None]).mean(axis=0))
