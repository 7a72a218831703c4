"""The content of a gallery: rows of a table, the images of each row, and one frame for each severity of an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corruptgen.declare import Corruption
from corruptgen.gallery.thumbnails import Thumbnail
from corruptgen.tables.interpolation import Value
from corruptgen.tables.row import Row


@dataclass(frozen=True)
class Frame:
    """An image in one cell."""

    severity: float
    parameters: Mapping[str, Value]
    picture: Thumbnail


@dataclass(frozen=True)
class GalleryImage:
    """One image in all cells of a row."""

    image: str
    """The name of the image."""
    clean: Thumbnail | None
    """None: the clean image is not known."""
    frames: tuple[Frame, ...]
    """By rising severity."""


@dataclass(frozen=True)
class GalleryRow:
    """One row of a table."""

    row: Row
    levels: tuple[float, ...]
    """The severities whose parameters are shown; frames may show more of them."""
    parameters: Mapping[str, Sequence[Value | None]]
    """One value for each of `levels`; None where the level's function has no such parameter."""
    images: tuple[GalleryImage, ...]
    missing: str = ""
    """Why there are no pictures; empty if there are."""

    @property
    def corruptions(self) -> tuple[Corruption, ...]:
        """The functions of its levels, each once."""
        return tuple({level.corruption.name: level.corruption for level in self.row.uses}.values())


@dataclass(frozen=True)
class Gallery:
    """All that a page shows."""

    title: str
    facts: tuple[str, ...]
    """What holds for all rows, one sentence each."""
    images: tuple[str, ...]
    """The names of the images, in the order of `images` of every row."""
    rows: tuple[GalleryRow, ...]
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Number of pictures, without the clean ones."""
        return sum(len(image.frames) for row in self.rows for image in row.images)
