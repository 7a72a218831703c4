"""Waves and noises of unusual spectra."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Levels, LevelsColour, corruption
from corruptgen.patterns.caustics import caustic_light
from corruptgen.patterns.perlin import turbulence
from corruptgen.patterns.spectral import distances_from_centre, own_draws, pixel_places, spectral_noise
from corruptgen.randomness.draws import Draws


@corruption
def single_frequency_greyscale(image: Levels, rng: Draws, *, intensity: float) -> Levels:
    """Add a plane wave of one frequency, the same in all channels.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    intensity : float
        Height of the wave in levels; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    first = rng.uniform(-np.pi, np.pi)
    second = rng.uniform(-abs(first), abs(first))
    order = rng.permutation(2)
    across, down = np.array([first, second])[order]
    phase = rng.uniform(0, 2 * np.pi)
    rows, columns = pixel_places(*image.shape[:2])
    return image + (intensity * np.sin(columns * across + rows * down + phase))[..., None]


@corruption
def cocentric_sine_waves(image: Levels, rng: Draws, *, intensity: float) -> Levels:
    """Add rings around a point, bent into waves.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    intensity : float
        Height of the rings in levels; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    side = min(height, width)
    centre = rng.uniform(0, 1, 2) * (width, height)
    frequency = rng.uniform(0, 10)
    amplitude, spacing = rng.uniform(0, side / 10), rng.uniform(0, side / 10)
    rows, columns = pixel_places(height, width)
    right, down = columns - centre[0], rows - centre[1]
    angle = np.arctan2(right, down) * frequency
    rings = ((np.sqrt(right**2 + down**2) + amplitude * np.sin(angle)) % spacing) / spacing - 0.5
    return image + intensity * rings[..., None]


@corruption
def plasma_noise(image: LevelsColour, rng: Draws, *, intensity: float) -> LevelsColour:
    """Mix the image with colours that flow into each other, as demos of the nineties drew them.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    intensity : float
        Height of the waves in levels, which the image loses of its own; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    time, rounds = rng.uniform(0, 6 * np.pi), int(rng.integers(4, 7))
    sharpness, scale = rng.uniform(0.5, 1), rng.uniform(0.075, 0.2) * min(height, width)
    rows, columns = pixel_places(height, width)
    right, down = columns / scale + 0 * rows, rows / scale + 0 * columns
    frequency, speed, weight = 1.0, 1.0, 1.0
    for _ in range(rounds):
        one = np.cos(down * frequency + (time / speed)) / weight
        other = np.sin(right * frequency + (time / speed)) / weight
        one, other = one - 0.3 * other, other + 0.3 * one
        right, down = right + one, down + other
        frequency *= 1.93
        speed *= 1.15
        weight *= 2.25 - sharpness
    noise = np.stack([np.sin(right - time), np.sin(0.5 * (right + down + np.sin(time))), np.sin(down + time)], axis=-1)
    return (1 - intensity / 255) * image + intensity * noise


@corruption
def blue_noise_sample(image: Levels, rng: Draws, *, threshold: float) -> Levels:
    """Black out pixels where noise of high frequencies is low: evenly strewn dots.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    threshold : float
        In standard deviations of the noise; more is worse, a share of Φ(threshold) is black.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    noise = spectral_noise(distances_from_centre(*image.shape[:2]), own_draws(rng))
    return np.where((noise > threshold)[..., None], image, 0)


@corruption
def brownish_noise(image: LevelsColour, rng: Draws, *, intensity: float) -> LevelsColour:
    """Add noise in which low frequencies are strong, another one for each channel: clouds of colour.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    intensity : float
        Standard deviation in levels; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    distances = distances_from_centre(*image.shape[:2])
    return image + intensity * _colours_of_noise(1 / (distances**2 + 1), rng)


@corruption
def perlin_noise(image: Levels, rng: Draws, *, share: float, period: float) -> Levels:
    """Lay clouds of Perlin's noise over the image, which brighten it.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    share : float
        Of the clouds in the result; more is worse, 0 leaves the image alone.
    period : float
        Size of the largest clouds in pixels.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    rows, columns = pixel_places(*image.shape[:2])
    clouds = np.clip(0.5 * turbulence(rows / period, columns / period, own_draws(rng)) + 0.5, 0, 1)
    # The original's image is one of float32, which a number does not widen.
    rest = (image.astype(np.float32) * np.float32(1 - share)).astype(image.dtype)
    return rest + share * 255 * clouds[..., None]


@corruption
def blue_noise(image: LevelsColour, rng: Draws, *, intensity: float) -> LevelsColour:
    """Add noise in which high frequencies are strong, another one for each channel.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    intensity : float
        Standard deviation in levels; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    return image + intensity * _colours_of_noise(distances_from_centre(*image.shape[:2]), rng)


@corruption
def caustic_noise(image: Levels, rng: Draws, *, intensity: float) -> Levels:
    """Add the light at the bottom of moving water.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    intensity : float
        Of the brightest light in levels; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    time, size = rng.uniform(0.5, 2), rng.uniform(0.75, 1.25) * min(height, width)
    return image + (intensity * caustic_light(height, width, time, size))[..., None]


@corruption
def voronoi_noise(image: Levels, rng: Draws, *, intensity: float) -> Levels:
    """Add the distances to points that are strewn about, which part the image into cells.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 255].
    intensity : float
        Height in levels; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    seed, density = rng.uniform(0, 10), rng.uniform(0.5, 0.9)
    size = rng.uniform(0.05, 0.2) * min(height, width)
    height_of = -intensity if rng.uniform(0, 1) > 0.5 else intensity
    rows, columns = pixel_places(height, width)
    across, down = columns / size + 1, rows / size + 1
    left, top = np.floor(across), np.floor(down)
    nearest = np.ones((height, width))
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            column, row = left + i, top + j
            # A point of each cell, as shaders hash it.
            hashed = (
                np.mod(np.sin(sum_) * np.sqrt(sum_) * seed * 0.0025, 1)
                for sum_ in (13.85 * column + 47.77 * row, 99.41 * column + 88.48 * row)
            )
            x, y = (i + next(hashed) - (across - left)), (j + next(hashed) - (down - top))
            nearest = np.minimum(nearest, np.sqrt(x**2 + y**2))
    share = np.clip(nearest * density, 0, 1)
    return image + ((share * share * (3 - 2 * share) - 0.5) * height_of)[..., None]


def _colours_of_noise(power: NDArray[np.float64], rng: Draws) -> NDArray[np.float64]:
    """Draw noise of a spectrum for each of three channels, (H, W, 3)."""
    draws = own_draws(rng)
    return np.stack([spectral_noise(power, draws) for _ in range(3)], axis=-1)
