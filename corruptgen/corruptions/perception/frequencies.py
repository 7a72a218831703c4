"""Frequencies of the image: amplitudes of another one, and single waves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Unit, UnitFrames, corruption
from corruptgen.errors import ImageError
from corruptgen.metrics.fourier import half_plane
from corruptgen.ops.spectrum import frequencies_of, plane_of, with_amplitude
from corruptgen.randomness.draws import Draws


@corruption
def amplitude_swap(image: Unit, donor: Unit, *, share: float) -> Unit:
    """Mix the amplitudes of the image with those of another one, at its own phases: shape stays, texture changes.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    donor : ndarray of float, shape (H, W, C)
        The other image.
    share : float
        Of the donor's amplitudes; more is worse, 0 leaves the image alone.

    References
    ----------
    Yang & Soatto 2020, https://arxiv.org/abs/2004.05498, for exchanged amplitudes; all frequencies and shares are ours.
    """
    own = frequencies_of(image)
    amplitude: NDArray[Any] = (1 - share) * np.abs(own) + share * np.abs(frequencies_of(donor))
    return plane_of(with_amplitude(own, amplitude))


@corruption
def fourier_wave(image: Unit, rng: Draws, *, down: int, right: int, height: float) -> Unit:
    """Add a wave of one frequency, to each channel with a sign of its own.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    down : int
        Waves from top to bottom.
    right : int
        Waves from left to right.
    height : float
        Root of its mean square as a fraction of full scale; more is worse, 0 leaves the image alone.

    References
    ----------
    Yin et al. 2019, https://arxiv.org/abs/1906.08988
    """
    return image + _signed(_wave(image.shape, down, right, height), image.shape[2], rng)


@corruption
def fourier_frames(image: Unit, rng: Draws, *, reach: int, height: float) -> UnitFrames:
    """Add a wave of each frequency in turn, a frame for each: to each channel with a sign of its own.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    reach : int
        The highest frequency along each axis, in waves across the image. A frequency and its negative one are the same:
        there are ((2 reach + 1)² + 1) / 2 frames, in the order of `corruptgen.metrics.fourier.half_plane`.
    height : float
        Root of a wave's mean square as a fraction of full scale; more is worse.

    References
    ----------
    Yin et al. 2019, https://arxiv.org/abs/1906.08988
    """
    least = min(image.shape[:2])
    if 2 * reach > least:
        raise ImageError(
            f"an image of {image.shape[0]}×{image.shape[1]} has no {reach} waves along each axis; {least // 2} are the "
            "most, take a row of a smaller reach"
        )
    for down, right in half_plane(reach):
        yield image + _signed(_wave(image.shape, down, right, height), image.shape[2], rng)


def _wave(shape: tuple[int, ...], down: int, right: int, height: float) -> NDArray[np.float64]:
    """Return a plane wave that is highest in the first pixel, (H, W), of a given root mean square."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    wave = np.cos(2 * np.pi * (down * rows / shape[0] + right * columns / shape[1]))
    return wave * (height / np.sqrt(np.mean(wave**2)))


def _signed(wave: NDArray[Any], channels: int, rng: Draws) -> NDArray[Any]:
    """Return a wave for each channel, upside down or not, (H, W, C)."""
    return wave[..., None] * (2 * rng.integers(0, 2, channels) - 1)
