"""Label masks: PNG files whose samples are labels, moved without mixing them."""

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corruptgen.declare import Warp
from corruptgen.errors import Rejected
from corruptgen.imaging.geometry import check_area, fitted
from corruptgen.imaging.guard import guarded
from corruptgen.imaging.orientations import turned_picture
from corruptgen.imaging.tolerance import tolerantly
from corruptgen.imaging.warp import mirrored
from corruptgen.records import Decoding

# Grey, palette (Pascal), 16 bits (instances of Cityscapes), colours instead of numbers.
MODES = ("1", "L", "P", "I;16", "RGB", "RGBA")


@dataclass(frozen=True, eq=False)
class LabelMask:
    """A label mask that has been read."""

    image: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.image.height, self.image.width

    def fitted(self, decoding: Decoding) -> "LabelMask":
        """Resize and crop it as an image is, but take labels from the nearest pixel."""
        return LabelMask(fitted(self.image, replace(decoding, interpolation="nearest")))

    def turned(self, orientation: int) -> "LabelMask":
        """Turn it as an EXIF orientation asks."""
        return LabelMask(turned_picture(self.image, orientation))

    def warped(self, warp: Warp) -> "LabelMask":
        """Move it by a warp."""
        samples = np.ascontiguousarray(moved_labels(np.asarray(self.image), warp))
        if self.image.mode == "1":
            return LabelMask(Image.fromarray(samples))
        moved = Image.frombytes(self.image.mode, self.image.size, samples.tobytes())
        if self.image.mode == "P":
            moved.putpalette(self.image.palette or ())
        return LabelMask(moved)

    def encoded(self) -> bytes:
        """Give the bytes of a PNG file."""
        buffer = io.BytesIO()
        self.image.save(buffer, "PNG")
        return buffer.getvalue()


def label_mask(content: bytes) -> LabelMask:
    """Read a label mask; raise `Rejected` if this is no whole PNG file of labels."""
    try:
        with guarded():
            mask, _ = tolerantly(content, Decoding(exif="ignore"), _strictly)
    except Rejected as error:
        raise Rejected("has a mask that is not a whole PNG file") from error
    if mask.mode not in MODES:
        raise Rejected(f"has a mask of mode {mask.mode}; taken are {', '.join(MODES)}")
    return LabelMask(mask)


def _strictly(content: bytes, orientation: int | None) -> Image.Image:
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        image.verify()
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        check_area(image.height, image.width)
        image.load()
        return image.copy()


def moved_labels(labels: NDArray[np.generic], warp: Warp, outside: int | None = None) -> NDArray[np.generic]:
    """Move labels by a warp: each pixel takes that of the pixel nearest to where its image was taken from.

    Parameters
    ----------
    labels : (H, W) or (H, W, C)
    warp : by which the image is moved
    outside : the label of what is taken from outside of the image; None: the one that is seen there, since the image is
        continued by its mirror image
    """
    size = labels.shape[:2]
    grid = np.moveaxis(np.indices(size, np.float64), 0, -1)
    origins = warp.origins(grid)
    nearest = np.rint(mirrored(origins, size)).astype(np.intp)
    rows, columns = (nearest[..., axis].clip(0, size[axis] - 1) for axis in (0, 1))
    moved: NDArray[np.generic] = labels[rows, columns]
    if outside is not None:
        moved[((origins < -0.5) | (origins > np.array(size) - 0.5)).any(axis=-1)] = outside
    return moved
