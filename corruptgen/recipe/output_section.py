"""The [output] section of a recipe: how the output is laid out and stored."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from corruptgen.codecs.png import COMPRESSIONS
from corruptgen.codecs.video import LOSSLESS, SETTINGS
from corruptgen.errors import DeclarationError, RecipeError
from corruptgen.recipe.checks import Check, name_in, one_of, truth, whole
from corruptgen.recipe.declarations import FORMATS, Format, recorded
from corruptgen.records import Encoding
from corruptgen.store.names import ESCAPES

ITEMS_PER_SHARD, MOST_ITEMS_PER_SHARD = 250, 100_000


@dataclass(frozen=True)
class OutputChoice:
    """How the output is laid out and stored."""

    format: str = "folder"
    encoding: str = "png"
    quality: int = 85
    compression: str = "fast"
    video: str = LOSSLESS
    clean: bool = False
    pairs: bool = False
    """Whether clean images lie beside corrupted ones, under the same names."""
    dtype: str = ""
    """"float32": samples are stored as floats from 0, black, to 1, white; empty: with the depth of the clean images."""
    clip: bool = True
    """Whether floats beyond 0 and 1 become these."""
    escape_names: str = ""
    """How names of items are written that some system or loader does not take: "" as they are, "names" with percent
    escapes, "twins" also with a digest behind those with capitals, where names differ in case or accents alone."""
    items_per_shard: int = ITEMS_PER_SHARD
    """Items of one block, which is one file in every cell; of the format "folder" at most this number."""
    options: tuple[tuple[str, Any], ...] = ()
    """The format's own keys and their values."""

    @property
    def declared(self) -> Format:
        """What the format declares about itself; raise `UnknownName` or `DeclarationError` if it is not installed."""
        return FORMATS.find(self.format)

    def get(self, key: str) -> Any:
        """Return the value of one of the format's own keys; None if it was not written."""
        return dict(self.options).get(key)

    @property
    def stored(self) -> Encoding:
        """How each image is stored."""
        return Encoding(self.encoding, self.quality, self.compression, self.video if self.encoding == "video" else "")

    @property
    def is_array(self) -> bool:
        """Whether images are stored as pixels, so that `encoding` does not apply."""
        return self.declared.stores_pixels

    @property
    def has_names(self) -> bool:
        """Whether files, or members of shards, are called like items."""
        return self.declared.has_names

    @property
    def is_compressed(self) -> bool:
        """Whether images are stored as PNG, so that `compression` applies."""
        return self.encoding == "png" and not self.is_array

    @property
    def is_lossless(self) -> bool:
        """Whether the pixels can be read back."""
        return self.is_array or self.stored.is_lossless

    def check_depth(self, dtype: str, place: str) -> None:
        """Raise `RecipeError` if images with samples of this type cannot be stored so."""
        if not self.is_array and dtype not in self.stored.dtypes:
            raise RecipeError(
                f"{place} encoding: {self.encoding!r} holds samples of {' and '.join(self.stored.dtypes)}, and the "
                f'images have {dtype}; write encoding = "tiff", or format = "npy" or "npz"'
            )

    def content(self) -> dict[str, Any]:
        """Return the section in plain values; `read_output_section` reads it again."""
        encoding = {} if self.is_array else {"encoding": self.encoding}
        compression = {"compression": self.compression} if self.is_compressed else {}
        video = {"video": self.video} if self.encoding == "video" else {}
        quality = {"quality": self.quality} if self.encoding == "jpeg" else {}
        shards = {"items_per_shard": self.items_per_shard}
        is_usual = self.declared.has_file_per_item and self.items_per_shard == ITEMS_PER_SHARD
        counted = {} if is_usual else shards
        floats = {"dtype": self.dtype} if self.dtype else {}
        unclipped = {} if self.clip else {"clip": False}
        pairs = {"pairs": True} if self.pairs else {}
        escaped = {"escape_names": self.escape_names} if self.escape_names else {}
        encoding |= compression | video
        plain = {"format": self.format} | encoding | {"clean": self.clean} | quality | counted | escaped
        return plain | pairs | floats | unclipped | recorded(self.options, self.declared.keys)


def _escape(value: Any) -> str:
    found = {True: ESCAPES[1], False: ESCAPES[0]}.get(value, value) if isinstance(value, bool) else value
    if found not in ESCAPES:
        raise ValueError("true or false")
    return str(found)


KEYS: Mapping[str, Check] = {
    "format": name_in(FORMATS),
    "encoding": one_of("png", "jpeg", "tiff", "npy", "video"),
    "quality": whole(1, 100),
    "compression": one_of(*COMPRESSIONS),
    "video": one_of(*SETTINGS),
    "clean": truth,
    "pairs": truth,
    "dtype": one_of("float32"),
    "clip": truth,
    "escape_names": _escape,
    "items_per_shard": whole(1, MOST_ITEMS_PER_SHARD),
}


def keys_of(content: Any, place: str) -> Mapping[str, Check]:
    """Return the keys that a section may have, which its format decides about; raise `RecipeError` if it is none."""
    if not isinstance(content, Mapping) or "format" not in content:
        return KEYS
    form = content["format"]
    try:
        own = FORMATS.find(KEYS["format"](form)).keys
    except DeclarationError as error:
        raise RecipeError(f"{place} format: {error}") from error
    except ValueError as error:
        raise RecipeError(f"{place} format: found {form!r}, allowed is {error}") from None
    return {**{key: declared.check for key, declared in own.items()}, **KEYS}


def read_output_section(content: Mapping[str, Any], place: str) -> OutputChoice:
    """Make the choice of the checked keys of a recipe's section.

    Raises
    ------
    RecipeError
        If they do not go together.
    """
    common = {field.name for field in fields(OutputChoice)} - {"options"}
    options = tuple(sorted((key, value) for key, value in content.items() if key not in common))
    output = OutputChoice(**{key: value for key, value in content.items() if key in common}, options=options)
    for key in ("encoding", "quality", "compression", "video"):
        if key in content and output.is_array:
            raise RecipeError(f"{place} {key}: not for format = {output.format!r}, which stores pixels; leave it out")
    if output.pairs:
        output = _with_pairs(output, content, place)
    if output.encoding == "npy" and not output.declared.holds_arrays:
        raise RecipeError(f'{place} encoding: {output.format!r} holds images, which "npy" are not; take another one')
    if not output.clip and not output.dtype:
        raise RecipeError(f'{place} clip: false is for dtype = "float32"; whole numbers are clipped')
    if output.escape_names and not output.has_names:
        raise RecipeError(
            f"{place} escape_names: not for format = {output.format!r}, which has no files called like items"
        )
    if "quality" in content and output.encoding != "jpeg":
        raise RecipeError(f'{place} quality: only for encoding = "jpeg"; the others lose nothing')
    if "video" in content and output.encoding != "video":
        raise RecipeError(f'{place} video: only for encoding = "video"')
    if output.encoding == "video" and not output.is_array and not output.declared.holds_videos:
        raise RecipeError(f'{place} encoding: "video" is for format = "folder"; {output.format!r} holds single frames')
    if "compression" in content and output.encoding != "png":
        raise RecipeError(f'{place} compression: only for encoding = "png"')
    return output


def _with_pairs(output: OutputChoice, content: Mapping[str, Any], place: str) -> OutputChoice:
    """Return the choice of pairs, of which the clean twin is a part where it lies in a folder of its own."""
    if output.is_array:
        raise RecipeError(
            f"{place} pairs: format = {output.format!r} has an array for each row; write clean = true, and image n of "
            "the clean array is the clean one of image n"
        )
    if not output.declared.holds_pairs:
        raise RecipeError(f"{place} pairs: format = {output.format!r} does not hold pairs; take another one")
    if not output.declared.has_file_per_item:
        return output
    if content.get("clean") is False:
        raise RecipeError(f"{place} clean: false, and pairs = true has a folder of clean images; leave one of them out")
    return replace(output, clean=True)
