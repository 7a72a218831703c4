"""The [output] section of a recipe: how the output is laid out and stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corruptgen.errors import RecipeError
from corruptgen.records import Encoding

FORMATS = ("folder", "parquet", "npy", "npz", "webdataset")
# Their images are stored as pixels.
ARRAYS = ("npy", "npz")
ITEMS_PER_SHARD, MOST_ITEMS_PER_SHARD = 250, 100_000


@dataclass(frozen=True)
class OutputChoice:
    """How the output is laid out and stored."""

    format: str = "folder"
    encoding: str = "png"
    quality: int = 85
    compression: str = "fast"
    clean: bool = False
    escape_names: str = ""
    """How names of items are written that some system or loader does not take: "" as they are, "names" with percent
    escapes, "twins" also with a digest behind those with capitals, where names differ in case or accents alone."""
    items_per_shard: int = ITEMS_PER_SHARD
    """Items of one block, which is one file in every cell; of the format "folder" at most this number."""

    @property
    def stored(self) -> Encoding:
        """How each image is stored."""
        return Encoding(self.encoding, self.quality, self.compression)

    @property
    def is_array(self) -> bool:
        """Whether images are stored as pixels, so that `encoding` does not apply."""
        return self.format in ARRAYS

    @property
    def has_names(self) -> bool:
        """Whether files, or members of shards, are called like items."""
        return self.format in ("folder", "webdataset")

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
        """Return the section in plain values; `read_output_section` restores it."""
        encoding = {} if self.is_array else {"encoding": self.encoding}
        compression = {"compression": self.compression} if self.is_compressed else {}
        quality = {"quality": self.quality} if self.encoding == "jpeg" else {}
        shards = {"items_per_shard": self.items_per_shard}
        counted = shards if self.format != "folder" or self.items_per_shard != ITEMS_PER_SHARD else {}
        escaped = {"escape_names": self.escape_names} if self.escape_names else {}
        return {"format": self.format} | encoding | compression | {"clean": self.clean} | quality | counted | escaped


def read_output_section(content: Mapping[str, Any], place: str) -> OutputChoice:
    """Make the choice of the checked keys of a recipe's section.

    Raises
    ------
    RecipeError
        If they do not go together.
    """
    output = OutputChoice(**content)
    for key in ("encoding", "quality", "compression"):
        if key in content and output.is_array:
            raise RecipeError(f"{place} {key}: not for format = {output.format!r}, which stores pixels; leave it out")
    if output.escape_names and not output.has_names:
        raise RecipeError(
            f"{place} escape_names: not for format = {output.format!r}, which has no files called like items"
        )
    if "quality" in content and output.encoding != "jpeg":
        raise RecipeError(f'{place} quality: only for encoding = "jpeg"; the others lose nothing')
    if "compression" in content and output.encoding != "png":
        raise RecipeError(f'{place} compression: only for encoding = "png"')
    return output
