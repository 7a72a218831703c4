"""Sequences in a build: how many frames each cell has, and what a recipe that makes them may not ask for."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from corruptgen.errors import RecipeError
from corruptgen.recipe.declarations import FORMATS
from corruptgen.recipe.recipe import Recipe
from corruptgen.store.output_directory import cell_folder
from corruptgen.tables.sequences import frame_count, states_frames
from corruptgen.tables.table import Preset

Name = tuple[str, float]
"""A row and a severity."""


def count_frames(preset: Preset, cells: Iterable[Name], size: Callable[[], tuple[int, int] | None]) -> tuple[int, ...]:
    """Return the number of frames of each cell, 0 where an item has one image; nothing at all if no cell has any.

    Parameters
    ----------
    preset : Preset
        The severity table.
    cells : iterable of (str, float)
        Rows and severities.
    size : callable
        Returns height and width of a picture; it is only asked where the table does not say how many frames there are.
    """
    made = [preset.cell(*name) if name[0] in preset.rows else None for name in cells]
    is_known = all(cell is None or not cell.is_sequence or states_frames(cell) for cell in made)
    picture = None if is_known or preset.sizes.allowed else size()
    frames = tuple(0 if cell is None else frame_count(cell, picture) for cell in made)
    return frames if any(frames) else ()


def record_frames(cells: Iterable[Name], frames: Sequence[int]) -> dict[str, dict[str, int]]:
    """Return what manifests and markers state about frames, by the folder of a cell; nothing where there are none."""
    found = {cell_folder(*name): count for name, count in zip(cells, frames, strict=False) if count}
    return {"frames": found} if found else {}


def recorded_frames(cells: Iterable[Name], record: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the number of frames of each cell as a manifest or marker states them."""
    stated = record.get("frames", {})
    return tuple(stated.get(cell_folder(*name), 0) for name in cells) if stated else ()


def frames_fit(preset: Preset, cells: Iterable[Name], frames: Sequence[int]) -> bool:
    """Check whether the cells that make sequences, and no others, are said to have frames."""
    makes = [name[0] in preset.rows and preset.cell(*name).is_sequence for name in cells]
    return makes == [count > 0 for count in frames or [0] * len(makes)]


def check_sequences(recipe: Recipe, preset: Preset, cells: Sequence[Name]) -> None:
    """Refuse what does not go together with sequences.

    Raises
    ------
    RecipeError
        If some of the cells make sequences, and the recipe asks for what these cannot have; or if the table prepares
        pictures, and the recipe does so, too.
    """
    name, decode, output = recipe.name, recipe.decode, recipe.output
    sequences = dict.fromkeys(row for row, severity in cells if preset.cell(row, severity).is_sequence)
    if not sequences and output.encoding == "video" and not output.is_array:
        raise RecipeError(
            f'{name} [output] encoding: "video" is for rows that make sequences, which none of {preset.name} here does'
        )
    if not sequences:
        return
    rows = ", ".join(sequences)
    if preset.staging.changes and (decode.resize is not None or decode.crop is not None):
        raise RecipeError(
            f"{name} [decode] resize, crop: {preset.name} makes its images of whole pictures itself, since {rows} act "
            "before the crop; leave them out"
        )
    if not output.declared.holds_sequences:
        holding = ", ".join(f"{known!r}" for known, form in FORMATS.built_in.items() if form.holds_sequences)
        raise RecipeError(
            f"{name} [output] format: {rows} of {preset.name} make sequences of frames, which {output.format!r} does "
            f"not hold; take one of {holding}"
        )
    form = output.declared
    patterns = Counter(
        (form.sequence_files or form.files)(*cell) if preset.cell(*cell).is_sequence else form.files(*cell)
        for cell in {(row, severity if row in sequences else 1.0) for row, severity in cells}
    )
    if twice := [pattern for pattern, count in patterns.items() if count > 1]:
        raise RecipeError(
            f"{name} [corrupt] rows: two rows or severities would be written to {sorted(twice)[0]}; rename a row"
        )
    if decode.window is not None:
        raise RecipeError(
            f"{name} [decode] window: {rows} of {preset.name} make frames of images of 8 bits; leave it out"
        )
    if recipe.source.get("annotations") is not None or recipe.source.get("masks") is not None:
        raise RecipeError(
            f"{name} [source] annotations, masks: {rows} of {preset.name} make many frames of an image, in some of "
            "which it has moved, and what is drawn on the image fits one alone; leave these rows or the targets out"
        )
