"""Sequences of frames: perturbations that grow, turn or wander from frame to frame, as in ImageNet-P.

Each of them returns its frames one after the other; only one is in memory at a time.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import (
    ByteFrames,
    Scene,
    Unit,
    UnitColour,
    UnitColourFrames,
    UnitFrames,
    corruption,
)
from corruptgen.ops.colour import LUMA, hsv_from_rgb, rgb_from_hsv
from corruptgen.ops.gaussian import smooth
from corruptgen.ops.motion import motion_blurred
from corruptgen.ops.perspective import affine_bytes, fixed_point_tilt, rotation_matrix
from corruptgen.ops.zoom import zoomed
from corruptgen.patterns.lenses import drop_depth
from corruptgen.randomness.draws import Draws

WATER = np.array([175, 238, 238]) / 255
GREY_LIFT = 1.5, 0.5


@corruption
def gaussian_noise_frames(image: Unit, rng: Draws, *, frames: int, sigma: float) -> UnitFrames:
    """Show the clean image, and then the same image under new normal noise in every frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    frames : int
        Number of frames, the clean one included.
    sigma : float
        Standard deviation as a fraction of full scale; more is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    yield image
    planes = np.moveaxis(image, 2, 0).shape
    for _ in range(1, frames):
        # Drawn channel by channel, as the tensors of the original are laid out.
        noise = np.moveaxis(np.asarray(rng.standard_normal(planes), image.dtype), 0, 2)
        yield image + image.dtype.type(sigma) * noise


@corruption
def shot_noise_frames(image: Unit, rng: Draws, *, frames: int, photons: float) -> UnitFrames:
    """Show the clean image, and then a new count of its photons in every frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    frames : int
        Number of frames, the clean one included.
    photons : float
        Expected count of a white value; fewer is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    yield image
    for _ in range(1, frames):
        yield rng.poisson(image * photons) / photons


@corruption
def speckle_noise_frames(image: Unit, rng: Draws, *, frames: int, sigma: float) -> UnitFrames:
    """Show the clean image, and then the same image under new noise in proportion to its values in every frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    frames : int
        Number of frames, the clean one included.
    sigma : float
        Standard deviation as a fraction of each value; more is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    yield image
    for _ in range(1, frames):
        yield image + image * rng.normal(0.0, sigma, image.shape)


@corruption
def motion_blur_frames(
    scene: Scene, *, frames: int, radius: float, sigma: float, first: float, turn: float, quantum: str
) -> ByteFrames:
    """Smear the picture in a direction that turns from frame to frame.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    radius : float
        Half the length of the trail in pixels; more is worse.
    sigma : float
        Standard deviation in pixels of the trail's fading; more is worse.
    first : float
        Direction of the first frame in degrees, clockwise from right.
    turn : float
        Degrees from frame to frame.
    quantum : str
        How ImageMagick's 16-bit values became bytes: "rounded" up to 6.9.10-68, "truncated" since.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        angle = first + turn * frame
        yield scene.view(motion_blurred(scene.picture, radius=radius, sigma=sigma, angle=angle, quantum=quantum))


@corruption
def zoom_blur_frames(scene: Scene, *, frames: int, step: float) -> UnitFrames:
    """Average more and more magnified copies of the picture, as if the camera went on moving forward.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames, the first one clean.
    step : float
        Magnification that is added from frame to frame; more is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    total = _unit(scene.view(scene.picture))
    yield total
    for frame in range(1, frames):
        magnified = affine_bytes(scene.picture, rotation_matrix(scene.picture.shape, scale=1 + step * frame))
        total = total + _unit(scene.view(magnified))
        yield total / np.float32(frame + 1)


@corruption
def snow_frames(
    image: UnitColour,
    rng: Draws,
    *,
    frames: int,
    loc: float,
    scale: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    first: float,
    turn: float,
    mix: float,
    quantum: str,
) -> UnitColourFrames:
    """Let one layer of snow fall across the image, in a direction that turns from frame to frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    frames : int
        Number of frames.
    loc : float
        Mean of the normal draws that become flakes; more is worse.
    scale : float
        Their standard deviation; more is worse.
    zoom : float
        Magnification of the flakes, 1 or above.
    threshold : float
        Draws below it are no flakes; less is worse.
    radius : float
        Half the length of the flakes' trail in pixels.
    sigma : float
        Standard deviation in pixels of the trail's fading.
    first : float
        Direction of the first frame in degrees, clockwise from right.
    turn : float
        Degrees from frame to frame.
    mix : float
        Weight of the image against its whitened self; less is worse, 1 does not whiten.
    quantum : str
        How ImageMagick's 16-bit values became bytes: "rounded" up to 6.9.10-68, "truncated" since.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    layer = zoomed(rng.normal(loc, scale, image.shape[:2])[..., None], zoom)
    layer[layer < threshold] = 0
    flakes = (np.clip(layer, 0, 1) * 255).astype(np.uint8)
    factor, lift = GREY_LIFT
    whitened = np.maximum(image, _luma(image)[..., None] * factor + lift)
    whiter = mix * image + (1 - mix) * whitened
    for frame in range(frames):
        angle = first + turn * frame
        falling = motion_blurred(flakes, radius=radius, sigma=sigma, angle=angle, quantum=quantum) / 255
        yield whiter + falling + falling[::-1, ::-1]


@corruption
def brightness_frames(image: UnitColour, *, frames: int, percent: float) -> UnitColourFrames:
    """Brighten a dark version of the image from frame to frame, in the HSV space.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    frames : int
        Number of frames; the middle one is the image.
    percent : float
        Percent of full scale that is added to the value from frame to frame; more is worse.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    hsv = hsv_from_rgb(image)
    value = hsv[..., 2].copy()
    for frame in range(frames):
        hsv[..., 2] = np.clip(value + (frame - frames // 2) * percent / 100, 0, 1)
        yield rgb_from_hsv(hsv)


@corruption
def translate_frames(scene: Scene, *, frames: int, first: int) -> ByteFrames:
    """Move the picture to the right, a pixel from frame to frame; what is not known is black.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    first : int
        Pixels to the right in the first frame; below 0, to the left.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        matrix = rotation_matrix(scene.picture.shape, right=first + frame)
        yield scene.view(affine_bytes(scene.picture, matrix, nearest=True))


@corruption
def rotate_frames(scene: Scene, *, frames: int, first: float) -> ByteFrames:
    """Turn the picture about its middle, a degree from frame to frame; what is not known is black.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    first : float
        Degrees clockwise of the first frame.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        yield scene.view(affine_bytes(scene.picture, rotation_matrix(scene.picture.shape, angle=first + frame)))


@corruption
def shear_frames(scene: Scene, *, frames: int, first: float) -> ByteFrames:
    """Shear the picture along its rows, a degree from frame to frame; what is not known is black.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    first : float
        Degrees of the first frame.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        yield scene.view(affine_bytes(scene.picture, rotation_matrix(scene.picture.shape, shear=first + frame)))


@corruption
def scale_frames(scene: Scene, *, frames: int, first: float, step: float) -> ByteFrames:
    """Magnify the picture about its middle from frame to frame; what is not known is black.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames.
    first : float
        Magnification of the first frame in percent.
    step : float
        Percent that are added from frame to frame.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        matrix = rotation_matrix(scene.picture.shape, scale=(first + step * frame) / 100)
        yield scene.view(affine_bytes(scene.picture, matrix))


@corruption
def tilt_frames(scene: Scene, *, frames: int, step: float) -> ByteFrames:
    """Tilt the plane of the picture about both of its axes from frame to frame; what is not known is black.

    Parameters
    ----------
    scene : Scene
        The picture before the crop.
    frames : int
        Number of frames; the middle one is not tilted.
    step : float
        Degrees from frame to frame, about each axis.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        angle = math.radians((frame - frames // 2) * step)
        yield scene.view(fixed_point_tilt(scene.picture, about_x=angle, about_y=angle))


@corruption
def gaussian_blur_frames(image: Unit, *, frames: int, first: float, step: float, truncate: float) -> UnitFrames:
    """Smooth the image more and more from frame to frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1].
    frames : int
        Number of frames.
    first : float
        Standard deviation in pixels of the first frame.
    step : float
        Pixels that are added to it from frame to frame; more is worse.
    truncate : float
        Where the Gaussian is cut off, in standard deviations.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    for frame in range(frames):
        yield smooth(image, first + step * frame, truncate=truncate)


@corruption
def spatter_frames(
    image: UnitColour,
    rng: Draws,
    *,
    frames: int,
    loc: float,
    scale: float,
    sigma: float,
    threshold: float,
    strength: float,
    drip: str,
) -> UnitColourFrames:
    """Put drops of rain on the lens that drip down from frame to frame.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    frames : int
        Number of frames.
    loc : float
        Mean of the normal draws that become water; more is worse.
    scale : float
        Their standard deviation; more is worse.
    sigma : float
        Standard deviation in pixels of their smoothing: the size of the drops.
    threshold : float
        What lies below is no water; less is worse.
    strength : float
        Brightness of the drops as a fraction of full scale; more is worse.
    drip : str
        Weights of the water above, of a pixel and of those below it, with spaces between them.

    References
    ----------
    Hendrycks & Dietterich 2019, https://arxiv.org/abs/1903.12261
    """
    kernel = np.array([float(weight) for weight in drip.split()])
    liquid = smooth(rng.normal(loc, scale, image.shape[:2]), sigma)
    liquid[liquid < threshold] = 0
    for _ in range(frames):
        yield _wet(image, liquid, strength)
        liquid = np.apply_along_axis(np.convolve, 0, liquid, kernel, mode="same")


def _wet(image: NDArray[Any], liquid: NDArray[np.float64], strength: float) -> NDArray[Any]:
    water = (liquid * 255).astype(np.int64).astype(np.uint8)
    depth = drop_depth(water).astype(np.float32) * water
    deepest = depth.max()
    # Where all water has dripped away the original divides by zero: the frame is black.
    if deepest == 0:
        return np.zeros_like(image)
    depth /= deepest
    depth *= np.float32(strength)
    return image + depth[..., None] * WATER.astype(np.float32)


def _unit(samples: NDArray[np.uint8]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(255)


def _luma(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return the luma of an (H, W, 3) image; blue comes first, which decides about a level of single pixels."""
    red, green, blue = np.moveaxis(image.astype(np.float32), 2, 0) * LUMA[:, None, None]
    grey: NDArray[np.float32] = (blue + green) + red
    return grey
