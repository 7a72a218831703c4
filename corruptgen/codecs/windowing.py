"""Windows: what is black and what is white in images whose samples are not levels from 0 to 255."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.geometry import check_area
from corruptgen.codecs.pixels import BYTE, Arithmetic, SampleFormat, to_float
from corruptgen.declare import Pixels
from corruptgen.errors import Rejected

# Types of samples that keep their depth in a computation with 24 bits.
DTYPES = ("uint8", "uint16", "int16", "float32")
CHANNELS = (1, 3)
HEADER, RANGE, BITS = "header", "range", "bits"
WINDOWS = (HEADER, RANGE, BITS)

Window = tuple[float, float] | str


@dataclass(frozen=True)
class StoredSamples:
    """An image as its file has it: the stored samples, and what the file states about them."""

    pixels: NDArray[Any]
    """(H, W, 1) or (H, W, 3) in one of `DTYPES`; larger is brighter."""
    bits: tuple[float, float] | None = None
    """The least and greatest sample that the file's bits can hold; None for floating point, which has no such."""
    slope: float = 1.0
    """What a stored sample is multiplied by to give the units of the file, such as Hounsfield."""
    intercept: float = 0.0
    """What is added then."""
    advised: tuple[float, float] | None = None
    """The window that the file itself advises, in its units."""
    padded: NDArray[np.bool_] | None = None
    """(H, W): the pixels that only fill up the picture, which decide no window and are drawn black; None: none do."""
    siblings: int = 1
    """The number of images in its file: slices of a volume, or frames."""
    affine: tuple[float, ...] = ()
    """Of a slice: 16 numbers that lead from voxels of the volume, counted to the right, to the front and upwards, to
    millimetres, row by row."""

    @property
    def seen(self) -> NDArray[Any]:
        """The samples that belong to the picture."""
        return self.pixels if self.padded is None else self.pixels[~self.padded]


@dataclass(frozen=True)
class CleanImage:
    """A clean image: its stored samples, what black and white are among them, and how they become units."""

    pixels: NDArray[Any]
    """(H, W, C) samples in `form`, all of them from black to white."""
    form: SampleFormat = BYTE
    slope: float = 1.0
    intercept: float = 0.0
    notes: tuple[str, ...] = ()
    """What was passed over when it was decoded: damage and oddities that change no pixel."""
    inputs: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What rows take beside it, by name."""


def in_floats(image: CleanImage, clips: bool) -> CleanImage:
    """Return an image as float32 from 0, black, to 1, white, whose results clip there or not."""
    form = image.form
    unit = to_float(image.pixels, Pixels.UNIT, form, Arithmetic("float32", "round"))
    slope, intercept = image.slope * form.full_scale, image.slope * form.black + image.intercept
    return replace(image, pixels=unit, form=SampleFormat("float32", 1.0, clips=clips), slope=slope, intercept=intercept)


def samples_of_array(samples: NDArray[Any]) -> StoredSamples:
    """Take an array as an image.

    Raises
    ------
    Rejected
        If its samples or its shape are not those of one.
    """
    if samples.dtype.newbyteorder("=").name not in DTYPES:
        taken = ", ".join(DTYPES)
        raise Rejected(f"has samples of type {samples.dtype.name}; taken are {taken}: convert it to one of them first")
    pixels = samples[..., None] if samples.ndim == 2 else samples
    if pixels.ndim != 3 or pixels.shape[2] not in CHANNELS:
        raise Rejected(f"is an array of shape {samples.shape}; taken are (H, W), (H, W, 1) and (H, W, 3)")
    check_area(*pixels.shape[:2])
    native = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("="))
    if native.dtype.kind == "f":
        if not np.isfinite(native).all():
            raise Rejected("holds NaN or infinite samples; replace them with numbers first")
        return StoredSamples(native)
    limits = np.iinfo(native.dtype)
    return StoredSamples(native, (limits.min, limits.max))


def turn_around(found: StoredSamples) -> StoredSamples:
    """Make the darkest sample the brightest one, within the bits in use; the units of every pixel stay."""
    turn = 0.0 if found.bits is None else sum(found.bits)
    kind = found.pixels.dtype
    pixels = -found.pixels if found.bits is None else (int(turn) - found.pixels.astype(np.int32)).astype(kind)
    return replace(found, pixels=pixels, slope=-found.slope, intercept=found.intercept + found.slope * turn)


def fill_padding(found: StoredSamples, form: SampleFormat) -> NDArray[Any]:
    """Return the stored samples with black in place of what only fills up the picture."""
    if found.padded is None:
        return found.pixels
    kind = found.pixels.dtype
    limits = np.iinfo(kind) if kind.kind != "f" else np.finfo(kind)
    black = min(max(form.black, float(limits.min)), float(limits.max))
    return np.where(found.padded[..., None], kind.type(black), found.pixels)


def find_window(acquired: StoredSamples, window: Window) -> SampleFormat:
    """Return what black and white are in an image.

    Parameters
    ----------
    acquired : StoredSamples
        The image.
    window : Window
        Black and white in the units of the file; or where to find them: "header" takes the window that the file
        advises, "range" the least and greatest sample of the file, "bits" all that the file's bits can hold.

    Returns
    -------
    SampleFormat
        Black and white as stored samples; whole ones of whole samples.

    Raises
    ------
    Rejected
        If the file does not state it, or if nothing lies between black and white.
    """
    stored = _stored(acquired, window)
    kind = acquired.pixels.dtype
    black, white = stored if kind.kind == "f" else (float(np.rint(stored[0])), float(np.rint(stored[1])))
    turned = isinstance(window, tuple) and window[0] > window[1]
    if turned or not 0 < white - black < np.inf:
        raise Rejected(
            f"has no sample between black and white: its window is {black:g} to {white:g} in stored samples; "
            "write window = [low, high] in [decode]"
        )
    return SampleFormat(kind.name, white - black, black)


def clip_to_window(pixels: NDArray[Any], form: SampleFormat) -> NDArray[Any]:
    """Return stored samples from black to white: what is beyond is black or white."""
    kind = np.dtype(form.dtype)
    low, high = form.black, form.black + form.full_scale
    if kind.kind != "f":
        limits = np.iinfo(kind)
        low, high = max(low, limits.min), min(high, limits.max)
        if low > high:
            raise Rejected(f"has only samples outside of its window of {form.black:g} to {high:g}")
    return np.clip(pixels, kind.type(low), kind.type(high))


def screen_levels(pixels: NDArray[Any], form: SampleFormat) -> NDArray[np.uint8]:
    """Return stored samples as the levels that a screen shows."""
    return to_float(pixels, Pixels.BYTES, form, Arithmetic("float64", "round"))


def visible(image: CleanImage) -> NDArray[np.uint8]:
    """Return an image as a screen shows it: of one with a window, what lies between black and white, in 8 bits."""
    return image.pixels if image.form == BYTE else screen_levels(image.pixels, image.form)


def _stored(acquired: StoredSamples, window: Window) -> tuple[float, float]:
    """Return black and white as stored samples, not rounded yet."""
    if window == RANGE:
        if not acquired.seen.size:
            raise Rejected("holds nothing but padding")
        return float(acquired.seen.min()), float(acquired.seen.max())
    if window == BITS:
        if acquired.bits is None:
            raise Rejected("has floating point samples, whose bits say nothing of white; write window = [low, high]")
        return acquired.bits
    ends = acquired.advised if isinstance(window, str) else window
    if ends is None:
        raise Rejected('has no window in its header; write window = [low, high], or "range", in [decode]')
    # A negative slope, of films whose largest sample is black, turns the ends around.
    low, high = sorted((end - acquired.intercept) / acquired.slope for end in ends)
    return low, high
