"""The corruptions of a severity table in a pipeline of albumentations 2.0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from albumentations.core.transforms_interface import DualTransform
from albumentations.core.type_definitions import Targets
from numpy.typing import NDArray

from corruptgen.errors import ImageError
from corruptgen.transforms.corrupt import ALL, Corrupt, Severity
from corruptgen.transforms.draw import Draw


class AlbumentationsCorrupt(DualTransform):  # type: ignore[misc]
    """Corrupt `image`, or each of `images`, and move `mask` and `masks` where the row moves pixels.

    Draws follow the generator of the `Compose` if that has a seed, and are told apart by worker and rank; else they
    follow the generator of the framework, as those of `Corrupt` do.

    Parameters
    ----------
    preset, rows, severity : see `Corrupt`
    p : share of the calls that corrupt

    Raises
    ------
    ImageError
        When it is called with boxes or key points and draws a row that moves pixels.
    """

    _targets = (Targets.IMAGE, Targets.MASK)

    def __init__(
        self, preset: str, rows: str | Sequence[str] | None = None, severity: Severity = ALL, p: float = 1.0
    ) -> None:
        super().__init__(p=p)
        self.corrupt = Corrupt(preset, rows, severity)
        self.preset, self.rows, self.severity = preset, rows, severity

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Draw a cell and the name of its noise."""
        draw = self.corrupt.draw() if self.seed is None else self._seeded()
        points = [data[name] for name in ("bboxes", "keypoints") if data.get(name) is not None]
        if self.corrupt.moves(draw) and any(map(len, points)):
            raise ImageError(f"{draw.row} moves pixels, and boxes or key points came with the image; leave the row out")
        return {"draw": draw}

    def apply(self, img: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Corrupt an image."""
        return np.asarray(self.corrupt.apply(img, draw))

    def apply_to_images(self, images: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Corrupt each image with noise of its own."""
        return np.stack([self.corrupt.apply(image, draw.numbered(n)) for n, image in enumerate(images)])

    def apply_to_mask(self, mask: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Move a mask as the image is moved."""
        return np.asarray(self.corrupt.apply_to_mask(mask, draw))

    def apply_to_bboxes(self, bboxes: NDArray[Any], *args: Any, **params: Any) -> NDArray[Any]:
        """Leave boxes alone: with rows that move pixels none get here."""
        return bboxes

    def apply_to_keypoints(self, keypoints: NDArray[Any], *args: Any, **params: Any) -> NDArray[Any]:
        """Leave key points alone: with rows that move pixels none get here."""
        return keypoints

    def _seeded(self) -> Draw:
        digits = self.random_generator.bytes(16).hex()
        return self.corrupt.drawn_by(digits)
