"""A cell, a row at a severity: the one place where a corruption meets an image."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import BYTE, Arithmetic, SampleFormat, grey_to_rgb, quantize, rgb_to_luma, to_float
from corruptgen.declare import Channels, Corruption, FastPath, Made, Pixels, Scene, Warp, fused_path_of
from corruptgen.errors import ArgumentError, DeclarationError, ImageError
from corruptgen.ops.warp import Succession
from corruptgen.randomness import Draws, Purpose, Stream, Streams
from corruptgen.tables.formulas import uses_fast_paths
from corruptgen.tables.interpolation import Value
from corruptgen.tables.region import EVERY_CELL, Region, Square
from corruptgen.tables.scene import NO_STAGING, ORIGINAL, VIEW, Staging
from corruptgen.tables.sizes import Sizes
from corruptgen.values.arguments import severity_text

Inputs = Mapping[str, NDArray[Any]]
NO_INPUTS: Inputs = MappingProxyType({})


@dataclass(frozen=True)
class Cell:
    """A row at a severity, ready to be applied to any number of images."""

    row: str
    severity: float
    corruption: Corruption | None
    """None at severity 0, the clean image, and in a chain."""
    parameters: Mapping[str, Value]
    arithmetic: Arithmetic
    scaled: frozenset[str]
    sizes: Sizes
    requires_rgb: bool = False
    """Whether a grey image is made a colour one first and the luma of the result is taken, whatever the corruption."""
    stored_grey: bool = False
    """Whether files of its images have one channel, where they may."""
    staging: Staging = NO_STAGING
    """How images are made of pictures, where the table does that."""
    steps: tuple["Cell", ...] = ()
    """Of a chain: what is done, one after the other."""
    rounds_steps: bool = True
    """Whether a chain clips and rounds its samples between two steps."""
    region: Region | None = None
    """Where in the image it acts; None: everywhere."""
    stream: str = ""
    """The name of its draws, where that is not its row."""

    @cached_property
    def is_sequence(self) -> bool:
        """Whether it makes a sequence of frames of a picture instead of an image."""
        is_sequence = self.corruption is not None and self.corruption.is_sequence
        return is_sequence or (self.region is not None and self.region.where == EVERY_CELL)

    @property
    def is_geometric(self) -> bool:
        """Whether it moves pixels, and with them what masks and boxes are about."""
        return (self.corruption is not None and self.corruption.is_geometric) or any(
            step.is_geometric for step in self.steps
        )

    @property
    def moves_before_crop(self) -> bool:
        """Whether it moves a picture whose image is cropped then."""
        return self.is_geometric and self.takes_scene and self.staging.acts_on != VIEW

    @property
    def takes_scene(self) -> bool:
        """Whether it takes the picture before the crop."""
        first = self.steps[0].corruption if self.steps else self.corruption
        return first is not None and first.takes_scene

    @property
    def changes_size(self) -> bool:
        """Whether it makes images of another height or width, which masks and boxes do not follow."""
        return (self.corruption is not None and self.corruption.changes_size) or any(
            step.changes_size for step in self.steps
        )

    @property
    def crops_or_resizes(self) -> bool:
        """Whether its images are others than the pictures that it takes in size, by the table or by itself."""
        return self.staging.changes or self.changes_size

    @cached_property
    def draws(self) -> bool:
        """Whether the result depends on chance."""
        return (
            (self.corruption is not None and self.corruption.draws)
            or any(step.draws for step in self.steps)
            or (self.region is not None and self.region.draws)
        )

    @cached_property
    def inputs(self) -> frozenset[str]:
        """What it takes beside the image, by name."""
        own = self.corruption.inputs if self.corruption is not None else ()
        return frozenset(own).union(*(step.inputs for step in self.steps))

    def apply(
        self, image: NDArray[Any], rng: Draws | Streams, form: SampleFormat = BYTE, inputs: Inputs = NO_INPUTS
    ) -> NDArray[Any]:
        """Corrupt one image.

        Parameters
        ----------
        image : ndarray, shape (H, W, C)
            Samples in `form`, of grey or colour, or of 1 to 16 channels if the row takes any number; not changed. Where
            the table makes images of pictures, the picture before that.
        rng : Draws or Streams
            The draws of this image in this cell, or the streams of its name, from which every step takes its own.
        form : SampleFormat
            How the samples are stored.
        inputs : mapping of str to ndarray
            What the row takes beside the image, by name.

        Returns
        -------
        ndarray
            A new array of the same type, and the same shape unless the table or the row crops or resizes.

        Raises
        ------
        ImageError
            If the table does not hold for images of this size, or the row not for this number of channels.
        ArgumentError
            If inputs are missing, unknown or of another size than the image.
        """
        if self.is_sequence:
            raise ImageError(
                f"{self.row} of {self.sizes.preset} is a sequence of frames; corruptgen.frames makes them of a picture"
            )
        if self.inputs or inputs:
            self._check_inputs(inputs, image)
        if self.region is None:
            return self._whole(image, rng, form, inputs)
        clean, changed = self.clean_image(image, form), self._whole(image, rng, form, inputs)
        return _paste(clean, changed, self.region.squares(clean.shape[:2], self._location(rng)))

    def clean_image(self, picture: NDArray[Any], form: SampleFormat = BYTE) -> NDArray[Any]:
        """Return the image that is corrupted: what the table makes of a picture, or the picture itself.

        A picture of a size that the table is for is the image already, but for rows that act before the crop.
        """
        is_prepared = self.takes_scene or self.staging.always
        if not self._is_staged or (not is_prepared and picture.shape[:2] in self.sizes.allowed):
            return picture
        self._check_channels(picture.shape[2])
        if form != BYTE:
            raise ImageError(
                f"{self.sizes.preset} resizes and crops pictures of 8 bits; pass one, or an image of its size"
            )
        return self.staging.image(picture)

    def of_pictures(self) -> "Cell":
        """Return the same cell for pictures that are all prepared, those of the table's size too."""
        if not self.staging.changes:
            return self
        steps = tuple(step.of_pictures() for step in self.steps)
        return replace(self, staging=replace(self.staging, always=True), steps=steps)

    def frames(
        self, picture: NDArray[np.uint8], rng: Draws | Streams, inputs: Inputs = NO_INPUTS
    ) -> Iterator[NDArray[np.uint8]]:
        """Make the frames of a sequence, one after the other.

        Parameters
        ----------
        picture : ndarray of uint8, shape (H, W, 1)
            Or (H, W, 3) uint8, before it is cropped; not changed. For rows that act on the image alone, one of a size
            that the table is for is the image itself.
        rng : Draws or Streams
            As for `apply`.
        inputs : mapping of str to ndarray
            What the row takes beside the picture, by name.

        Raises
        ------
        ImageError
            If the row makes no frames, or the table does not hold for images of this size.
        """
        if not self.is_sequence and not self._is_clean:
            raise ImageError(f"{self.row} of {self.sizes.preset} makes one image of an image; use corruptgen.corrupt")
        self._check_inputs(inputs, picture)
        if self.region is not None and self.region.where == EVERY_CELL:
            image = self.clean_image(picture)
            whole = self._whole(picture, rng, BYTE, inputs)
            squares = self.region.squares(image.shape[:2], self._location(rng))
            return (_paste(image, whole, [square]) for square in squares)
        made = self._frames(picture, rng, inputs)
        if self.region is None:
            return made
        image = self.clean_image(picture)
        squares = self.region.squares(image.shape[:2], self._location(rng))
        return (_paste(image, frame, squares) for frame in made)

    def stored(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return the image that a file holds: of a row that is stored grey, one of its channels, which are equal.

        Raises
        ------
        ImageError
            If they are not.
        """
        if not self.stored_grey or self.corruption is None or pixels.shape[2] == 1:
            return pixels
        if (pixels != pixels[..., :1]).any():
            raise ImageError(f"{self.row} of {self.sizes.preset} is stored grey, and makes colours; drop stored_grey")
        return np.ascontiguousarray(pixels[..., :1])

    def warp(self, image: NDArray[Any], rng: Draws | Streams, form: SampleFormat = BYTE) -> Warp:
        """Return the warp by which `apply`, with the same draws, moves the pixels; only of a geometric corruption.

        It moves the image; of a row that acts before the crop, what is cropped.
        """
        if not self.is_geometric:
            raise ImageError(f"{self.row} at severity {severity_text(self.severity)} moves no pixels; it has no warp")
        if self.region is not None:
            raise ImageError(f"{self.row} moves pixels in places alone, where masks and boxes cannot follow")
        if self.steps and self.takes_scene:
            raise ImageError(f"{self.row} moves pixels before the crop and then goes on, which nothing can follow")
        if self.steps:
            moved, warps = self.clean_image(image, form) if self._is_staged else image, []
            last = max(number for number, step in enumerate(self.steps) if step.is_geometric)
            for step in self.steps[:last]:
                if step.is_geometric:
                    warps.append(step.warp(moved, rng, form))
                moved = step.apply(moved, rng, form)
            return Succession((*warps, self.steps[last].warp(moved, rng, form)))
        corruption = cast(Corruption, self.corruption)
        draws = self._own(rng) if corruption.draws else None
        clean = np.ascontiguousarray(self.clean_image(image, form) if self._is_staged else image)
        moving: NDArray[Any] | Scene = (
            self.staging.scene(image)
            if corruption.takes_scene
            else to_float(clean, corruption.takes, form, self.arithmetic)
        )
        return cast(
            Warp, self._called(corruption, moving, draws, form, NO_INPUTS, self.parameters_for(*clean.shape[:2]))
        )

    def parameters_for(self, height: int, width: int) -> dict[str, Value]:
        """Return the parameters for an image of this size; whole numbers that scale stay whole and at least 1."""
        factor = self.sizes.factor(height, width)
        return {name: _scaled(v, factor) if name in self.scaled else v for name, v in self.parameters.items()}

    def _whole(self, picture: NDArray[Any], rng: Draws | Streams, form: SampleFormat, inputs: Inputs) -> NDArray[Any]:
        """Corrupt the whole image, whatever the region."""
        if self.steps:
            return self._chained(picture, rng, form, inputs)
        corruption = self.corruption
        if corruption is not None and corruption.takes_scene:
            return self._of_scene(corruption, picture, rng, inputs)
        image = self.clean_image(picture, form) if self._is_staged else picture
        height, width, channels = image.shape
        self.sizes.check(height, width)
        # Sums go along the memory, and their order decides about a last bit.
        image = np.ascontiguousarray(image)
        if corruption is None:
            return image.copy()

        widen = channels == 1 and (self.requires_rgb or corruption.channels is Channels.COLOUR)
        if self.requires_rgb or corruption.channels is not Channels.ANY:
            self._check_channels(channels)
        whole = grey_to_rgb(image) if widen else image
        parameters = self.parameters_for(height, width) if self.scaled else self._unscaled
        draws = self._own(rng) if corruption.draws else None
        samples, fast = None, self._fast_path
        # Most often it is this very format, and then its fields need no comparing.
        if fast is not None and (form is BYTE or form == BYTE) and channels in (1, 3) and uses_fast_paths():
            if draws is None:
                samples = fast(whole, self.arithmetic, **parameters)
            elif isinstance(draws, Stream):
                samples = fast(whole, draws, self.arithmetic, **parameters)
        if samples is None:
            pixels = to_float(whole, corruption.takes, form, self.arithmetic)
            made = self._called(corruption, pixels, draws, form, inputs, parameters)
            result = cast(Warp, made).moved(pixels) if corruption.is_geometric else cast(NDArray[Any], made)
            self._check_size(corruption, result.shape, image.shape)
            samples = quantize(result, corruption.gives, form, self.arithmetic.rounding)
        return rgb_to_luma(samples, form) if widen else samples

    def _called(
        self,
        corruption: Corruption,
        first: NDArray[Any] | Scene,
        draws: Draws | None,
        form: SampleFormat,
        inputs: Inputs,
        parameters: dict[str, Value],
    ) -> Made:
        """Call a corruption with what it takes."""
        arguments: list[Any] = [first] if draws is None else [first, draws]
        for name, is_image in corruption.inputs.items():
            given = inputs[name]
            if is_image:
                image = given[..., None] if given.ndim == 2 else given
                channels = cast(NDArray[Any], first).shape[2]
                arguments.append(
                    to_float(_with_channels(image, channels, name, form), corruption.takes, form, self.arithmetic)
                )
            else:
                arguments.append(np.asarray(given, self.arithmetic.precision))
        return corruption.function(*arguments, **parameters)

    def _of_scene(
        self, corruption: Corruption, picture: NDArray[Any], rng: Draws | Streams, inputs: Inputs
    ) -> NDArray[Any]:
        if picture.dtype != np.uint8:
            raise ImageError(f"{self.row} of {self.sizes.preset} acts before the crop, and on pictures of 8 bits alone")
        self._check_channels(picture.shape[2])
        scene = self.staging.scene(np.ascontiguousarray(picture))
        draws = self._own(rng) if corruption.draws else None
        parameters = self.parameters_for(*self.clean_image(picture).shape[:2]) if self.scaled else self._unscaled
        result = self._called(corruption, scene, draws, BYTE, inputs, parameters)
        made = np.asarray(scene.view(cast(Warp, result).moved(scene.picture)) if corruption.is_geometric else result)
        self.sizes.check(*made.shape[:2])
        return quantize(made, corruption.gives, BYTE, self.arithmetic.rounding)

    def _frames(self, picture: NDArray[np.uint8], rng: Draws | Streams, inputs: Inputs) -> Iterator[NDArray[np.uint8]]:
        """Make the frames of a corruption that yields them, whatever the region."""
        self._check_channels(picture.shape[2])
        corruption = self.corruption
        widen = picture.shape[2] == 1 and corruption is not None and corruption.channels is Channels.COLOUR
        whole = np.ascontiguousarray(grey_to_rgb(picture) if widen else picture)
        image = self.clean_image(whole)
        # What acts on the original is brought to its size frame by frame, and is as square as the picture.
        if self.staging.acts_on != ORIGINAL:
            self.sizes.check(*image.shape[:2])
        if corruption is None:
            return iter([image.copy()])
        takes_scene, draws = corruption.takes_scene, self._own(rng) if corruption.draws else None
        first = self.staging.scene(whole) if takes_scene else to_float(image, corruption.takes, BYTE, self.arithmetic)
        made = self._called(corruption, first, draws, BYTE, inputs, self._unscaled)
        frames = (
            quantize(np.asarray(frame), corruption.gives, BYTE, self.arithmetic.rounding)
            for frame in cast(Iterator[NDArray[Any]], made)
        )
        return (rgb_to_luma(frame, BYTE) for frame in frames) if widen else frames

    def _chained(self, picture: NDArray[Any], rng: Draws | Streams, form: SampleFormat, inputs: Inputs) -> NDArray[Any]:
        """Do one step after the other."""
        first, *others = self.steps
        if self.rounds_steps:
            image = first.apply(picture, rng, form, _chosen(inputs, first))
            for step in others:
                image = step.apply(image, rng, form, _chosen(inputs, step))
            return image
        # What a scene becomes has whole samples; an image is made fractions of its full scale before the first step.
        image = (
            first.apply(picture, rng, form, _chosen(inputs, first)) if first.takes_scene else self.clean_image(picture)
        )
        values = to_float(image, Pixels.UNIT, form, self.arithmetic)
        between = SampleFormat(self.arithmetic.precision, 1, clips=False)
        for step in others if first.takes_scene else self.steps:
            values = step.apply(values, rng, between, _chosen(inputs, step))
        return quantize(values, Pixels.UNIT, form, self.arithmetic.rounding)

    def _own(self, rng: Draws | Streams) -> Draws:
        """Return the draws of this step."""
        return rng.of(self.stream or self.row, self.severity) if isinstance(rng, Streams) else rng

    def _location(self, rng: Draws | Streams) -> Draws:
        """Return the draws of places, which rows and levels may share."""
        if not isinstance(rng, Streams):
            return rng
        shared = self.region is not None and self.region.shared_place
        name, severity = ("", None) if shared else (self.stream or self.row, self.severity)
        return rng.of(name, severity, Purpose.LOCATION)

    def _check_size(self, corruption: Corruption, found: tuple[int, ...], clean: tuple[int, ...]) -> None:
        """Refuse another height or width than that of the image, where it is not declared."""
        if found[:2] != clean[:2] and not corruption.changes_size:
            made, taken = ("×".join(map(str, size[:2])) for size in (found, clean))
            raise DeclarationError(
                f"{corruption.name} has made {made} of an image of {taken}; a corruption that changes the size returns "
                "UnitOfOtherSize"
            )

    def _check_channels(self, channels: int) -> None:
        if channels not in (1, 3):
            raise ImageError(
                f"{self.row} of {self.sizes.preset} is for grey and colour images, found {channels} channels"
            )

    def _check_inputs(self, inputs: Inputs, image: NDArray[Any]) -> None:
        if self._is_clean:
            return  # those of the row's levels, which leave the clean image alone
        wanted = ", ".join(sorted(self.inputs)) or "none"
        for name in inputs:
            if name not in self.inputs:
                raise ArgumentError(
                    f"{self.row} of {self.sizes.preset} takes no input {name!r}; its inputs are: {wanted}"
                )
        for name in sorted(self.inputs):
            given = inputs.get(name)
            if not isinstance(given, np.ndarray):
                raise ArgumentError(
                    f"{self.row} of {self.sizes.preset} needs the input {name!r}; pass inputs={{{name!r}: array}}"
                )
            if given.ndim not in (2, 3) or given.shape[:2] != image.shape[:2]:
                raise ArgumentError(
                    f"the input {name!r} has shape {given.shape}, and the image is {image.shape[0]}×{image.shape[1]}; "
                    "pass an array of the same height and width"
                )

    @property
    def _is_clean(self) -> bool:
        return self.corruption is None and not self.steps

    @cached_property
    def _is_staged(self) -> bool:
        """Whether the table makes images of pictures; asked once, as a small image takes little more time than that."""
        return self.staging.changes

    @cached_property
    def _fast_path(self) -> FastPath | None:
        """The corruption's fast path, if it has one; it returns None where it is none for an image."""
        return None if self.corruption is None else fused_path_of(self.corruption.function)

    @cached_property
    def _unscaled(self) -> dict[str, Value]:
        """The parameters as they are; a call takes a dict in a third of the time that it takes for other mappings."""
        return dict(self.parameters)


def _chosen(inputs: Inputs, step: Cell) -> Inputs:
    """Return those inputs that a step takes."""
    return {name: given for name, given in inputs.items() if name in step.inputs} if inputs else inputs


def _with_channels(image: NDArray[Any], channels: int, name: str, form: SampleFormat) -> NDArray[Any]:
    """Return an input that is an image with as many channels as the image has, grey or colour."""
    found = image.shape[2]
    if found == channels:
        return image
    if {found, channels} != {1, 3}:
        raise ArgumentError(
            f"the input {name!r} has {found} channels, and the image has {channels}; pass as many, or grey for colour"
        )
    return grey_to_rgb(image) if found == 1 else rgb_to_luma(image, form)


def _paste(image: NDArray[Any], changed: NDArray[Any], squares: Sequence[Square]) -> NDArray[Any]:
    """Return an image with squares of another one in it."""
    result = image.copy()
    for square in squares:
        result[square] = changed[square]
    return result


def _scaled(value: Value, factor: float) -> Value:
    if isinstance(value, int):
        return max(1, math.floor(value * factor + 0.5))
    return value * factor if isinstance(value, float) else value
