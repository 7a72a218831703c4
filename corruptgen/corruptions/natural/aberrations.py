"""Lenses that do not bring light to a point: what OpticsBench shows models, a Zernike polynomial at a time."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.supplied import find_supplied
from corruptgen.declare import UnitColour, corruption
from corruptgen.ops.ordered_sums import correlate_in_order
from corruptgen.ops.wavefronts import POLYNOMIALS, SIDE, aberration_kernels
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays

LEVELS = 5
COLOURS = 3


@corruption
def aberration(image: UnitColour, *, term: str, waves: float, border: str) -> UnitColour:
    """Look through a lens whose wavefront is bent by one Zernike polynomial, red, green and blue each in its own way.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    term : str
        "defocus", "vertical_astigmatism", "oblique_astigmatism", "horizontal_coma", "vertical_coma", "spherical",
        "oblique_trefoil" or "vertical_trefoil".
    waves : float
        How far the wavefront is bent, in wavelengths; more is worse.
    border : str
        What lies outside of the image: "zeros", or "mirror" at the outermost pixels.

    References
    ----------
    Müller, Braun & Keuper 2023 (OpticsBench), https://arxiv.org/abs/2308.15499
    """
    return correlate_in_order(image, aberration_kernels(term, waves), border=border)


@corruption
def drawn_aberration(
    image: UnitColour, rng: Draws, *, first: str, first_waves: float, second: str, second_waves: float, border: str
) -> UnitColour:
    """Look through a lens with one of two aberrations, which is drawn.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    first : str
        The one, as in `aberration`.
    first_waves : float
        How far it bends the wavefront, in wavelengths; more is worse.
    second : str
        The other one.
    second_waves : float
        How far that bends the wavefront; more is worse.
    border : str
        What lies outside of the image: "zeros", or "mirror" at the outermost pixels.

    References
    ----------
    Müller, Braun & Keuper 2023 (OpticsBench), https://arxiv.org/abs/2308.15499
    """
    term, waves = ((first, first_waves), (second, second_waves))[int(rng.integers(2))]
    return correlate_in_order(image, aberration_kernels(term, waves), border=border)


@corruption
def stored_aberration(image: UnitColour, *, kernels: str, term: str, level: int, border: str) -> UnitColour:
    """Look through a lens whose point spreads are kept in a file of the user's.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    kernels : str
        The sha256 of the numbers: eight terms, five levels, three colours, 25 rows and 25 columns of float32.
    term : str
        As in `aberration`.
    level : int
        From 1 to 5; more is worse.
    border : str
        What lies outside of the image: "zeros", or "mirror" at the outermost pixels.

    References
    ----------
    Müller, Braun & Keuper 2023 (OpticsBench), https://arxiv.org/abs/2308.15499
    """
    return correlate_in_order(image, _stored_kernels(kernels, term, level), border=border)


@corruption
def drawn_stored_aberration(
    image: UnitColour, rng: Draws, *, kernels: str, first: str, second: str, level: int, border: str
) -> UnitColour:
    """Look through a lens with one of two aberrations of a file of the user's, which is drawn.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    kernels : str
        As in `stored_aberration`.
    first : str
        The one, as in `aberration`.
    second : str
        The other one.
    level : int
        From 1 to 5; more is worse.
    border : str
        What lies outside of the image: "zeros", or "mirror" at the outermost pixels.

    References
    ----------
    Müller, Braun & Keuper 2023 (OpticsBench), https://arxiv.org/abs/2308.15499
    """
    term = (first, second)[int(rng.integers(2))]
    return correlate_in_order(image, _stored_kernels(kernels, term, level), border=border)


@keep_arrays
def _stored_kernels(sha256: str, term: str, level: int) -> NDArray[np.float32]:
    """Return the kernels of the three colours, (3, 25, 25), read-only."""
    numbers = np.frombuffer(
        find_supplied(
            sha256,
            "the stack of kernels",
            "Either take the table optics-bench, which computes its own, or fetch kernel_stack_iccvw.pt or "
            "kernel_stack_rg_iccvw.pt from https://github.com/PatMue/classification_robustness (no licence stated)",
        ),
        np.float32,
    )
    stack = numbers.reshape(len(POLYNOMIALS), LEVELS, COLOURS, SIDE, SIDE)
    return stack[list(POLYNOMIALS).index(term), level - 1]
