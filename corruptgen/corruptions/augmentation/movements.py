"""Movements of AugMix, each as a corruption: levels go up to 10, a coin decides which way, empty parts are black."""

from collections.abc import Callable, Mapping

from corruptgen.corruptions.augmentation.tones import HIGHEST, whole_level
from corruptgen.declare import BytesPicture, Warp, corruption
from corruptgen.ops.affine import turned_about_middle
from corruptgen.ops.warp import BlackAffine
from corruptgen.randomness.draws import Draws

Size = tuple[int, ...]


@corruption
def rotate_by_level(image: BytesPicture, rng: Draws, *, level: float) -> Warp:
    """Turn the image about its centre, by up to 30 whole degrees; what is empty then is black.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _rotation(image.shape, level, _sign(rng))


@corruption
def shear_rows(image: BytesPicture, rng: Draws, *, level: float) -> Warp:
    """Slide the rows past each other, the lower the further, by up to 0.3 of their height; the upper left corner stays.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _row_shear(image.shape, level, _sign(rng))


@corruption
def shear_columns(image: BytesPicture, rng: Draws, *, level: float) -> Warp:
    """Slide the columns past each other, those on the right the further; the upper left corner stays.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _column_shear(image.shape, level, _sign(rng))


@corruption
def shift_across(image: BytesPicture, rng: Draws, *, level: float) -> Warp:
    """Move the image to the left or right by whole pixels, up to a third of its width; what is empty then is black.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _shift_across(image.shape, level, _sign(rng))


@corruption
def shift_down(image: BytesPicture, rng: Draws, *, level: float) -> Warp:
    """Move the image up or down by whole pixels, up to a third of its height; what is empty then is black.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, C)
        Samples in [0, 255].
    level : float
        0 to 10; more is worse.

    References
    ----------
    Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781
    """
    return _shift_down(image.shape, level, _sign(rng))


def _sign(rng: Draws) -> int:
    return -1 if rng.random() > 0.5 else 1


def _rotation(size: Size, level: float, sign: int) -> BlackAffine:
    return BlackAffine(turned_about_middle(sign * whole_level(level, 30), size[0], size[1]))


def _row_shear(size: Size, level: float, sign: int) -> BlackAffine:
    return BlackAffine((1, sign * level * 0.3 / HIGHEST, 0, 0, 1, 0))


def _column_shear(size: Size, level: float, sign: int) -> BlackAffine:
    return BlackAffine((1, 0, 0, sign * level * 0.3 / HIGHEST, 1, 0))


def _shift_across(size: Size, level: float, sign: int) -> BlackAffine:
    return BlackAffine((1, 0, sign * whole_level(level, size[1] / 3), 0, 1, 0))


def _shift_down(size: Size, level: float, sign: int) -> BlackAffine:
    return BlackAffine((1, 0, 0, 0, 1, sign * whole_level(level, size[0] / 3)))


# By the names of AugMix: of the shape of an image, a level and a sign, -1 or 1.
MOVEMENTS: Mapping[str, Callable[[Size, float, int], BlackAffine]] = {
    "rotate": _rotation,
    "shear_x": _row_shear,
    "shear_y": _column_shear,
    "translate_x": _shift_across,
    "translate_y": _shift_down,
}
