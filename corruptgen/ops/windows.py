"""Windows of a picture: what another place of the crop shows, and the box around what is marked."""

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import Scene
from corruptgen.errors import ImageError
from corruptgen.ops.warp import Shift


def move_window(scene: Scene, down: int, right: int) -> NDArray[np.uint8]:
    """Return the image of a scene whose window is moved by whole pixels of the picture.

    Raises
    ------
    ImageError
        If the window would leave the picture.
    """
    return scene.view(shift_window(scene, down, right).moved(scene.picture))


def shift_window(scene: Scene, down: int, right: int) -> Shift:
    """Return by what a picture is moved whose window is moved by whole pixels the other way.

    Raises
    ------
    ImageError
        If the window would leave the picture.
    """
    picture = scene.picture
    if scene.view(_known(picture.shape, down, right)).all():
        return Shift(-down, -right, picture.shape[:2], returns=False)
    window, whole = ("×".join(map(str, pixels.shape[:2])) for pixels in (scene.view(picture), picture))
    raise ImageError(
        f"a window of {window} cannot be moved by {down} rows and {right} columns in a picture of {whole}: it would "
        "leave it; take a table that makes pictures larger, or smaller steps"
    )


def _known(shape: tuple[int, ...], down: int, right: int) -> NDArray[np.uint8]:
    """Return an (H, W, 1) picture that is white where a moved picture has content of its own."""
    height, width = shape[:2]
    known = np.zeros((height, width, 1), np.uint8)
    known[max(0, -down) : max(0, height - down), max(0, -right) : max(0, width - right)] = 255
    return known


def bounding_box(marked: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns of the box around what is marked; nothing has an empty box."""
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
