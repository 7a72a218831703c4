"""Disarray of an image, scale by scale: its slices in a scale space, and the planes of noise that displace them.

Koenderink et al. 2017, "Eidolons: Novel stimuli for vision research".
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays

Float64 = NDArray[np.float64]

# Of the coarsest scale, in pixels, and half-octaves from there to the finest.
COARSEST = 64.0
SCALES = tuple(2**-0.5 * 2 ** (k / 2) for k in range(12))
# Noise is scaled to this range, as the levels of an image are to theirs.
HALF_RANGE = 127.5


@keep_arrays
def _kernel_spectrum(side: int, sigma: float) -> NDArray[np.complex128]:
    """Return the spectrum of a sampled Gaussian about the first pixel of a square plane, one row after the other."""
    steps = np.arange(side)
    steps = np.minimum(steps, side - steps)
    profile = np.exp(-(steps**2) / (2 * sigma * sigma)) / (np.sqrt(2 * np.pi) * sigma)
    return fft.rfft(np.outer(profile, profile).ravel())


def _blur(spectrum: NDArray[np.complex128], side: int, sigma: float) -> Float64:
    """Return the blurred plane of a spectrum of rows that follow each other: what leaves a row enters the next one."""
    blurred: Float64 = fft.irfft(spectrum * _kernel_spectrum(side, sigma), side * side).reshape(side, side)
    return blurred


def scale_slices(plane: Float64) -> list[Float64]:
    """Return what each scale adds to a square plane, finest first; they add up to the plane at the finest scale."""
    side = len(plane)
    spectrum = fft.rfft(plane.ravel())
    levels = [_blur(spectrum, side, sigma) for sigma in SCALES]
    return [*(finer - coarser for finer, coarser in pairwise(levels)), levels[-1]]


def displacements(side: int, coherence: float, grain: float, rng: Draws) -> Iterator[tuple[Float64, Float64]]:
    """Draw by how much each scale is displaced down and to the right, finest first, in units of the reach.

    Parameters
    ----------
    side : int
        Of the square planes, in pixels.
    coherence : float
        1: all scales move with the coarser ones; 0: each for itself.
    grain : float
        Of what moves each for itself: standard deviation of its blur in pixels.
    rng : Draws
        The planes of both directions at all scales come first, then those of each scale.
    """
    down, right = (_coherent_planes(side, rng, is_used=coherence > 0) for _ in range(2))
    for k in range(len(SCALES)):
        own = [_noise_plane(side, grain, rng, is_used=coherence < 1) for _ in range(2)]
        yield (1 - coherence) * own[0] + coherence * down[k], (1 - coherence) * own[1] + coherence * right[k]


def _coherent_planes(side: int, rng: Draws, *, is_used: bool) -> list[Float64]:
    """Draw a plane for each scale, and add to each those of all coarser scales."""
    planes = [sigma / COARSEST * _noise_plane(side, sigma, rng, is_used=is_used) for sigma in SCALES]
    total, sums = np.zeros((side, side)), []
    for plane in reversed(planes):
        total = total + plane
        sums.append(total)
    return sums[::-1]


def _noise_plane(side: int, sigma: float, rng: Draws, *, is_used: bool) -> Float64:
    """Draw a plane of blurred noise; one that is not used takes its draws and is empty."""
    noise = rng.normal(0.0, 1.0, (side, side))
    if not is_used:
        return np.zeros((side, side))
    noise = np.clip(noise * (HALF_RANGE / np.abs(noise).max()), -np.floor(HALF_RANGE), np.floor(HALF_RANGE))
    blurred = _blur(fft.rfft(noise.ravel()), side, sigma)
    # The mean over the deviation is taken off: a bracket is missing in the original, and the plane not standardised.
    return blurred - blurred.mean() / blurred.std()
