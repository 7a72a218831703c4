"""The plain frozen values that travel from the source to the manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Extent = int | tuple[int, int]
"""A number of pixels for the shorter side (resize) or for both sides (crop), or exactly (height, width)."""


@dataclass(frozen=True)
class Item:
    """One clean image of a source, not read yet."""

    id: str
    """Its name in the source, stable for ever; the key of every draw."""
    label: str
    """Its class: for folders the path of the folder that holds it, "" at the top; for others the name of the class, its
    number in decimals, or several numbers with spaces between."""


@dataclass(frozen=True)
class Rejection:
    """One input item that cannot be used, and why, in one line without paths of this machine."""

    id: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a source holds."""

    items: tuple[Item, ...]
    """In the order of the source: by id, or by number where ids end in numbers."""
    rejected: tuple[Rejection, ...] = ()
    """What looks like an item and cannot be one, sorted by id."""
    ignored: int = 0
    """Number of files that do not claim to be images."""
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of their numbers; empty: the sorted set of the labels."""
    annotations: str = ""
    """The sha256 of the file that lists them, if there is one."""
    note: str = ""
    """What the user should know about what is left out; empty: nothing."""


EXTRANEOUS_BYTES = "jpeg-extraneous-bytes"
# Oddities of phones and cameras, of which it can be shown that they change no pixel.
DEFAULT_TOLERATE = ("jpeg-padding", "jpeg-scan-parameters", "jpeg-version")
TOLERATED = (EXTRANEOUS_BYTES, *DEFAULT_TOLERATE)
COLOURS = ("keep", "rgb", "grey")


@dataclass(frozen=True)
class Decoding:
    """How a clean image is made of the bytes of a file."""

    resize: Extent | None = None
    crop: Extent | float | None = None
    """A float is a fraction of each side."""
    order: str = "resize-crop"
    interpolation: str = "bilinear"
    exif: str = "apply"
    window: tuple[float, float] | str | None = None
    """What black and white are, in the units of the file, or where that is to be found; samples keep their depth then.
    None: images of 8 bits, of which 0 is black and 255 white."""
    colour: str | None = None
    """"keep": files of grey images stay grey; "rgb": they become colour ones; "grey": colour ones become grey. None, as
    in recipes of the first version: files become colour images, and arrays, as all images with a window, are kept."""
    tolerate: tuple[str, ...] = DEFAULT_TOLERATE
    """Which oddities of files are passed over although a strict decoder complains, of `TOLERATED`."""


@dataclass(frozen=True)
class Encoding:
    """How an output image becomes the bytes of a file."""

    name: str = "png"
    quality: int = 85
    """Of JPEG, 1 to 100."""
    compression: str = "fast"
    """Of PNG: "stored", "fast" or "small"."""

    @property
    def extension(self) -> str:
        """The ending of a file's name; `.JPEG` as in ImageNet."""
        return {"png": ".png", "jpeg": ".JPEG", "tiff": ".tif"}[self.name]

    @property
    def is_lossless(self) -> bool:
        """Whether decoding gives the pixels back."""
        return self.name != "jpeg"

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The types of the samples that a file can hold."""
        deep = {"png": ("uint16",), "jpeg": (), "tiff": ("uint16", "int16", "float32")}[self.name]
        return ("uint8", *deep)


@dataclass(frozen=True)
class Outcome:
    """What `generate` did."""

    output: Path
    items: int
    """Items that are complete in every cell."""
    cells: int
    """Cells, the clean twin included."""
    files: int
    """Output images that there are now."""
    rejected: tuple[Rejection, ...]
    ignored: int
    """Files of the source that do not claim to be images."""
    was_finished: bool
    """Whether the output was whole before, so that nothing was done."""
    noted: Mapping[str, int] = field(default_factory=dict)
    """How many items have files that are damaged or odd in a way that changes no pixel, by what it is."""
