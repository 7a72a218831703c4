"""A cell, a row at a severity: the one place where a corruption meets an image."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, SampleFormat, grey_to_rgb, quantize, rgb_to_luma, to_float
from corruptgen.declare import Channels, Corruption, FastPath, Warp, fused_path_of
from corruptgen.errors import ImageError
from corruptgen.randomness import Draws, Stream
from corruptgen.tables.formulas import uses_fast_paths
from corruptgen.tables.interpolation import Value
from corruptgen.tables.scene import NO_STAGING, ORIGINAL, Staging
from corruptgen.values.arguments import severity_text


@dataclass(frozen=True)
class Sizes:
    """The image sizes that a severity table holds for."""

    preset: str
    allowed: tuple[tuple[int, int], ...] = ()
    """(height, width) pairs; empty: any size from `smallest` up."""
    smallest: tuple[int, ...] = (1, 1)
    others: str = ""
    """What to use for other sizes, in words."""
    reference_side: int | None = None
    """The shorter side, in pixels, that scaled parameters are given for."""

    def check(self, height: int, width: int) -> None:
        """Raise `ImageError` if the table does not hold for images of this size."""
        if self.allowed and (height, width) not in self.allowed:
            allowed = " or ".join(f"{h}×{w}" for h, w in self.allowed)
        elif height < self.smallest[0] or width < self.smallest[1]:
            allowed = f"at least {self.smallest[0]}×{self.smallest[1]}"
        else:
            return
        advice = f"; for other sizes use {self.others}" if self.others else ""
        raise ImageError(f"{self.preset} is for images of {allowed} pixels, found {height}×{width}{advice}")

    def factor(self, height: int, width: int) -> float:
        """Return what scaled parameters are multiplied by for an image of this size."""
        return min(height, width) / self.reference_side if self.reference_side else 1.0


@dataclass(frozen=True)
class Cell:
    """A row at a severity, ready to be applied to any number of images."""

    row: str
    severity: float
    corruption: Corruption | None
    """None at severity 0: the clean image."""
    parameters: Mapping[str, Value]
    arithmetic: Arithmetic
    scaled: frozenset[str]
    sizes: Sizes
    requires_rgb: bool = False
    """Whether a grey image is made a colour one first and the luma of the result is taken, whatever the corruption."""
    staging: Staging = NO_STAGING
    """How the images of sequences are made of pictures."""

    @property
    def is_sequence(self) -> bool:
        """Whether it makes a sequence of frames of a picture instead of an image."""
        return self.corruption is not None and self.corruption.is_sequence

    @property
    def is_geometric(self) -> bool:
        """Whether it moves pixels, and with them what masks and boxes are about."""
        return self.corruption is not None and self.corruption.is_geometric

    @cached_property
    def draws(self) -> bool:
        """Whether the result depends on chance."""
        return self.corruption is not None and self.corruption.draws

    def apply(self, image: NDArray[Any], rng: Draws, form: SampleFormat = BYTE) -> NDArray[Any]:
        """Corrupt one image.

        Parameters
        ----------
        image : ndarray, shape (H, W, 1)
            Or (H, W, 3) samples in `form`; not changed.
        rng : Draws
            The draws of this image in this cell.
        form : SampleFormat
            How the samples are stored.

        Returns
        -------
        ndarray
            A new array of the same shape and type.

        Raises
        ------
        ImageError
            If the table does not hold for images of this size.
        """
        height, width, channels = image.shape
        self.sizes.check(height, width)
        # Sums go along the memory, and their order decides about a last bit.
        image = np.ascontiguousarray(image)
        corruption = self.corruption
        if corruption is None:
            return image.copy()
        if corruption.is_sequence:
            raise ImageError(
                f"{self.row} of {self.sizes.preset} is a sequence of frames; corruptgen.frames makes them of a picture"
            )

        widen = channels == 1 and (self.requires_rgb or corruption.channels is Channels.COLOUR)
        whole = grey_to_rgb(image) if widen else image
        parameters = self.parameters_for(height, width) if self.scaled else self._unscaled
        samples, fast = None, self._fast_path
        # Most often it is this very format, and then its fields need no comparing.
        if fast is not None and (form is BYTE or form == BYTE) and isinstance(rng, Stream) and uses_fast_paths():
            arguments = (whole, rng, self.arithmetic) if self.draws else (whole, self.arithmetic)
            samples = fast(*arguments, **parameters)
        if samples is None:
            samples = _by_the_formula(corruption, whole, rng, form, self.arithmetic, parameters)
        return rgb_to_luma(samples, form) if widen else samples

    def frames(self, picture: NDArray[np.uint8], rng: Draws) -> Iterator[NDArray[np.uint8]]:
        """Make the frames of a sequence, one after the other.

        Parameters
        ----------
        picture : ndarray of uint8, shape (H, W, 1)
            Or (H, W, 3) uint8, before it is cropped; not changed. For rows that act on the image alone, one of a size
            that the table is for is the image itself.
        rng : Draws
            The draws of this picture in this cell.

        Raises
        ------
        ImageError
            If the row makes no frames, or the table does not hold for images of this size.
        """
        corruption = self.corruption
        if corruption is not None and not corruption.is_sequence:
            raise ImageError(f"{self.row} of {self.sizes.preset} makes one image of an image; use corruptgen.corrupt")
        channels = picture.shape[2]
        widen = channels == 1 and corruption is not None and corruption.channels is Channels.COLOUR
        whole = np.ascontiguousarray(grey_to_rgb(picture) if widen else picture)
        takes_scene = corruption is not None and corruption.takes_scene
        is_image = not takes_scene and whole.shape[:2] in self.sizes.allowed
        image = whole if is_image else self.staging.image(whole)
        # What acts on the original is brought to its size frame by frame, and is as square as the picture.
        if self.staging.acts_on != ORIGINAL:
            self.sizes.check(*image.shape[:2])
        if corruption is None:
            return iter([image.copy()])
        given = self.staging.scene(whole) if takes_scene else to_float(image, corruption.takes, BYTE, self.arithmetic)
        made = corruption.function(*((given, rng) if corruption.draws else (given,)), **self._unscaled)
        frames = (
            quantize(np.asarray(frame), corruption.gives, BYTE, self.arithmetic.rounding)
            for frame in cast(Iterator[NDArray[Any]], made)
        )
        return (rgb_to_luma(frame, BYTE) for frame in frames) if widen else frames

    def warp(self, image: NDArray[Any], rng: Draws, form: SampleFormat = BYTE) -> Warp:
        """Return the warp by which `apply`, with the same draws, moves the pixels; only of a geometric corruption."""
        if self.corruption is None or not self.corruption.is_geometric:
            raise ImageError(f"{self.row} at severity {severity_text(self.severity)} moves no pixels; it has no warp")
        pixels = to_float(np.ascontiguousarray(image), self.corruption.takes, form, self.arithmetic)
        arguments = (pixels, rng) if self.corruption.draws else (pixels,)
        return cast(Warp, self.corruption.function(*arguments, **self.parameters_for(*image.shape[:2])))

    def parameters_for(self, height: int, width: int) -> dict[str, Value]:
        """Return the parameters for an image of this size; whole numbers that scale stay whole and at least 1."""
        factor = self.sizes.factor(height, width)
        return {name: _scaled(v, factor) if name in self.scaled else v for name, v in self.parameters.items()}

    @cached_property
    def _fast_path(self) -> FastPath | None:
        """The corruption's fast path, if it has one; it returns None where it is none for an image."""
        return None if self.corruption is None else fused_path_of(self.corruption.function)

    @cached_property
    def _unscaled(self) -> dict[str, Value]:
        """The parameters as they are; a call takes a dict in a third of the time that it takes for other mappings."""
        return dict(self.parameters)


def _by_the_formula(
    corruption: Corruption,
    image: NDArray[Any],
    rng: Draws,
    form: SampleFormat,
    arithmetic: Arithmetic,
    parameters: dict[str, Value],
) -> NDArray[Any]:
    pixels = to_float(image, corruption.takes, form, arithmetic)
    arguments = (pixels, rng) if corruption.draws else (pixels,)
    made = corruption.function(*arguments, **parameters)
    result = cast(Warp, made).moved(pixels) if corruption.is_geometric else cast(NDArray[Any], made)
    return quantize(result, corruption.gives, form, arithmetic.rounding)


def _scaled(value: Value, factor: float) -> Value:
    if isinstance(value, int):
        return max(1, math.floor(value * factor + 0.5))
    return value * factor if isinstance(value, float) else value
