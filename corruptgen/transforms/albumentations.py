"""The corruptions of a severity table in a pipeline of albumentations 2.0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from albumentations.core.transforms_interface import DualTransform
from albumentations.core.type_definitions import Targets
from numpy.typing import NDArray

from corruptgen.transforms.corrupt import ALL, Corrupt, Severity
from corruptgen.transforms.draw import Draw


class AlbumentationsCorrupt(DualTransform):  # type: ignore[misc]  # albumentations is not followed
    """Corrupt `image`, or each of `images`, and move masks, boxes and key points where the row moves pixels.

    Draws follow the generator of the `Compose` if that has a seed, and are told apart by worker and rank; else they
    follow the generator of the framework, as those of `Corrupt` do.

    Parameters
    ----------
    preset, rows, severity : str, str or sequence of str or None, Severity
        See `Corrupt`.
    p : float, default 1.0
        Share of the calls that corrupt.

    Examples
    --------
    >>> import albumentations
    >>> import numpy as np
    >>> pipeline = albumentations.Compose([AlbumentationsCorrupt("natural", ["fog"], 3)], seed=1)
    >>> pipeline(image=np.full((64, 64, 3), 128, np.uint8))["image"].shape
    (64, 64, 3)
    """

    _targets = (Targets.IMAGE, Targets.MASK, Targets.BBOXES, Targets.KEYPOINTS)

    def __init__(
        self, preset: str, rows: str | Sequence[str] | None = None, severity: Severity = ALL, p: float = 1.0
    ) -> None:
        super().__init__(p=p)
        self.corrupt = Corrupt(preset, rows, severity)
        self.preset, self.rows, self.severity = preset, rows, severity

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Draw a cell and the name of its noise."""
        return {"draw": self.corrupt.draw() if self.seed is None else self._seeded()}

    def apply(self, img: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Corrupt an image."""
        return np.asarray(self.corrupt.apply(img, draw))

    def apply_to_images(self, images: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Corrupt each image with noise of its own, but move all alike, as the masks and boxes that they share."""
        draws = [draw if self.corrupt.moves(draw) else draw.numbered(n) for n in range(len(images))]
        return np.stack([self.corrupt.apply(image, one) for image, one in zip(images, draws, strict=True)])

    def apply_to_mask(self, mask: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Move a mask as the image is moved."""
        return np.asarray(self.corrupt.apply_to_mask(mask, draw))

    def apply_to_bboxes(self, bboxes: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Move boxes as the image is moved; of an oriented one only the upright box around it is known."""
        height, width = params["shape"][:2]
        motion = self.corrupt.motion((height, width), draw)
        if motion is None or not len(bboxes):
            return bboxes
        scale = np.array([width, height, width, height])
        moved = bboxes.copy()
        moved[:, :4] = motion.boxes(bboxes[:, :4].astype(np.float64) * scale) / scale
        return moved

    def apply_to_keypoints(self, keypoints: NDArray[Any], draw: Draw, **params: Any) -> NDArray[Any]:
        """Move key points as the image is moved; angle and scale stay."""
        motion = self.corrupt.motion(params["shape"][:2], draw)
        if motion is None or not len(keypoints):
            return keypoints
        moved = keypoints.copy()
        moved[:, :2] = motion.points(keypoints[:, :2].astype(np.float64))
        return moved

    def _seeded(self) -> Draw:
        digits = self.random_generator.bytes(16).hex()
        return self.corrupt.drawn_by(digits)
