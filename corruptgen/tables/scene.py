"""Scenes: how a severity table makes images of pictures, and on what of them its rows act."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.geometry import INTERPOLATIONS, ORDERS, fit_samples
from corruptgen.declare import Scene
from corruptgen.errors import ImageError, PresetError, Rejected
from corruptgen.records import Decoding

ORIGINAL, PREPARED, VIEW = "original", "prepared", "view"
# What a row acts on: the picture as it is, the picture as it is before the crop, or the image that is made of it.
STAGES = (ORIGINAL, PREPARED, VIEW)
AS_IT_IS = Decoding()
KEYS = ("resize", "crop", "order", "interpolation")


@dataclass(frozen=True)
class Staging:
    """What is done to a picture before and after a row acts on it."""

    prepared: Decoding = AS_IT_IS
    """What is done to it before the crop."""
    view: Decoding = AS_IT_IS
    """What makes an image of that."""
    acts_on: str = PREPARED
    always: bool = False
    """Whether a picture of the image's size is prepared like all others, instead of being the image."""

    @property
    def changes(self) -> bool:
        """Whether the image is another one than the picture."""
        return any(steps.resize is not None or steps.crop is not None for steps in (self.prepared, self.view))

    def image(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the clean image of an (H, W, C) picture."""
        return _placed(_placed(picture, self.prepared), self.view)

    def scene(self, picture: NDArray[np.uint8]) -> Scene:
        """Return what a row acts on of an (H, W, C) picture, and how its image is made of that."""
        if self.acts_on == VIEW:
            return Scene(self.image(picture), lambda image: image)
        before = picture if self.acts_on == ORIGINAL else _placed(picture, self.prepared)
        return Scene(before, lambda image: _placed(image, self.view))


NO_STAGING = Staging()


def read_steps(place: str, content: Any) -> Decoding:
    """Read how pictures are resized and cropped from the plain values of a table.

    Raises
    ------
    PresetError
        If a key is unknown or has a wrong value.
    """
    if not isinstance(content, Mapping) or not set(content) <= set(KEYS):
        raise PresetError(f"{place}: found {content!r}, allowed is a table of {', '.join(KEYS)}")
    steps: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
    for key, allowed in (("order", ORDERS), ("interpolation", INTERPOLATIONS)):
        if steps.get(key, allowed[0]) not in allowed:
            raise PresetError(f"{place} {key}: found {content[key]!r}, allowed are {', '.join(allowed)}")
    for key in ("resize", "crop"):
        if key in steps and not (_is_extent(steps[key]) or (key == "crop" and _is_share(steps[key]))):
            raise PresetError(f"{place} {key}: found {content[key]!r}, allowed are pixels, [height, width] or a share")
    return Decoding(**steps)


def _is_extent(value: Any) -> bool:
    sides = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    return all(type(side) is int and side > 0 for side in sides)


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value <= 1


def _placed(picture: NDArray[np.uint8], steps: Decoding) -> NDArray[np.uint8]:
    try:
        return fit_samples(picture, steps)
    except Rejected as error:
        raise ImageError(f"the picture {error}") from error
