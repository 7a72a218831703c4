"""Noise of a given spectrum, rays of light, and what else is drawn from a generator of its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.randomness.draws import Draws

Float64 = NDArray[np.float64]
SEEDS = 2**32


def own_draws(rng: Draws) -> Draws:
    """Return what the rest of a pattern is drawn from.

    The originals draw a seed, and the pattern from a new generator with it. A replay of their draws has a method
    `seeded` that returns that generator; all others go on drawing from where they are.
    """
    seed = int(rng.integers(0, SEEDS))
    seeded = getattr(rng, "seeded", None)
    return rng if seeded is None else seeded(seed)


def pixel_places(height: int, width: int) -> tuple[Float64, Float64]:
    """Return row and column of every pixel, as (H, 1) and (1, W)."""
    rows, columns = np.ogrid[:height, :width]
    return rows.astype(np.float64), columns.astype(np.float64)


def distances_from_centre(height: int, width: int) -> Float64:
    """Return how far each pixel lies from the middle of the image, (H, W)."""
    rows, columns = pixel_places(height, width)
    return np.asarray(np.sqrt((columns - width / 2) ** 2 + (rows - height / 2) ** 2))


def spectral_noise(power: Float64, rng: Draws) -> Float64:
    """Draw noise of standard deviation 1 whose spectrum has this power, lowest frequencies in the middle."""
    height, width = power.shape
    half = rng.uniform(0, 2 * np.pi, (height, (width + 1) // 2))
    phases = np.concatenate([half, np.rot90(half, 2)], axis=1)[:, :width]
    spectrum = power * np.exp(1j * phases)
    spectrum = np.roll(spectrum, (height // 2, width // 2), axis=(0, 1))
    noise = np.fft.ifft2(spectrum).real
    return np.asarray(noise / noise.std())


def rays_of_light(height: int, width: int, centre: Any, lengths: Float64, exponent: float) -> Float64:
    """Return how bright a source of light with rays of these lengths makes each pixel, (H, W) from 0 to 1.

    Parameters
    ----------
    height, width : int
        Of the image.
    centre : (float, float)
        Row and column of the source.
    lengths : ndarray, shape (rays,)
        Pixels, in the order of their angles.
    exponent : float
        How fast light falls off; less reaches further.
    """
    rows, columns = pixel_places(height, width)
    down, right = rows - centre[0], columns - centre[1]
    squares = (down**2 + right**2).astype(np.float64)
    squares = np.sqrt(squares) ** 2
    turns = (np.arctan2(right, down) + np.pi) / (2 * np.pi) * lengths.size
    before = np.floor(turns)
    share = turns - before
    first = before.astype(np.int64) % lengths.size
    second = (first + 1) % lengths.size
    length = lengths[first] + share * (lengths[second] - lengths[first])
    return np.clip((1 - (share - 0.5) ** 2) * (length**2 / (squares + 1e-4)) ** exponent, 0, 1)
