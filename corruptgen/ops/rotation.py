"""Rotation of a picture about its middle, as Pillow does it: nearest pixels, and black corners."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.ops.affine import turned_about_middle, warp_nearest


@dataclass(frozen=True)
class Rotation:
    """A warp by whole degrees, counter-clockwise."""

    degrees: int
    size: tuple[int, int]
    """Height and width of the image."""
    outside: int = 0
    """The label of what comes from outside of the image."""

    def moved(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the moved image of an (H, W, C) one."""
        if self.degrees % 90 and image.shape[2] in (1, 3):
            return warp_nearest(image, turned_about_middle(self.degrees, *self.size))
        # Pillow turns by quarters in another way.
        channels = [Image.fromarray(image[..., channel]) for channel in range(image.shape[2])]
        return np.stack([np.asarray(channel.rotate(self.degrees)) for channel in channels], axis=-1)

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is taken from which is seen at `positions`: in the corners from outside of the image."""
        return self._turned(positions, self.degrees)

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen which was at `positions`: also outside, where it has left the image."""
        return self._turned(positions, -self.degrees)

    def _turned(self, positions: NDArray[np.float64], degrees: int) -> NDArray[np.float64]:
        middle = (np.array(self.size) - 1) / 2
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return (positions - middle) @ np.array([[cosine, -sine], [sine, cosine]]) + middle
