"""The commands that show what rows do to a photograph."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from corruptgen.cli.terminal import WRONG_USAGE, enable_log_output, eprint, fail
from corruptgen.codecs import dicom
from corruptgen.codecs.high_bit_depth import decode_image, read_samples
from corruptgen.codecs.pixels import BYTE
from corruptgen.codecs.windowing import WINDOWS, CleanImage, Window
from corruptgen.errors import ArgumentError, AssetError, CorruptgenError, MissingPackage, Rejected, SeverityError
from corruptgen.gallery.contact_sheet import draw_contact_sheet, draw_film_strips
from corruptgen.records import Decoding
from corruptgen.sources import Content, nifti
from corruptgen.tables import catalog
from corruptgen.tables.api import corrupt
from corruptgen.tables.table import Preset
from corruptgen.values.arguments import normalise_severity


def preview(
    image: Path, preset: str, output: Path, rows: str | None, severities: str | None, seed: int, window: str | None
) -> None:
    """Draw a contact sheet; rows whose pictures are missing are left out unless they were asked for."""
    if output.suffix.lower() != ".png":
        fail(f"--output {output}: a contact sheet is a .png", WRONG_USAGE)
    enable_log_output()
    table = catalog.preset(preset)
    names = table.named_rows(rows.split(",")) if rows else list(table.rows)
    levels = {name: _numbers(severities) if severities else table.rows[name].severities for name in names}
    for name in names:
        for level in levels[name]:
            table.cell(name, level)
    counts = sorted({len(chosen) for chosen in levels.values()})
    grid = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else counts[0]
    if table.is_sequential:
        if window:
            fail(f"--window: {preset} makes sequences of frames of images of 8 bits", WRONG_USAGE)
        draw_film_strips(photograph(image, table, None).pixels, preset, levels, seed).save(output, "PNG")
        print(f"{output}: {len(names)} rows × {grid} severities of {preset}, some frames of each")
        return
    chosen = read_window(window) if window else None
    shot = photograph(image, table, chosen)
    ends = None if chosen is None else (shot.form.black, shot.form.black + shot.form.full_scale)
    if not rows:
        names = [name for name in names if _can_be_drawn(shot.pixels, name, levels[name][-1], preset, ends)]
        if not names:
            raise CorruptgenError(f"no row of {preset} can be drawn, for the reasons above")
    draw_contact_sheet(shot.pixels, preset, {name: levels[name] for name in names}, seed, ends).save(output, "PNG")
    print(f"{output}: {len(names)} rows × {grid} severities of {preset}")


def photograph(path: Path, table: Preset, window: Window | None) -> CleanImage:
    """Decode a photograph, and bring it to the size that the table is for if it has one, and does not do so itself."""
    sizes = () if table.staging.changes else table.sizes.allowed
    # As `generate` decodes it: depth keeps the channels that there are.
    colour = table.colour if window is None else "keep"
    try:
        content = _content(path, window)
        found = decode_image(content, Decoding(window=window, colour=colour))
        if sizes and found.pixels.shape[:2] not in sizes:
            height, width = sizes[0]
            eprint(f"{table.name} is for {height}×{width} pixels: this is the centre of the image in that size")
            sized = Decoding(resize=max(height, width), crop=(height, width), window=window, colour=colour)
            found = decode_image(content, sized)
    except Rejected as error:
        raise CorruptgenError(f"{path} {error}") from error
    return found


def read_image(path: Path, table: Preset, window: Window | None) -> CleanImage:
    """Decode an image file as `generate` does under a table; without a window only 8 bits are taken."""
    try:
        content = _content(path, window)
        if window is not None:
            return decode_image(content, Decoding(window=window))
        found = read_samples(content, "apply")
        if found.pixels.dtype != BYTE.dtype:
            raise Rejected(
                f"has samples of {found.pixels.dtype.name}; set black and white with --window, such as --window bits"
            )
        return decode_image(content, Decoding(colour=table.colour))
    except Rejected as error:
        raise CorruptgenError(f"{path} {error}") from error


def _content(path: Path, window: Window | None) -> Content:
    """Read a file; of a volume the slice in the middle."""
    is_volume = nifti.is_nifti(path.name)
    content = b"" if is_volume else path.read_bytes()
    if window is None and (is_volume or dicom.is_dicom(content)):
        kind = "volume" if is_volume else "DICOM file"
        raise Rejected(f"is a {kind}; set black and white with --window, such as --window range")
    if not is_volume:
        return content
    return nifti.read_nifti(path, len(nifti.slice_ids(path, path.name)) // 2)


def read_window(text: str) -> Window:
    """Read the value of --window."""
    if text in WINDOWS:
        return text
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        low = high = 0.0
    if not low < high:
        fail(f"--window {text}: write LOW,HIGH in the units of the file, or one of {', '.join(WINDOWS)}", WRONG_USAGE)
    return low, high


def _can_be_drawn(
    picture: NDArray[Any], row: str, severity: float, preset: str, window: tuple[float, float] | None
) -> bool:
    try:
        corrupt(picture, row, severity, preset=preset, key="preview", window=window)
    except (ArgumentError, AssetError, MissingPackage) as error:
        eprint(f"left out {row}: {error}")
        return False
    return True


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(number) for number in text.split(",")]
    except ValueError:
        raise SeverityError(f"--severities {text}: these are not numbers with commas between them") from None
    return [normalise_severity(number) for number in numbers]
