"""Declare a corruption with one bare decorator and read off the function what is known about it."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import DeclarationError

__all__ = [
    "Bytes",
    "BytesColour",
    "BytesPicture",
    "Corruption",
    "Levels",
    "LevelsColour",
    "LevelsPicture",
    "Plane",
    "Scene",
    "Unit",
    "UnitColour",
    "UnitOfOtherSize",
    "UnitPicture",
    "Warp",
    "corruption",
    "fused",
]


class Pixels(Enum):
    """The unit in which a corruption takes or returns its samples."""

    UNIT = "float, full scale is 1; the result may leave [0, 1]"
    LEVELS = "float, full scale is 255; the result may leave [0, 255]"
    BYTES = "uint8"


class Channels(Enum):
    """The channels that a corruption makes sense for."""

    ANY = "any number of channels, grey included"
    PICTURE = "one channel or three"
    COLOUR = "three channels only; the caller widens a grey image and takes the luma of the result"


class Warp(Protocol):
    """What a corruption returns that moves pixels: the caller applies it to the image, and to masks and boxes as well.

    Positions are (row, column) from the centre of the first pixel, along the last axis.
    """

    def moved(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return the moved image of an (H, W, C) one."""

    def origins(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where in the image that is taken from which is seen at `positions` afterwards.

        That may be outside of the image: it is continued by its mirror image there, unless the warp has an attribute
        `outside`, the label of what is there: 0 of nothing.
        """

    def arrivals(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where that is seen afterwards which is at `positions`, N of them, in the image."""


@dataclass(frozen=True)
class Scene:
    """A picture before it is cropped, for corruptions at whose border real content enters."""

    picture: NDArray[np.uint8]
    """(H, W, C)."""
    view: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
    """Makes the image of such a picture: resizes and crops it."""


# What a corruption writes in its signature. The caller converts, clips and rounds: once, in one place.
Unit = Annotated[NDArray[np.floating[Any]], Pixels.UNIT, Channels.ANY]
UnitColour = Annotated[NDArray[np.floating[Any]], Pixels.UNIT, Channels.COLOUR]
Levels = Annotated[NDArray[np.floating[Any]], Pixels.LEVELS, Channels.ANY]
LevelsColour = Annotated[NDArray[np.floating[Any]], Pixels.LEVELS, Channels.COLOUR]
Bytes = Annotated[NDArray[np.uint8], Pixels.BYTES, Channels.ANY]
BytesColour = Annotated[NDArray[np.uint8], Pixels.BYTES, Channels.COLOUR]
UnitPicture = Annotated[NDArray[np.floating[Any]], Pixels.UNIT, Channels.PICTURE]
LevelsPicture = Annotated[NDArray[np.floating[Any]], Pixels.LEVELS, Channels.PICTURE]
BytesPicture = Annotated[NDArray[np.uint8], Pixels.BYTES, Channels.PICTURE]
# What one returns whose images have another height or width than those that it takes; masks and boxes do not follow.
OTHER_SIZE = "another height or width"
UnitOfOtherSize = Annotated[NDArray[np.floating[Any]], Pixels.UNIT, Channels.ANY, OTHER_SIZE]
# An array of numbers beside the image, such as a map of distances: (H, W) or (H, W, C), its values as they are.
Plane = Annotated[NDArray[np.floating[Any]], "a plane of numbers"]
# What one returns that makes a sequence of frames, one after the other.
UnitFrames = Annotated[Iterator[NDArray[Any]], Pixels.UNIT, Channels.ANY]
UnitColourFrames = Annotated[Iterator[NDArray[Any]], Pixels.UNIT, Channels.COLOUR]
ByteFrames = Annotated[Iterator[NDArray[np.uint8]], Pixels.BYTES, Channels.ANY]

# What the option -OO of Python is, in numbers.
WITHOUT_DOCSTRINGS = 2
PARAMETER_TYPES = (float, int, bool, str)
# Words that mean something else in a severity table.
RESERVED = frozenset(
    {
        "use",
        "levels",
        "interpolation",
        "at_zero",
        "precision",
        "rounding",
        "scaled",
        "non_monotone_levels",
        "requires_rgb",
        "stored_grey",
        "augment",
        "acts_on",
        "view",
        "region",
        "steps",
        "rounded_steps",
    }
)
# What tables of 0.1.0 call four of them.
EARLIER = frozenset({"between", "clean", "not_worse", "in_colour"})

Made = NDArray[Any] | Warp | Iterator[NDArray[Any]]
"""What a corruption returns: an image, what moves it, or frames."""
F = TypeVar("F", bound=Callable[..., Made])
FastPath = Callable[..., NDArray[np.uint8] | None]
Fused = TypeVar("Fused", bound=FastPath)


@dataclass(frozen=True)
class Corruption:
    """A declared corruption: the function and what its text and place state about it."""

    name: str
    domain: str
    family: str
    function: Callable[..., Made]
    parameters: Mapping[str, type]
    draws: bool
    takes: Pixels
    gives: Pixels
    channels: Channels
    is_geometric: bool
    """Whether it moves pixels and leaves their values alone: it returns a `Warp`."""
    is_sequence: bool
    """Whether it returns frames, one after the other."""
    takes_scene: bool
    """Whether it takes the picture before the crop."""
    inputs: Mapping[str, bool]
    """What it takes beside the image, and whether that is an image as well instead of a plane of numbers."""
    docstring: str
    changes_size: bool = False
    """Whether its images have another height or width than those that it takes."""

    @property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return self.docstring.split("\n", 1)[0]


def corruption(function: F) -> F:
    """Declare `function` as a corruption.

    The function looks like ``def name(image: Unit[, rng: Draws], *, parameter: float, ...) -> Unit``:
    `image` is (H, W, C) of the annotated pixel type, `rng` exists only if something is drawn, and parameters are
    keyword-only, annotated and without defaults. Name, domain (folder), family (module), pixel types and docstring are
    read off it; nothing is typed twice. A corruption that moves pixels returns a `Warp` instead of an image; one that
    makes a sequence yields frames. Its first argument may be `scene: Scene`, the picture before the crop, which is what
    a `Warp` that it returns moves then. Arguments behind these are inputs by name: ``depth: Plane`` is an array of
    numbers, (H, W) or (H, W, C), and ``donor: Unit`` (annotated as `image` is) another image of the same shape. One
    whose images have another height or width than `image` returns `UnitOfOtherSize`.

    Raises
    ------
    DeclarationError
        If the function does not look like that; the message states what to write.
    """
    function.declaration = _read(function)  # type: ignore[attr-defined]  # functions carry their declarations
    return function


def fused(plain: Callable[..., Any]) -> Callable[[Fused], Fused]:
    """Declare the decorated function as the fast path of the corruption `plain`: same pixels, in fewer passes.

    It takes the stored samples of an 8-bit image, the draws (our own `Stream`, if `plain` draws), the table's
    `Arithmetic` and the parameters of `plain`, and returns the stored samples of the result. If it has no faster way
    for these parameters or this size it returns None, before it has drawn anything, and `plain` is taken.
    """

    def noted(function: Fused) -> Fused:
        plain.fused = function  # type: ignore[attr-defined]  # as above
        return function

    return noted


def fused_path_of(function: Callable[..., Any]) -> FastPath | None:
    """Return the fast path that was declared for a corruption, if there is one."""
    return getattr(function, "fused", None)


def declaration_of(thing: object) -> Corruption | None:
    """Return what `@corruption` noted on `thing`, or None if `thing` was never declared."""
    found = getattr(thing, "declaration", None)
    return found if isinstance(found, Corruption) else None


def _read(function: Callable[..., Made]) -> Corruption:
    name = function.__name__
    place = f"{function.__module__}.{name}"
    docstring = _docstring(function)
    if not docstring:
        raise DeclarationError(f"{place} has no docstring; write one sentence that says what it does to the image")

    hints = get_type_hints(function, include_extras=True)
    arguments = list(inspect.signature(function).parameters.values())
    positional = [a.name for a in arguments if a.kind is not inspect.Parameter.KEYWORD_ONLY]
    draws = positional[1:2] == ["rng"]
    if positional[:1] not in (["image"], ["scene"]) or "rng" in positional[2:]:
        raise DeclarationError(
            f"{place} takes {positional}; write (image, *, ...) or, if it draws, (image, rng, *, ...)"
        )

    is_geometric, is_sequence = hints.get("return") is Warp, get_origin(_bare(hints.get("return"))) is Iterator
    takes_scene = positional[0] == "scene"
    if takes_scene and hints.get("scene") is not Scene:
        raise DeclarationError(f"{place} takes a scene; write (scene: Scene, *, ...) -> Bytes, ByteFrames or Warp")
    takes, channels = (Pixels.BYTES, Channels.ANY) if takes_scene else _pixels(hints.get("image"), place, "image")
    inputs = tuple(positional[1 + draws :])
    for given in inputs:
        if hints.get(given) != Plane and hints.get(given) != hints.get("image"):
            raise DeclarationError(
                f"{place}: annotate the input {given!r} as Plane, or, if it is a second image, as the first one is"
            )
    gives = takes if is_geometric else _pixels(hints.get("return"), place, "return")[0]
    parameters: dict[str, type] = {}
    for argument in arguments[len(positional) :]:
        hint = hints.get(argument.name)
        if hint not in PARAMETER_TYPES or argument.default is not inspect.Parameter.empty:
            raise DeclarationError(
                f"{place}: parameter {argument.name!r} must be annotated float, int, bool or str and have no default; "
                "its values live in the severity tables"
            )
        if argument.name in RESERVED | EARLIER:
            raise DeclarationError(f"{place}: {argument.name!r} is a word of the severity tables; rename the parameter")
        parameters[argument.name] = hint

    *_, domain, family = ["", *function.__module__.split(".")]
    return Corruption(
        name=name,
        domain=domain,
        family=family,
        function=function,
        parameters=MappingProxyType(parameters),
        draws=draws,
        takes=takes,
        gives=gives,
        channels=channels,
        is_geometric=is_geometric,
        is_sequence=is_sequence,
        takes_scene=takes_scene,
        inputs=MappingProxyType({given: hints[given] != Plane for given in inputs}),
        docstring=docstring,
        changes_size=OTHER_SIZE in getattr(hints.get("return"), "__metadata__", ()),
    )


def _docstring(function: Callable[..., Any]) -> str:
    """Read the docstring of a function, from its source if Python has left it out of the code."""
    if sys.flags.optimize < WITHOUT_DOCSTRINGS:
        return inspect.getdoc(function) or ""
    return docstring_in_source(function)


def docstring_in_source(function: Callable[..., Any]) -> str:
    """Read the docstring of a function from the file that it was written in."""
    try:
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, ValueError) as error:
        place = f"{function.__module__}.{function.__name__}"
        raise DeclarationError(f"{place}: python -OO needs the source, where the docstring is, and has none") from error
    return ast.get_docstring(tree) or "" if isinstance(tree, ast.FunctionDef) else ""


def _bare(hint: Any) -> Any:
    """Return a type without its annotations."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _pixels(hint: Any, place: str, name: str) -> tuple[Pixels, Channels]:
    match getattr(hint, "__metadata__", ()):
        case (Pixels() as pixels, Channels() as channels, *_):
            return pixels, channels
    raise DeclarationError(f"{place}: annotate {name!r} as Unit, Levels or Bytes (or UnitColour, ... for colour only)")
