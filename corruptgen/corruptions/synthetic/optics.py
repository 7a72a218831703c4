"""Glass and water that bend what is seen, and lenses that part its colours."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from corruptgen.declare import Bytes, BytesColour, Levels, LevelsColour, corruption
from corruptgen.ops.interpolation import interpolated
from corruptgen.patterns.caustics import caustic_light, refraction
from corruptgen.randomness.draws import Draws


@corruption
def ripple(image: Bytes, rng: Draws, *, amplitude: float) -> Levels:
    """Look through water with waves along both axes.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    amplitude : float
        Of the waves, as a fraction of the image's shorter side; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    side = min(height, width)
    lengths = rng.uniform(0.1, 0.3, 2) * side
    phases = rng.uniform(0, 2 * np.pi, 2)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    rows = rows + amplitude * side * np.sin(2 * np.pi * rows / lengths[0] + phases[0])
    columns = columns + amplitude * side * np.sin(2 * np.pi * columns / lengths[1] + phases[1])
    return interpolated(image, rows, columns)[0]


@corruption
def pinch_and_twirl(image: Bytes, rng: Draws, *, amount: float, angle: float, tiles: int) -> Levels:
    """Pinch the image towards the middles of tiles, and twist it around them.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    amount : float
        How much is pinched; more is worse.
    angle : float
        By how many radians the middle of a tile is turned, to either side; more is worse.
    tiles : int
        Number of tiles along each side.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    signs = [rng.choice([1, -1]) for _ in range(tiles * tiles)]
    result = image.astype(np.float32)
    side = min(height, width) // tiles
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    radius = side / 2
    for number, sign in enumerate(signs):
        left, top = number // tiles * side, number % tiles * side
        down, right = rows + top - (top + radius), columns + left - (left + radius)
        far = np.sqrt(down**2 + right**2)
        inside = (far <= radius) & (far > 0)
        share = np.where(inside, far / radius, 1.0)
        stretch = np.sin(np.pi * 0.5 * share) ** (-amount)
        turn = sign * angle * (1 - share) ** 2
        down, right = down * stretch, right * stretch
        y, x = down * np.cos(turn) - right * np.sin(turn), down * np.sin(turn) + right * np.cos(turn)
        made, _ = interpolated(result, y + (top + radius), x + (left + radius))
        tile = result[top : top + side, left : left + side]
        tile[inside] = made[inside].astype(np.float32)
    return result


@corruption
def caustic_refraction(image: BytesColour, rng: Draws, *, lens: float, light: float) -> Levels:
    """Look at the image through moving water in the sun.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    lens : float
        How far the water bends, as a fraction of the image's shorter side; more is worse, 0 bends nothing.
    light : float
        Strength of the light on its slopes; more is worse, 0 adds none.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    side = min(height, width)
    time, size = rng.uniform(0.5, 2), rng.uniform(0.75, 1.25) * side
    surface = ndimage.gaussian_filter(caustic_light(height, width, time, size), sigma=1)
    down, right, slopes = refraction(surface, lens * side)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    unit = image.astype(np.float32) / np.float32(255)
    seen, is_outside = interpolated(unit, rows + down, columns + right)
    narrow = seen.astype(np.float32)
    for slope in slopes:
        term = (slope * light)[..., None]
        narrow = (narrow + term).astype(np.float32)
        seen = seen + term
    result = np.where(is_outside[..., None], seen, narrow.astype(np.float64))
    result = np.clip(result, 0, 1)
    return result * 255 if is_outside.any() else result.astype(np.float32) * np.float32(255)


@corruption
def circular_motion_blur(image: Bytes, *, angle: float) -> Levels:
    """Turn the image around its middle while it is taken.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    angle : float
        Degrees to either side; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    unit = image.astype(np.float32) / np.float32(255)
    total = np.zeros_like(unit)
    weights = 0.0
    for step in np.linspace(-1, 1, 21):
        weight = math.exp(-2 * step**2)
        turned = ndimage.rotate(unit, step * angle, reshape=False)
        total = total + np.float32(weight) * turned
        weights += weight
    return total / np.float32(weights) * np.float32(255)


@corruption
def transverse_chromatic_abberation(image: LevelsColour, rng: Draws, *, strength: float) -> LevelsColour:
    """Magnify the three colours differently, in an order that is drawn.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 255].
    strength : float
        How much more the third colour is magnified than the first; more is worse, at 0 colours are only smoothed.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    scales = np.array([1, 1 + strength / 2, 1 + strength])[rng.permutation(3)]
    channels = []
    for channel, scale in enumerate(scales):
        # Without the filter that makes splines pass through the samples, as the original: all channels are smoothed.
        large = ndimage.zoom(image[..., channel].astype(np.uint8), scale, order=3, prefilter=False)
        top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
        channels.append(large[top : top + height, left : left + width])
    return np.stack(channels, axis=-1).astype(image.dtype)


@corruption
def scatter(image: Bytes, rng: Draws, *, radius: float) -> Levels:
    """Take each pixel from a place near by, as through frosted glass.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    radius : float
        How far at most, as a fraction of the image's shorter side; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    seed, reach = rng.uniform(0, 10), radius * min(height, width)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)

    def hashed(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        waves = 12.9898 * np.sin(one * seed) + 78.233 * np.cos(other * seed)
        return np.mod(np.sin(waves) * 43758.5453, 1)

    down = np.clip(rows + reach * (2 * hashed(rows, columns) - 1), 0, height - 1)
    right = np.clip(columns + reach * (2 * hashed(columns, rows) - 1), 0, width - 1)
    return interpolated(image, down, right)[0]


@corruption
def chromatic_abberation(image: Bytes, rng: Draws, *, shift: float) -> Bytes:
    """Shift each channel in a direction of its own.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    shift : float
        How far, as a fraction of the image's shorter side; more is worse, at 0 channels are only smoothed.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    length = shift * min(image.shape[:2])
    channels = []
    for channel in range(image.shape[2]):
        angle = rng.uniform(0, 2 * np.pi)
        offset = length * np.cos(angle), length * np.sin(angle)
        # Without the filter that makes splines pass through the samples, as the original.
        channels.append(ndimage.shift(image[..., channel], offset, order=3, prefilter=False))
    return np.stack(channels, axis=-1)


@corruption
def water_drop(image: Bytes, rng: Draws, *, amount: float) -> Levels:
    """Look through the rings that a drop makes in water.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    amount : float
        Height of the rings; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    side = min(height, width)
    centre = rng.uniform(0.25, 0.75, 2) * side
    length, phase = rng.uniform(0.05, 0.2) * side, rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    down, right = rows - centre[0], columns - centre[1]
    far = np.sqrt(down**2 + right**2)
    is_wet = (far > 0) & (far <= side // 2)
    rings = amount * np.sin(2 * np.pi * far / length - phase)
    rings = np.where(is_wet, rings * length / np.where(is_wet, far, 1), 0)
    return interpolated(image, rows + rings * down, columns + rings * right)[0]


@corruption
def perspective_no_bars(image: BytesColour, rng: Draws, *, strength: float) -> BytesColour:
    """Look at the image from aside; where nothing would be seen, the image itself is.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    strength : float
        How far from aside; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    signs = [-1 if rng.uniform(0, 1) > 0.5 else 1 for _ in range(8)]
    factors = [2 ** (sign * 0.015 * strength) for sign in signs[4:6]]
    offsets, shifts = [sign * 0.01 * strength for sign in signs[:2]], [sign * strength for sign in signs[2:4]]
    # The original drew signs of the two denominators and did not use them.
    upper = factors[0], offsets[0], shifts[0] * width / 100
    lower = offsets[1], factors[1], shifts[1] * height / 100
    return _over_itself(
        image, Image.Transform.PERSPECTIVE, (*upper, *lower, 0.02 * strength / width, 0.02 * strength / height)
    )


@corruption
def quadrilateral_no_bars(image: BytesColour, rng: Draws, *, strength: float) -> BytesColour:
    """Pull at the four corners of the image; where nothing would be seen, the image itself is.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    strength : float
        How far at most, in thirtieths of a side; more is worse, 0 leaves the image alone.

    References
    ----------
    Mintun, Kirillov & Xie 2021, https://arxiv.org/abs/2102.11273
    """
    height, width = image.shape[:2]
    moved = rng.uniform(-1, 1, (4, 2)) * strength * np.array([width, height]) / 30
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]]) + moved
    return _over_itself(image, Image.Transform.QUAD, tuple(corners.ravel()))


def _over_itself(image: BytesColour, how: Image.Transform, data: Sequence[float]) -> BytesColour:
    """Return a transformed image over itself, by a mask that is transformed as it is."""
    picture = Image.fromarray(image)
    white = Image.new("L", picture.size, 255)
    made, mask = (one.transform(picture.size, how, data, Image.Resampling.BILINEAR) for one in (picture, white))
    return np.asarray(Image.composite(made, picture, mask))
