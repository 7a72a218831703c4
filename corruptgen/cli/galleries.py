"""The command that makes a gallery."""

from collections.abc import Sequence
from pathlib import Path

from corruptgen.cli.looking import photograph
from corruptgen.cli.output import progress_bar
from corruptgen.cli.terminal import WRONG_USAGE, enable_log_output, eprint, fail
from corruptgen.cli.writing import write_whole
from corruptgen.errors import SourceError
from corruptgen.gallery import Gallery, gallery_of_dataset, gallery_of_table, write_page
from corruptgen.gallery.photographs import Photograph, shipped_photograph
from corruptgen.store.names import printable
from corruptgen.tables import catalog
from corruptgen.values.addresses import local_path

BYTES_PER_MB = 10**6


def gallery(
    what: str,
    output: Path,
    images: Sequence[str],
    *,
    rows: Sequence[str] | None,
    steps: int,
    seed: int,
    source: str | None,
    quiet: bool,
) -> None:
    """Write the gallery of a table, or of a finished dataset if `what` is the directory of one."""
    if output.suffix.lower() not in (".html", ".htm"):
        fail(f"--output {output}: a gallery is an .html", WRONG_USAGE)
    enable_log_output()
    if what not in catalog.preset_names() and Path(what).is_dir():
        with progress_bar("row", quiet) as progress:
            made = gallery_of_dataset(what, images, source=source, rows=rows, progress=progress)
    else:
        if source is not None:
            fail("--source is for the gallery of a dataset; the images of a table are named with --images", WRONG_USAGE)
        table = catalog.preset(what)
        paths = [local_path(image, "the image", SourceError) for image in images]
        photographs = [Photograph(printable(path.stem), photograph(path, table, None).pixels) for path in paths]
        with progress_bar("row", quiet) as progress:
            made = gallery_of_table(
                what, photographs or [shipped_photograph(table)], rows=rows, steps=steps, seed=seed, progress=progress
            )
    for gallery_row in made.rows:
        if gallery_row.missing:
            eprint(f"no pictures of {gallery_row.row.name}: {gallery_row.missing}")
    size = write_whole(output, write_page(made).encode())
    if not quiet:
        print(f"{output}: {_counts(made)}, {size / BYTES_PER_MB:.1f} MB")


def _counts(made: Gallery) -> str:
    images = f"{len(made.images)} image{'s' if len(made.images) > 1 else ''}"
    return f"{len(made.rows)} rows on {images}, {made.frames} pictures"
