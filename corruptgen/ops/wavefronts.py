"""Point spreads of lenses whose wavefront is bent by one Zernike polynomial, as OpticsBench's generator makes them.

What it does in an unusual way is kept: the pupil fills its grid, so that the far field wraps around; angles are
measured half a sample beside the distances; all three colours are bent by as many of their own wavelengths.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from corruptgen.runtime.caching import keep_arrays

Float64 = NDArray[np.float64]

# The lens and its sensor, in metres.
PUPIL = 5e-3
FOCAL_LENGTH = 25e-3
PIXEL = 3.5e-6
# Of red, green and blue light.
WAVELENGTHS = (0.6563e-6, 0.5876e-6, 0.4861e-6)
SAMPLES = 128
SIDE = 25

POLYNOMIALS: Mapping[str, Callable[[Float64, Float64], Float64]] = {
    "defocus": lambda r, _: 2 * r**2 - 1,
    "vertical_astigmatism": lambda r, angle: r**2 * np.cos(2 * angle),
    "oblique_astigmatism": lambda r, angle: r**2 * np.sin(2 * angle),
    "horizontal_coma": lambda r, angle: (3 * r**2 - 2) * r * np.cos(angle),
    "vertical_coma": lambda r, angle: (3 * r**2 - 2) * r * np.sin(angle),
    "spherical": lambda r, _: 6 * r**4 - 6 * r**2 + 1,
    "oblique_trefoil": lambda r, angle: r**3 * np.cos(3 * angle),
    "vertical_trefoil": lambda r, angle: r**3 * np.sin(3 * angle),
}


@keep_arrays
def aberration_kernels(term: str, waves: float) -> NDArray[np.float32]:
    """Return the kernels of red, green and blue, (3, 25, 25) float32, read-only.

    Parameters
    ----------
    term : str
        One of `POLYNOMIALS`.
    waves : float
        How far the polynomial bends the wavefront, in wavelengths.
    """
    if term not in POLYNOMIALS:
        raise ValueError(f"term is {term!r}; known: {', '.join(POLYNOMIALS)}")
    kernels = np.stack([_kernel(term, waves, wavelength) for wavelength in WAVELENGTHS]).astype(np.float32)
    kernels.flags.writeable = False
    return kernels


def _kernel(term: str, waves: float, wavelength: float) -> Float64:
    step = PUPIL / SAMPLES
    places = (np.arange(SAMPLES) - SAMPLES // 2) * step
    distance = np.sqrt((places + step / 2) ** 2 + (places[:, None] + step / 2) ** 2)
    angle = np.arctan2(places[:, None], places)
    # The generator's middle lies a rounding error to the right of and below 0.
    angle[SAMPLES // 2, SAMPLES // 2] = np.pi / 4
    bent = waves * POLYNOMIALS[term](distance / (PUPIL / 2), angle)
    light = (distance <= PUPIL / 2 - step) * np.exp(-2j * np.pi * bent)
    spread = np.abs(np.fft.fftshift(np.fft.fft2(light))) ** 2
    spread /= spread.sum()
    spread = ndimage.zoom(
        spread, wavelength * FOCAL_LENGTH / PUPIL / PIXEL, order=3, mode="grid-constant", grid_mode=True
    )
    first = round(len(spread) / 2) - SIDE // 2
    kernel = np.abs(spread[first : first + SIDE, first : first + SIDE])
    kernel /= kernel.sum()
    weights = np.arange(SIDE)
    centre = np.array([(kernel.sum(axis=1) * weights).sum(), (kernel.sum(axis=0) * weights).sum()])
    return _moved(kernel, *np.rint(centre.round(3) - SIDE // 2).astype(int).tolist())


def _moved(kernel: Float64, up: int, left: int) -> Float64:
    """Return a kernel moved by whole samples; what leaves it is lost."""
    padded = np.pad(kernel, SIDE)
    return padded[SIDE + up : 2 * SIDE + up, SIDE + left : 2 * SIDE + left]
