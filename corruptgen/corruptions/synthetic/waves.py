"""Waves, clouds and dots, as those of ImageNet-C-bar, that are the same at every size of an image."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.corruptions.synthetic.fine_grids import FineGrid
from corruptgen.declare import Unit, UnitColour, corruption
from corruptgen.patterns.noise_fields import smooth_noise
from corruptgen.patterns.perlin import turbulence
from corruptgen.randomness.draws import Draws

# Shorter waves than this many pixels are drawn so long: the averages of pixels would leave little of them.
FINEST = 3.0
# Of a plane wave, as fractions of the shorter side; of rings likewise.
WAVE_LENGTHS = (1 / 21, 1 / 4)
RING_SPACINGS = (1 / 21, 1 / 8)
RING_BENDS = 0.03
MOST_LOBES = 8
# Cells of Perlin's noise along the shorter side, in its first octave.
PERLIN_CELLS = 7
# The coarsest octave of brown noise changes over this fraction of the shorter side.
BROWN_SPACING = 1 / 2


@corruption
def plane_wave(image: Unit, rng: Draws, *, height: float) -> Unit:
    """Add a wave of one frequency and any direction, the same in all channels.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    height : float
        Of the wave; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    grid = FineGrid(*image.shape[:2])
    direction, phase = rng.uniform(0, 2 * math.pi, 2)
    shortest, longest = WAVE_LENGTHS
    length = _longer_than_pixels(shortest * (longest / shortest) ** rng.random(), grid)
    rows, columns = grid.places()
    along = rows * math.sin(direction) + columns * math.cos(direction)
    wave = grid.average(np.sin((2 * math.pi / length) * along + phase))
    return image + (height * wave)[..., None]


@corruption
def concentric_waves(image: Unit, rng: Draws, *, height: float) -> Unit:
    """Add rings around a point in the image, bent into petals.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    height : float
        Of the rings; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    grid = FineGrid(*image.shape[:2])
    rows, columns = grid.places()
    down, right = rng.random(2) * np.array(grid.shape) / grid.side
    # A whole number of petals: where the angle begins again there is no seam.
    petals = int(rng.integers(0, MOST_LOBES + 1))
    bend, spacing = rng.uniform(0, RING_BENDS), _longer_than_pixels(rng.uniform(*RING_SPACINGS), grid)
    far = np.hypot(rows - np.float32(down), columns - np.float32(right))
    angle = np.arctan2(columns - np.float32(right), rows - np.float32(down))
    # Petals end in the middle, where all angles meet.
    bent = far + bend * np.sin(petals * angle) * far / (far + 2 * RING_BENDS)
    return image + (height * grid.average(np.sin((2 * math.pi / spacing) * bent)))[..., None]


@corruption
def flowing_plasma(image: UnitColour, rng: Draws, *, share: float) -> UnitColour:
    """Mix the image with colours that flow into each other, as demos of the nineties drew them.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    share : float
        Of the colours in the result; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea
    """
    grid = FineGrid(*image.shape[:2])
    time, rounds = rng.uniform(0, 6 * math.pi), int(rng.integers(4, 7))
    sharpness, scale = rng.uniform(0.5, 1), rng.uniform(0.075, 0.2)
    rows, columns = grid.places()
    down, right = np.broadcast_arrays(rows / scale, columns / scale)
    frequency = speed = weight = 1.0
    for _ in range(rounds):
        one = np.cos(down * frequency + time / speed) / weight
        other = np.sin(right * frequency + time / speed) / weight
        right, down = right + one - 0.3 * other, down + other + 0.3 * one
        frequency, speed, weight = frequency * 1.93, speed * 1.15, weight * (2.25 - sharpness)
    waves = (right - time, (right + down + math.sin(time)) / 2, down + time)
    # Colours from black to white: waves about 0 would darken the image, and be cut off where it is dark.
    colours = np.stack([0.5 + 0.5 * grid.average(np.sin(wave)) for wave in waves], axis=-1)
    return (1 - share) * image + share * colours


@corruption
def brown_noise(image: Unit, rng: Draws, *, sigma: float) -> Unit:
    """Add noise in which low frequencies are strong, another one for each channel: clouds of colour.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    sigma : float
        Standard deviation of the noise in each image; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    height, width, channels = image.shape
    clouds = np.zeros(image.shape, np.float32)
    spacing, weight = min(height, width) * BROWN_SPACING, 1.0
    # Octaves down to the pixel, coarse ones first: those of a small image are among those of a large one.
    while spacing >= 1:
        for channel in range(channels):
            clouds[..., channel] += np.float32(weight) * smooth_noise((height, width), (spacing, spacing), rng)
        spacing, weight = spacing / 2, weight / 2
    clouds -= clouds.mean(axis=(0, 1))
    return image + sigma * clouds / clouds.std(axis=(0, 1))


@corruption
def perlin_clouds(image: Unit, rng: Draws, *, share: float) -> Unit:
    """Lay veined clouds of Perlin's noise over the image.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    share : float
        Of the clouds in the result; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea
    """
    grid = FineGrid(*image.shape[:2])
    rows, columns = (PERLIN_CELLS * places.astype(np.float64) for places in grid.places())
    clouds = grid.average(np.clip(turbulence(rows, columns, rng), 0, 1))
    return (1 - share) * image + (share * clouds)[..., None]


@corruption
def strewn_dots(image: Unit, rng: Draws, *, share: float, dot: float) -> Unit:
    """Black out dots that are strewn evenly: where noise without low frequencies is low.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    share : float
        Of the pixels that turn black; more is worse, 0 leaves the image alone.
    dot : float
        Size of the dots in pixels; below 1 they are pixels.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273, for the idea; the formula is ours.
    """
    noise = _blue_noise(image.shape[0], image.shape[1], dot, rng)
    count = share * noise.size
    # Exactly this share, whatever the noise; of a fraction of a pixel the last one is fainter.
    ranks = np.empty(noise.size, np.float32)
    ranks[np.argsort(noise, axis=None, kind="stable")] = np.arange(noise.size, dtype=np.float32)
    return image * (1 - np.clip(count - ranks, 0, 1)).reshape(*noise.shape, 1)


def _blue_noise(height: int, width: int, dot: float, rng: Draws) -> NDArray[np.float32]:
    """Draw noise of hardly any low frequencies, the finest of which have the size of a dot."""
    # A margin is drawn too, so that no border is special.
    margin = math.ceil(3 * max(dot, 1))
    noise = rng.standard_normal((height + 2 * margin, width + 2 * margin)).astype(np.float32)
    if dot > 1:
        noise = cv2.GaussianBlur(noise, (0, 0), math.sqrt(dot * dot - 1) / 2)
    high: NDArray[np.float32] = noise - cv2.GaussianBlur(noise, (0, 0), max(dot, 1))
    return np.ascontiguousarray(high[margin : margin + height, margin : margin + width])


def _longer_than_pixels(length: float, grid: FineGrid) -> float:
    """Return a length of waves, at least `FINEST` pixels, as a fraction of the shorter side."""
    return max(length, FINEST / min(grid.height, grid.width))
