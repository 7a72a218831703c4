"""Affine maps and tilts of bytes, black outside, in the arithmetic of the libraries that the benchmarks used."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# OpenCV up to version 4 has 32 steps between two pixels, and weights in 15 bits.
STEPS, WEIGHT_BITS = 32, 15

Matrix = tuple[float, float, float, float, float, float]


def rotation_matrix(
    shape: tuple[int, ...], *, angle: float = 0.0, right: float = 0.0, scale: float = 1.0, shear: float = 0.0
) -> Matrix:
    """Return where the pixels of a turned, moved, magnified and sheared picture come from, as torchvision 0.2 has it.

    Parameters
    ----------
    shape : tuple of int
        (H, W, ...) of the picture.
    angle : float, default 0.0
        Degrees clockwise about the middle.
    right : float, default 0.0
        Pixels to the right.
    scale : float, default 1.0
        Magnification.
    shear : float, default 0.0
        Degrees.

    Returns
    -------
    Matrix
        The first two rows of the matrix over (x, y, 1) that maps places of the result to places of the picture. The
        middle is half a pixel further to the right and down than in newer versions of torchvision.
    """
    turned, sheared = math.radians(angle), math.radians(angle) + math.radians(shear)
    middle_x, middle_y = shape[1] * 0.5 + 0.5, shape[0] * 0.5 + 0.5
    # One division and then products, as torchvision does: places that are whole numbers decide about a pixel.
    factor = 1.0 / scale / (math.cos(sheared) * math.cos(turned) + math.sin(sheared) * math.sin(turned))
    a, b = factor * math.cos(sheared), factor * math.sin(sheared)
    d, e = factor * -math.sin(turned), factor * math.cos(turned)
    c = a * (-middle_x - right) + b * -middle_y + middle_x
    f = d * (-middle_x - right) + e * -middle_y + middle_y
    return a, b, c, d, e, f


def affine_bytes(picture: NDArray[np.uint8], matrix: Matrix, *, nearest: bool = False) -> NDArray[np.uint8]:
    """Move an (H, W, C) picture of bytes by the matrix that `rotation_matrix` returns, bilinearly unless `nearest`."""
    channels = picture.shape[2]
    image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
    resampling = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    moved = image.transform(image.size, Image.Transform.AFFINE, matrix, resampling)
    return np.asarray(moved).reshape(picture.shape)


def fixed_point_tilt(picture: NDArray[np.uint8], *, about_x: float, about_y: float) -> NDArray[np.uint8]:
    """Tilt the plane of an (H, W, C) picture in space, bilinearly in fixed point as OpenCV up to version 4 does.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, C)
    about_x, about_y : float
        Angles in radians about the horizontal and the vertical axis.
    """
    height, width = picture.shape[:2]
    back = _inverse(_tilt_matrix(height, width, about_x, about_y))
    y, x = np.mgrid[:height, :width].astype(np.float64)
    depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
    with np.errstate(divide="ignore"):
        scale = np.where(depth == 0, 0.0, STEPS / depth)
    across = np.rint((back[0, 0] * x + back[0, 1] * y + back[0, 2]) * scale).astype(np.int64)
    down = np.rint((back[1, 0] * x + back[1, 1] * y + back[1, 2]) * scale).astype(np.int64)
    return _gather(picture, down, across)


def _gather(picture: NDArray[np.uint8], down: NDArray[np.int64], across: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Interpolate between pixels at places in 32nds of a pixel; all outside is black."""
    height, width = picture.shape[:2]
    top, left = np.floor_divide(down, STEPS), np.floor_divide(across, STEPS)
    below, right = down % STEPS, across % STEPS
    total = np.full(picture.shape, 1 << (WEIGHT_BITS - 1), np.int64)
    for row, row_weight in ((top, STEPS - below), (top + 1, below)):
        for column, column_weight in ((left, STEPS - right), (left + 1, right)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            samples = picture[row.clip(0, height - 1), column.clip(0, width - 1)].astype(np.int64)
            weight = np.where(inside, row_weight * column_weight * STEPS, 0)
            total += samples * weight[..., None]
    return (total >> WEIGHT_BITS).astype(np.uint8)


def _tilt_matrix(height: int, width: int, about_x: float, about_y: float) -> NDArray[np.float64]:
    focus = math.hypot(height, width)
    onto_plane = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    turn_x = np.array(
        [
            [1, 0, 0, 0],
            [0, math.cos(about_x), -math.sin(about_x), 0],
            [0, math.sin(about_x), math.cos(about_x), 0],
            [0, 0, 0, 1],
        ]
    )
    turn_y = np.array(
        [
            [math.cos(about_y), 0, -math.sin(about_y), 0],
            [0, 1, 0, 0],
            [math.sin(about_y), 0, math.cos(about_y), 0],
            [0, 0, 0, 1],
        ]
    )
    away = np.eye(4)
    away[2, 3] = focus
    seen = np.array([[focus, 0, width / 2, 0], [0, focus, height / 2, 0], [0, 0, 1, 0]])
    matrix: NDArray[np.float64] = seen @ (away @ ((turn_x @ turn_y) @ onto_plane))
    return matrix


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a 3 x 3 matrix by its cofactors, in the order in which OpenCV multiplies."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    cofactors = np.array(
        [
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ]
    )
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    result: NDArray[np.float64] = cofactors * (1.0 / determinant)
    return result
