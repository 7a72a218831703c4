"""The sink of every format."""

from collections.abc import Mapping

from corruptgen.errors import MissingPackage
from corruptgen.recipe.output_section import OutputChoice
from corruptgen.runtime.extras import is_installed, missing
from corruptgen.sinks.arrays import Arrays
from corruptgen.sinks.image_folder import ImageFolder
from corruptgen.sinks.parquet import Parquet
from corruptgen.sinks.protocol import Names, Sink
from corruptgen.sinks.webdataset import WebDataset
from corruptgen.store.output_directory import Folder

# The packages that something in a recipe needs.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "parquet": ("datasets", "pyarrow"),
    "tiff": ("tifffile",),
    "window": ("nibabel", "pydicom", "tifffile"),
}


def sink(choice: OutputChoice, cells: Names, output: Folder, blocks: int) -> Sink:
    """Return the sink of a format.

    Parameters
    ----------
    choice : OutputChoice
        The format and how images are stored.
    cells : Names
        What is written.
    output : Folder
        Where.
    blocks : int
        In how many blocks.
    """
    match choice.format:
        case "parquet":
            return Parquet(output, cells, choice.stored, blocks)
        case "webdataset":
            return WebDataset(output, cells, choice.stored, escape=choice.escape_names)
        case "npy" | "npz":
            return Arrays(output, cells, zipped=choice.format == "npz")
    return ImageFolder(output, cells, choice.stored, choice.escape_names)


def check_installed(choice: OutputChoice, *, windowed: bool = False) -> None:
    """Raise `MissingPackage` if the output, or a window in [decode], needs a package that is not installed."""
    needs = {
        f"[output] format = {choice.format!r}": choice.format,
        f"[output] encoding = {choice.encoding!r}": "" if choice.is_array else choice.encoding,
        "[decode] window": "window" if windowed else "",
    }
    for place, key in needs.items():
        absent = [package for package in NEEDED.get(key, ()) if not is_installed(package)]
        if absent:
            raise MissingPackage(missing(place, absent))


def reserved_rows(choice: OutputChoice) -> frozenset[str]:
    """Name what lies in an output beside the rows, so that no row can be called so."""
    names = {"clean", "items", "manifest.json"}
    return frozenset(names | {"labels"} if choice.format == "npy" else names)
