"""The frequencies of planes and images, lowest ones in the middle."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Complex = NDArray[np.complex128]


def frequencies_of(plane: NDArray[np.floating[Any]]) -> Complex:
    """Return the frequencies of a plane, (H, W), or of each channel of an image, (H, W, C)."""
    frequencies: Complex = fft.fftshift(fft.fft2(plane, axes=(0, 1)), axes=(0, 1))
    return frequencies


def plane_of(frequencies: Complex) -> NDArray[np.float64]:
    """Return the plane or image of these frequencies; the real part, where they are those of no real one."""
    return np.ascontiguousarray(np.real(fft.ifft2(fft.ifftshift(frequencies, axes=(0, 1)), axes=(0, 1))))


def with_amplitude(frequencies: Complex, amplitude: NDArray[Any]) -> Complex:
    """Return frequencies of another amplitude at their own phases; the phase of what has no amplitude is 0."""
    changed: Complex = amplitude * np.exp(1j * np.angle(frequencies))
    return changed
