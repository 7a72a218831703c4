"""Phases and amplitudes of the luminance, disturbed or replaced."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.supplied import find_supplied
from corruptgen.declare import Plane, UnitPicture, corruption
from corruptgen.errors import ImageError
from corruptgen.ops.colour import in_channels, luminance
from corruptgen.ops.spectrum import frequencies_of, plane_of, with_amplitude
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays


@corruption
def unpaired_phase_noise(image: UnitPicture, rng: Draws, *, degrees: float) -> UnitPicture:
    """Disturb the phases of the luminance, of two frequencies at a time in opposite directions.

    The two are not each other's conjugates: the first of one half of the spectrum goes with the first of the other
    half. What results is not real, and its imaginary part is dropped.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour; both sides are even.
    degrees : float
        Largest disturbance, to either side; more is worse, 0 leaves the luminance alone.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        raise ImageError(f"the phases of an image of {height}×{width} pixels do not pair: both sides must be even")
    return in_channels(disturb_phases(luminance(image), rng, degrees), image.shape[2])


def disturb_phases(plane: NDArray[np.float64], rng: Draws, degrees: float) -> NDArray[np.float64]:
    """Return a plane of even sides with phases that are disturbed in unmatched pairs."""
    frequencies = frequencies_of(plane)
    phase = np.angle(frequencies)
    # Without the first row and column, which for even sides are those of the highest frequency.
    inner = phase[1:, 1:].ravel()
    half = inner.size // 2
    shift = (rng.random(half) - 0.5) * 2 * degrees / 180 * np.pi
    inner[:half] += shift
    inner[half + 1 :] -= shift
    phase[1:, 1:] = inner.reshape(phase[1:, 1:].shape)
    return plane_of(np.abs(frequencies) * np.exp(1j * phase))


@corruption
def equal_power(image: UnitPicture, *, spectrum: str) -> UnitPicture:
    """Give the luminance the published mean amplitudes of a data set, at its own phases.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour, of the size of the amplitudes.
    spectrum : str
        The sha256 of the amplitudes, float64, lowest frequency in the middle: a file of the user's.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    amplitude = _published_amplitude(spectrum)
    height, width = image.shape[:2]
    if amplitude.size != height * width:
        raise ImageError(
            f"the published spectrum is one of {amplitude.size} pixels, found {height}×{width}; resize the image first"
        )
    return _with_power(image, amplitude.reshape(height, width))


@corruption
def power_of_source(image: UnitPicture, mean_amplitude: Plane) -> UnitPicture:
    """Give the luminance the mean amplitudes of a data set, at its own phases.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    mean_amplitude : ndarray of float, shape (H, W)
        The mean over a data set of the amplitudes of its luminance, lowest frequency in the middle.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    return _with_power(image, np.asarray(mean_amplitude, np.float64).reshape(image.shape[:2]))


def _with_power(image: NDArray[Any], amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    frequencies = with_amplitude(frequencies_of(luminance(image)), amplitude)
    return in_channels(plane_of(frequencies), image.shape[2])


@keep_arrays
def _published_amplitude(sha256: str) -> NDArray[np.float64]:
    """Return the numbers of that sha256, read-only."""
    return np.frombuffer(
        find_supplied(
            sha256,
            "the mean amplitude spectrum",
            "Fetch code/mean_power_spectrum_grey.npy, from https://github.com/rgeirhos/generalisation-humans-DNNs, or "
            "take power_equalisation of the table texture-shape, which computes that of your images",
        )
    )
