"""Frames: whether what is on an image was drawn on it as it is stored, or as its EXIF orientation shows it."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.high_bit_depth import native_size, orientation
from corruptgen.codecs.orientations import STORED, inverse_orientation, turn_size
from corruptgen.codecs.windowing import StoredSamples
from corruptgen.errors import Rejected
from corruptgen.records import Decoding

Size = tuple[int, int]
"""Height and width."""
AS_STORED, UPRIGHT = "stored", "upright"


@dataclass(frozen=True)
class ImageSizes:
    """The sizes of an image, and which of them masks and annotations are for."""

    stored: Size
    upright: Size
    orientation: int
    """That leads from the first to the second."""
    exif: str
    """"apply": the image is made upright; "ignore": it is made as it is stored."""
    annotated_as: str | None
    """Which of them the recipe sets; None: what fits, and what is stored if both do."""

    @classmethod
    def of(
        cls, content: bytes | NDArray[Any] | StoredSamples, decoding: Decoding, annotated_as: str | None
    ) -> "ImageSizes":
        """Find out the sizes of what a source has for an item.

        Raises
        ------
        Rejected
            If the file does not state them.
        """
        size = native_size(content, decoding)
        try:
            turn = orientation(content, decoding)
        except Rejected:
            if decoding.exif == "apply":
                raise
            # What is ignored costs nothing.
            turn = STORED
        if decoding.exif == "apply":
            return cls(turn_size(*size, inverse_orientation(turn)), size, turn, decoding.exif, annotated_as)
        return cls(size, turn_size(*size, turn), turn, decoding.exif, annotated_as)

    @property
    def is_guess(self) -> bool:
        """Whether what was drawn on the image may fit both frames, and the recipe does not set which is meant."""
        return not self.annotated_as and self.orientation != STORED and self.stored == self.upright

    def turn(self, size: Size | None, found: str) -> tuple[Size, int]:
        """Return by which orientation what was drawn on the image has to be turned to fit the image that is made.

        Parameters
        ----------
        size : Size or None
            Size of the mask, or of the image as it was annotated; None: unknown.
        found : str
            What messages say about it, with {} for the size.

        Returns
        -------
        (Size, int)
            The size of the frame that it was drawn in, and the orientation.

        Raises
        ------
        Rejected
            If the size fits neither frame, or not the one that the recipe sets.
        """
        frames = {AS_STORED: self.stored, UPRIGHT: self.upright}
        wanted = [self.annotated_as] if self.annotated_as else [AS_STORED, UPRIGHT]
        frame = next((name for name in wanted if size in (None, frames[name])), None)
        if frame is None or (size is None and self.annotated_as is None and self.stored != self.upright):
            raise Rejected(self._objection(size, found))
        if frame == AS_STORED:
            return frames[frame], self.orientation if self.exif == "apply" else STORED
        return frames[frame], STORED if self.exif == "apply" else inverse_orientation(self.orientation)

    def _objection(self, size: Size | None, found: str) -> str:
        stored, upright = _text(self.stored), _text(self.upright)
        sizes = stored if stored == upright else f"{stored} as it is stored and {upright} as EXIF turns it"
        if size is None:
            return (
                f"is {sizes}, and its annotations do not state their size: write it into them, or annotated_as = "
                '"stored" or "upright" in [source]'
            )
        told = f', and annotated_as in [source] says "{self.annotated_as}"' if self.annotated_as else ""
        return f"is {sizes}, {found.format(_text(size))}{told}"


def _text(size: Size) -> str:
    return f"{size[0]}×{size[1]}"
