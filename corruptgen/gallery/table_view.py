"""The gallery of a severity table: its rows, at every level and between them, on chosen photographs."""

from collections.abc import Sequence

from corruptgen.engine.progress import Progress
from corruptgen.errors import AssetError, MissingPackage, RecipeError
from corruptgen.gallery.model import Frame, Gallery, GalleryImage, GalleryRow
from corruptgen.gallery.photographs import Photograph
from corruptgen.gallery.thumbnails import LONGEST, encode_thumbnail
from corruptgen.publishing.wording import parameters_at
from corruptgen.randomness import Streams, pixels_digest
from corruptgen.tables import catalog
from corruptgen.tables.row import Row
from corruptgen.tables.sequences import apply_to_picture
from corruptgen.tables.table import Preset


def gallery_of_table(
    preset: str,
    photographs: Sequence[Photograph],
    *,
    rows: Sequence[str] | None = None,
    steps: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
) -> Gallery:
    """Corrupt photographs by every row of a table: the pixels are those of `corruptgen.corrupt`.

    Parameters
    ----------
    preset : str
        A built-in severity table, or the path of a .toml of your own.
    photographs : sequence of Photograph
        Photographs of a size that the table holds for, each with a name of its own.
    rows : sequence of str or None
        Rows and groups; None: all.
    steps : int, default 2
        Pictures for each level: 1 shows the levels alone, 2 also what lies half-way.
    seed : int, default 0
        As `corrupt` takes it.
    progress : Progress or None
        Called with how many rows are done and how many there are.

    Returns
    -------
    Gallery
        The rows and images of the page, for `write_page`.

    Raises
    ------
    UnknownName
        If there is no such table or row.
    ImageError
        If the table does not hold for a photograph.
    RecipeError
        If two photographs have one name.

    Examples
    --------
    >>> import numpy as np
    >>> from corruptgen.gallery import Photograph
    >>> photograph = Photograph("grey", np.full((64, 64, 3), 128, np.uint8))
    >>> gallery_of_table("natural", [photograph], rows=["fog"], steps=1).frames
    5
    """
    table = catalog.preset(preset)
    names = table.named_rows(rows) if rows is not None else list(table.rows)
    if len({photograph.name for photograph in photographs}) < len(photographs):
        raise RecipeError("two images have the same name, so that they cannot be told apart; rename one")
    for photograph in photographs:
        table.sizes.check(*table.staging.image(photograph.pixels).shape[:2])
    gallery_rows: list[GalleryRow] = []
    for name in names:
        if progress:
            progress(len(gallery_rows), len(names))
        gallery_rows.append(_gallery_row(table, table.rows[name], photographs, steps, seed))
    return Gallery(
        title=f"{table.name}: {table.title}",
        facts=tuple(_facts(table, photographs, seed)),
        images=tuple(photograph.name for photograph in photographs),
        rows=tuple(gallery_rows),
        groups={group: rows for group, members in table.groups.items() if (rows := [r for r in members if r in names])},
    )


def _gallery_row(table: Preset, row: Row, photographs: Sequence[Photograph], steps: int, seed: int) -> GalleryRow:
    levels = row.severities
    severities = [step / steps for step in range(1, row.level_count * steps + 1)]
    # Between the clean image and level 1 there is something to show only where the table states what.
    severities = [severity for severity in severities if severity >= 1 or row.reaches_zero]

    def gallery_image(photograph: Photograph) -> GalleryImage:
        frames = []
        for severity in severities:
            # With the draws of `corrupt`, which names an image by its pixels.
            cell, streams = table.cell(row.name, severity), Streams(seed, pixels_digest(photograph.pixels))
            pixels = apply_to_picture(cell, photograph.pixels, streams)
            frames.append(Frame(severity, cell.parameters, encode_thumbnail(pixels)))
        return GalleryImage(photograph.name, encode_thumbnail(table.staging.image(photograph.pixels)), tuple(frames))

    parameters = parameters_at(table, row.name, levels)
    if row.inputs:
        needed = f"{row.name} needs {' and '.join(sorted(row.inputs))} beside the image, which a gallery does not have"
        return GalleryRow(row, levels, parameters, (), needed)
    try:
        return GalleryRow(row, levels, parameters, tuple(map(gallery_image, photographs)))
    except (AssetError, MissingPackage) as error:
        return GalleryRow(row, levels, parameters, (), str(error))


def _facts(table: Preset, photographs: Sequence[Photograph], seed: int) -> list[str]:
    kind = "Frozen: a published benchmark, which never changes." if table.frozen else "Open: it may get better."
    notes = " ".join(str(table.content["preset"].get("notes", "")).split())
    height, width = (max(photograph.pixels.shape[axis] for photograph in photographs) for axis in (0, 1))
    size = f"Images of up to {height}×{width} pixels were corrupted, with seed {seed}"
    shown = f", and then made smaller, to {LONGEST} pixels." if max(height, width) > LONGEST else "."
    references = [str(reference) for reference in table.content["preset"].get("references", ())]
    return [fact for fact in (kind, notes, size + shown, *references) if fact]
