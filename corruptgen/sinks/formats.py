"""The sink of a recipe's format, and what has to be installed and kept free for it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from corruptgen.errors import MissingPackage
from corruptgen.recipe.output_section import OutputChoice
from corruptgen.runtime.extras import is_installed, missing
from corruptgen.sinks.protocol import Names, Sink
from corruptgen.store.output_directory import OutputDirectory

# The packages that encodings need, and windows of [decode].
NEEDED: Mapping[str, tuple[str, ...]] = {
    "tiff": ("tifffile",),
    "video": ("av",),
    "window": ("nibabel", "pydicom", "tifffile"),
}


def sink(
    choice: OutputChoice, cells: Names, output: OutputDirectory, blocks: int, frames: tuple[int, ...] = ()
) -> Sink:
    """Return the sink of a format.

    Parameters
    ----------
    choice : OutputChoice
        The format and how images are stored.
    cells : Names
        What is written.
    output : OutputDirectory
        Where.
    blocks : int
        In how many blocks.
    frames : tuple of int, default ()
        The number of frames in each cell, 0 for one image; empty: no cell holds sequences.
    """
    found: Any = choice.declared.sink(choice, cells, output, blocks)
    layout: Sink = replace(found, frames=frames) if any(frames) else found
    return layout


def check_installed(choice: OutputChoice, *, windowed: bool = False) -> None:
    """Raise `MissingPackage` if the output, or a window in [decode], needs a package that is not installed."""
    needs = {
        f"[output] format = {choice.format!r}": choice.declared.needs,
        f"[output] encoding = {choice.encoding!r}": () if choice.is_array else NEEDED.get(choice.encoding, ()),
        "[decode] window": NEEDED["window"] if windowed else (),
    }
    for place, packages in needs.items():
        absent = [package for package in packages if not is_installed(package)]
        if absent:
            raise MissingPackage(missing(place, absent))


def reserved_rows(choice: OutputChoice) -> frozenset[str]:
    """Name what lies in an output beside the rows, so that no row can be called so."""
    return frozenset({"clean", "items", "manifest.json", *choice.declared.reserved})
