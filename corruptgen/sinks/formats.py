"""The sink of every format."""

from collections.abc import Mapping
from importlib.util import find_spec

from corruptgen.errors import RecipeError
from corruptgen.output_choice import OutputChoice
from corruptgen.sinks.arrays import Arrays
from corruptgen.sinks.folder import Folder
from corruptgen.sinks.image_folder import ImageFolder
from corruptgen.sinks.parquet import Parquet
from corruptgen.sinks.protocol import Names, Sink
from corruptgen.sinks.webdataset import WebDataset

# The extra that something in a recipe needs, and the packages in it.
EXTRAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "parquet": ("hub", ("datasets", "pyarrow")),
    "tiff": ("medical", ("tifffile",)),
    "window": ("medical", ("nibabel", "pydicom", "tifffile")),
}


def sink(choice: OutputChoice, cells: Names, output: Folder, blocks: int) -> Sink:
    """Give the sink of a format.

    Parameters
    ----------
    choice : the format and how images are stored
    cells : what is written
    output : where
    blocks : in how many blocks
    """
    match choice.format:
        case "parquet":
            return Parquet(output, cells, choice.stored, blocks)
        case "webdataset":
            return WebDataset(output, cells, choice.stored)
        case "npy" | "npz":
            return Arrays(output, cells, zipped=choice.format == "npz")
    return ImageFolder(output, cells, choice.stored)


def check_installed(choice: OutputChoice, *, windowed: bool = False) -> None:
    """Raise `RecipeError` if the output, or a window in [decode], needs a package that is not there."""
    needs = {
        f"[output] format = {choice.format!r}": choice.format,
        f"[output] encoding = {choice.encoding!r}": "" if choice.is_array else choice.encoding,
        "[decode] window": "window" if windowed else "",
    }
    for place, key in needs.items():
        extra, packages = EXTRAS.get(key, ("", ()))
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            raise RecipeError(
                f"{place} needs {' and '.join(missing)}; install them with pip install 'corruptgen[{extra}]'"
            )


def reserved_rows(choice: OutputChoice) -> frozenset[str]:
    """Name what lies in an output beside the rows, so that no row can be called so."""
    names = {"clean", "items", "manifest.json"}
    return frozenset(names | {"labels"} if choice.format == "npy" else names)
