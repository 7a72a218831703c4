"""A recipe states what dataset to make: read from TOML, checked key by key, with no code in it."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corruptgen.codecs.geometry import INTERPOLATIONS, ORDERS
from corruptgen.codecs.windowing import WINDOWS
from corruptgen.errors import DeclarationError, RecipeError, UnknownName, describe_error, unknown
from corruptgen.recipe.checks import Check
from corruptgen.recipe.checks import one_of as _one_of
from corruptgen.recipe.checks import whole as _whole
from corruptgen.recipe.corrupt_section import KEYS as CORRUPT_KEYS
from corruptgen.recipe.corrupt_section import CorruptChoice
from corruptgen.recipe.declarations import KINDS
from corruptgen.recipe.output_section import KEYS as OUTPUT_KEYS
from corruptgen.recipe.output_section import OutputChoice, keys_of
from corruptgen.recipe.output_section import read_output_section as chosen_output
from corruptgen.recipe.overrides import Overrides, apply_overrides
from corruptgen.recipe.publish_section import KEYS as PUBLISH_KEYS
from corruptgen.recipe.publish_section import PublishChoice
from corruptgen.recipe.source_section import SourceChoice
from corruptgen.recipe.source_section import read_source_section as chosen_source
from corruptgen.records import COLOURS, DEFAULT_TOLERATE, TOLERATED, Decoding
from corruptgen.store.names import on_disk
from corruptgen.values.addresses import local_path
from corruptgen.values.arguments import WHOLE_RANGE
from corruptgen.values.toml_text import parse_toml, toml_files

SOURCE = "source"
LONGEST_SIDE = 20_000  # pixels, of what a recipe may ask for
LONGEST_NAME = 100
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


@dataclass(frozen=True)
class Recipe:
    """What dataset to make."""

    name: str
    version: str
    source: SourceChoice
    corrupt: CorruptChoice
    seed: int = 0
    decode: Decoding = field(default_factory=Decoding)
    output: OutputChoice = field(default_factory=OutputChoice)
    publish: PublishChoice = field(default_factory=PublishChoice)
    folder: Path | None = field(default=None, compare=False)
    """Where the recipe's file is, which paths in it are relative to; None: to the current directory."""

    def content(self) -> dict[str, Any]:
        """Return the recipe in plain values, defaults spelled out, without local paths; `read_recipe` restores it."""
        decode = self.decode
        colour = {"colour": decode.colour, "window": decode.window}
        geometry = {"resize": decode.resize, "crop": decode.crop, "order": decode.order}
        return {
            "name": self.name,
            "version": self.version,
            "seed": self.seed,
            "source": self.source.content(),
            "decode": _given(colour | geometry)
            | {"interpolation": decode.interpolation, "exif": decode.exif, "tolerate": list(decode.tolerate)},
            "corrupt": self.corrupt.content(),
            "output": self.output.content(),
            **({"publish": self.publish.content()} if self.publish.content() else {}),
        }

    def path(self, written: str) -> Path:
        """Return what a path in the recipe means: `~` is expanded, all else is relative to the recipe."""
        return (self.folder or Path()) / on_disk(os.fspath(local_path(written, "a path of the recipe", RecipeError)))

    def elsewhere(self, written: str) -> str:
        """Word a hint if a path of the recipe that does not exist does so in the current directory."""
        here = Path(on_disk(os.fspath(local_path(written, "a path of the recipe", RecipeError))))
        if self.path(written).exists() or not here.exists():
            return ""
        right = os.path.relpath(written, self.folder or Path()).replace(os.sep, "/")
        return f"; there is one in the current directory, which is not where paths of a recipe begin: write {right!r}"


def load(recipe: str | Path, overrides: Overrides = MappingProxyType({})) -> Recipe:
    """Read a recipe from a .toml file, or a shipped one by its name.

    Parameters
    ----------
    recipe : str or Path
        The path of a .toml file, or the name of a shipped recipe.
    overrides : Overrides
        Values in place of those in the file, by their place, such as {"corrupt.rows": ["fog"], "seed": 7}.

    Raises
    ------
    RecipeError
        If there is no such recipe, or it cannot be read; the message states where and what is allowed.
    """
    path = Path(recipe)
    shipped = _shipped()
    if str(recipe) in shipped:
        place, folder, raw = f"{recipe}.toml", None, shipped[str(recipe)].read_bytes()
    elif path.suffix == ".toml":
        path = local_path(path, "the recipe", RecipeError)
        place, folder = path.name, path.parent
        try:
            raw = path.read_bytes()
        except OSError as error:
            reason = describe_error(error)
            raise RecipeError(f"{recipe}: cannot read this recipe: {reason}") from error
    else:
        raise RecipeError(unknown("recipe", str(recipe), shipped) + "; a recipe of your own is named by its .toml path")
    try:
        content = parse_toml(raw)
    except ValueError as error:
        raise RecipeError(f"{place}: {error}") from error
    return read_recipe(apply_overrides(content, overrides, place), place, folder)


def shipped_text(name: str) -> str:
    """Read the text of a shipped recipe, comments included.

    Raises
    ------
    RecipeError
        If there is no such recipe.
    """
    shipped = _shipped()
    if name not in shipped:
        raise RecipeError(unknown("recipe", name, shipped))
    return shipped[name].read_text("utf-8")


def shipped_names() -> list[str]:
    """List the recipes that travel with the package."""
    return sorted(_shipped())


def read_recipe(content: Mapping[str, Any], place: str, folder: Path | None = None) -> Recipe:
    """Make a recipe of the plain values of its TOML.

    Parameters
    ----------
    content : mapping of str to object
        The parsed file, or what `Recipe.content` gave.
    place : str
        What to call it in messages.
    folder : Path or None
        Where relative paths in it start.
    """
    top = {key: value for key, value in content.items() if key not in (*SECTIONS, SOURCE)}
    source = chosen_source(content.get(SOURCE, {}), f"{place} [{SOURCE}]")
    sections = {**SECTIONS, "output": keys_of(content.get("output", {}), f"{place} [output]")}
    parts = {name: _checked(content.get(name, {}), keys, f"{place} [{name}]") for name, keys in sections.items()}
    output = chosen_output(parts["output"], f"{place} [output]")
    if "preset" not in parts["corrupt"]:
        raise RecipeError(f"{place} [corrupt]: the key 'preset' is missing")
    header = _checked(top, TOP, place, sections={**SECTIONS, SOURCE: {}})
    for key in ("name", "version"):
        if key not in header:
            raise RecipeError(f"{place}: the key {key!r} is missing; write it above the first [section]")
    return Recipe(
        **header,
        source=source,
        decode=Decoding(**parts["decode"], floats=output.dtype == "float32", clips=output.clip),
        corrupt=CorruptChoice(**parts["corrupt"]),
        output=output,
        publish=PublishChoice(**parts["publish"]),
        folder=folder,
    )


def current_form(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a recipe with those keys that earlier versions did not write."""
    source, decode = content.get(SOURCE, {}), content.get("decode", {})
    try:
        holds_files = KINDS.find(str(source.get("kind"))).holds_files
    except (UnknownName, DeclarationError):
        # It is no kind of source, or one that is not installed, which those who read the recipe name.
        holds_files = False
    is_kept = not holds_files or "window" in decode
    added = {"colour": "keep" if is_kept else "rgb", "tolerate": list(DEFAULT_TOLERATE)}
    return {**content, "decode": added | decode}


def _checked(
    content: Any, keys: Mapping[str, Check], place: str, sections: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Compare every key of a section with what it may be."""
    if not isinstance(content, Mapping):
        raise RecipeError(f"{place}: found {content!r}, allowed is a section of keys")
    for key in content:
        if key not in keys:
            raise RecipeError(f"{place} {key}: " + unknown("key", key, {*keys, *(sections or {})}))
    checked = {}
    for key, value in content.items():
        try:
            checked[key] = keys[key](value)
        except DeclarationError as error:
            raise RecipeError(f"{place} {key}: {error}") from error
        except ValueError as error:
            raise RecipeError(f"{place} {key}: found {value!r}, allowed is {error}") from None
    return checked


def _name(value: Any) -> str:
    if not (isinstance(value, str) and NAME.fullmatch(value) and len(value) <= LONGEST_NAME):
        raise ValueError(f"a text of letters, digits, '.', '-' and '_', not longer than {LONGEST_NAME}")
    return value


def _version(value: Any) -> str:
    if not (isinstance(value, str) and VERSION.fullmatch(value) and len(value) <= LONGEST_NAME):
        raise ValueError('a version of three numbers, such as "1.0.0"')
    return value


_side = _whole(1, LONGEST_SIDE)


def _extent(value: Any) -> int | tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        return _side(value[0]), _side(value[1])
    if isinstance(value, list):
        raise ValueError("a number of pixels, or [height, width]")
    return int(_side(value))


def _crop(value: Any) -> int | float | tuple[int, int]:
    if isinstance(value, float):
        if not 0 < value <= 1:
            raise ValueError("a number of pixels, [height, width], or a fraction above 0 and up to 1.0")
        return value
    return _extent(value)


def _window(value: Any) -> tuple[float, float] | str:
    if isinstance(value, str) and value in WINDOWS:
        return value
    ends = value if isinstance(value, list) and len(value) == 2 else []
    if not ends or not all(type(end) in (int, float) and math.isfinite(end) for end in ends) or ends[0] >= ends[1]:
        words = ", ".join(f'"{word}"' for word in WINDOWS)
        raise ValueError(f"[low, high] in the units of the files, black and white, or one of {words}")
    return float(ends[0]), float(ends[1])


def _tolerate(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(kind in TOLERATED for kind in value):
        raise ValueError(f"a list of {', '.join(TOLERATED)}, or of none of them")
    return tuple(sorted(set(value)))


def _seed(value: Any) -> int:
    if type(value) is not int or not -WHOLE_RANGE < value < WHOLE_RANGE:
        raise ValueError("a whole number of at most 128 bits")
    return value


TOP: Mapping[str, Check] = {"name": _name, "version": _version, "seed": _seed}
SECTIONS: Mapping[str, Mapping[str, Check]] = {
    "decode": {
        "resize": _extent,
        "crop": _crop,
        "order": _one_of(*ORDERS),
        "interpolation": _one_of(*INTERPOLATIONS),
        "exif": _one_of("apply", "ignore"),
        "window": _window,
        "colour": _one_of(*COLOURS),
        "tolerate": _tolerate,
    },
    "corrupt": CORRUPT_KEYS,
    "output": OUTPUT_KEYS,
    "publish": PUBLISH_KEYS,
}


def _shipped() -> dict[str, Traversable]:
    """Find the shipped recipes: inside of the installed package, or beside it in a checkout."""
    package = resources.files("corruptgen")
    for folder in (package / "recipes", Path(str(package)).parent / "recipes"):
        if folder.is_dir():
            return toml_files(folder)
    return {}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items() if v is not None}
