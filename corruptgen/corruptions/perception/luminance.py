"""Grey, and less and less of it: what is left to a model when colour and contrast are gone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.declare import UnitPicture, Warp, corruption
from corruptgen.errors import ImageError
from corruptgen.ops.colour import in_channels, luminance

FULL_TURN = 4


@corruption
def grey(image: UnitPicture) -> UnitPicture:
    """Show the luminance alone.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour; a grey image stays as it is.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    return in_channels(luminance(image), image.shape[2])


@corruption
def grey_contrast(image: UnitPicture, *, share: float) -> UnitPicture:
    """Bring the luminance nearer to a middle grey.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour.
    share : float
        Of the contrast that is left; less is worse, 1 leaves the luminance alone.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    return in_channels(lower_contrast(luminance(image), share), image.shape[2])


@corruption
def grey_turn(image: UnitPicture, *, quarters: int) -> Warp:
    """Turn the luminance by quarters, anticlockwise.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, C)
        Samples in [0, 1], of grey or colour; a square for an odd number of quarters.
    quarters : int
        Number of quarter turns, 0 to 3; 0 leaves the luminance where it is.

    References
    ----------
    Geirhos et al. 2018, https://arxiv.org/abs/1808.08750
    """
    height, width = image.shape[:2]
    if quarters % 2 and height != width:
        raise ImageError(
            f"a quarter turn makes an image of {width}×{height} of one of {height}×{width}, which is another size; "
            "pass a square one"
        )
    return _GreyTurn(quarters % FULL_TURN, (height, width))


@dataclass(frozen=True)
class _GreyTurn:
    """A turn by quarters, anticlockwise, of the luminance of an image."""

    quarters: int
    size: tuple[int, int]

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        return in_channels(np.rot90(luminance(image), self.quarters), image.shape[2])

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._turned(positions, FULL_TURN - self.quarters)

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._turned(positions, self.quarters)

    def _turned(self, positions: NDArray[np.float64], quarters: int) -> NDArray[np.float64]:
        """Turn positions about the middle of the image."""
        middle = (np.array(self.size) - 1) / 2
        down, right = np.moveaxis(positions - middle, -1, 0)
        for _ in range(quarters % FULL_TURN):
            down, right = -right, down
        return np.stack([down, right], axis=-1) + middle


def lower_contrast(luminance: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Return a plane with a share of its contrast, about the middle between black and white."""
    return (1 - share) / 2 + luminance * share
