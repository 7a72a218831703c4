"""The gallery of a finished dataset: its own images as they are stored, in every cell."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.windowing import visible
from corruptgen.engine.manifest import ItemRecord
from corruptgen.engine.plan import CLEAN
from corruptgen.engine.progress import Progress
from corruptgen.errors import OutputError, Rejected, UnknownName, unknown
from corruptgen.gallery.model import Frame, Gallery, GalleryImage, GalleryRow
from corruptgen.gallery.thumbnails import LONGEST, Thumbnail, encode_thumbnail
from corruptgen.publishing.wording import parameters_at
from corruptgen.sources import open_known, source_digest
from corruptgen.store.names import printable
from corruptgen.verification.dataset import FinishedDataset, open_dataset

MOST_NAMED = 20


def gallery_of_dataset(
    directory: str | Path,
    ids: Sequence[str] = (),
    *,
    source: str | Path | None = None,
    rows: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Gallery:
    """Read items of a finished dataset back in every cell.

    Parameters
    ----------
    directory : str or Path
        What `generate` made.
    ids : sequence of str
        The items to show; none: the first.
    source : str or Path or None
        The clean images; None: their twin in the dataset, if it has one.
    rows : sequence of str or None
        Rows and groups; None: all of the dataset.
    progress : Progress or None
        Called with how many rows are done and how many there are.

    Returns
    -------
    Gallery
        The rows and images of the page, for `write_page`.

    Raises
    ------
    OutputError
        If this is not a finished output, or an image in it cannot be read.
    UnknownName
        If it has no such item or row.
    """
    dataset = open_dataset(directory)
    items = _items(dataset, ids)
    clean = {name: _clean(dataset, item, source) for name, item in items.items()}
    names = dataset.preset.named_rows(rows) if rows is not None else list(dataset.rows)
    for name in names:
        if name not in dataset.rows:
            raise UnknownName(unknown(f"row of {dataset.recipe.name}", name, dataset.rows))
    gallery_rows: list[GalleryRow] = []
    for name in names:
        if progress:
            progress(len(gallery_rows), len(names))
        severities = tuple(sorted(dataset.configs[name]))
        images = tuple(
            GalleryImage(
                printable(item), clean[item], tuple(_frame(dataset, name, severity, record) for severity in severities)
            )
            for item, record in items.items()
        )
        parameters = parameters_at(dataset.preset, name, severities)
        gallery_rows.append(GalleryRow(dataset.rows[name], severities, parameters, images))
    return Gallery(
        title=f"{dataset.recipe.name} {dataset.recipe.version}",
        facts=tuple(_facts(dataset)),
        images=tuple(map(printable, items)),
        rows=tuple(gallery_rows),
        groups={
            group: rows
            for group, members in dataset.preset.groups.items()
            if (rows := [row for row in members if row in names])
        },
    )


def _items(dataset: FinishedDataset, ids: Sequence[str]) -> dict[str, ItemRecord]:
    found = {record.id: record for record in (dataset if ids else islice(dataset, 1)) if not ids or record.id in ids}
    for name in ids:
        if name not in found:
            # A message has no room for thousands.
            raise UnknownName(unknown("item", name, (record.id for record in islice(dataset, MOST_NAMED))))
    if not found:
        raise OutputError(f"{dataset.recipe.name} has no items, so that there is nothing to show")
    return {name: found[name] for name in ids or found}


def _frame(dataset: FinishedDataset, row: str, severity: float, item: ItemRecord) -> Frame:
    parameters = dataset.preset.cell(row, severity).parameters
    return Frame(severity, parameters, encode_thumbnail(visible(dataset.picture(row, severity, item))))


def _clean(dataset: FinishedDataset, record: ItemRecord, source: str | Path | None) -> Thumbnail | None:
    """Return the clean image, if it exists or where the user has put it."""
    if source is None:
        return encode_thumbnail(visible(dataset.picture(*CLEAN, record))) if CLEAN in dataset.cells else None
    try:
        content = open_known(dataset.recipe, source).read(record.item)
        if source_digest(content) != record.source:
            raise Rejected("is not the image that the dataset was made from")
        return encode_thumbnail(visible(decode_image(content, dataset.recipe.decode)))
    except Rejected as error:
        raise OutputError(f"{printable(record.id)} in the source {error}") from error


def _facts(dataset: FinishedDataset) -> Iterator[str]:
    yield (
        f"{len(dataset)} items × {dataset.recipe.corrupt.grid} of the table {dataset.preset.name}, "
        f"made with seed {dataset.recipe.seed}."
    )
    yield f"The pictures are those of the dataset; larger ones are shown at {LONGEST} pixels."
    if CLEAN not in dataset.cells:
        yield "The dataset has no clean twin."
