"""The commands that show what there is: tables, rows and what they do to a photograph."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corruptgen import catalog
from corruptgen.cli.terminal import WRONG_USAGE, columns, fail, listen, tell
from corruptgen.contact_sheet import contact_sheet
from corruptgen.errors import AssetError, CorruptgenError, Rejected, SeverityError, UnknownName, unknown
from corruptgen.front import corrupt
from corruptgen.imaging.codec import decoded
from corruptgen.recipe import shipped_names
from corruptgen.records import Decoding
from corruptgen.table import Preset, Row


def list_tables() -> None:
    """List the severity tables and the shipped recipes."""
    tables = [catalog.preset(name) for name in catalog.preset_names()]
    columns((table.name, f"{len(table.rows)} rows", table.title) for table in tables)
    print(f"\nshipped recipes: {', '.join(shipped_names())}")


def list_rows(preset: str) -> None:
    """List the rows of a table."""
    table = catalog.preset(preset)
    print(f"{table.name}: {table.title}\n")
    groups = {row: [name for name, rows in table.groups.items() if row in rows] for row in table.rows}
    columns((name, ", ".join(groups[name]), _summary(row)) for name, row in table.rows.items())


def show(row: str, preset: str | None) -> None:
    """Say what a row does and how bad it is in each table."""
    tables = [catalog.preset(name) for name in ([preset] if preset else catalog.preset_names())]
    found = [table for table in tables if row in table.rows]
    if not found:
        kind = f"row of {tables[0].name}" if preset else "row"
        raise UnknownName(unknown(kind, row, {name for table in tables for name in table.rows}))
    used = {level.corruption.name: level.corruption for table in found for level in table.rows[row].levels}
    for corruption in used.values():
        moves = "; moves pixels, and masks and boxes with them if the recipe says so" if corruption.is_geometric else ""
        print(f"{corruption.name} ({corruption.domain}, {corruption.family}{moves})\n\n{corruption.docstring}\n")
    for table in found:
        _show_levels(table, table.rows[row])


def preview(image: Path, preset: str, output: Path, rows: str | None, severities: str | None, seed: int) -> None:
    """Draw a contact sheet; rows whose pictures are missing are left out unless they were asked for."""
    if output.suffix.lower() != ".png":
        fail(f"--output {output}: a contact sheet is a .png", WRONG_USAGE)
    listen()
    table = catalog.preset(preset)
    names = table.named_rows(rows.split(",")) if rows else list(table.rows)
    levels = _numbers(severities) if severities else [float(level) for level in range(1, table.levels + 1)]
    for name in names:
        for level in levels:
            table.cell(name, level)
    picture = _picture(image, table)
    if not rows:
        names = [name for name in names if _can_be_drawn(picture, name, levels[-1], preset)]
    contact_sheet(picture, preset, names, levels, seed).save(output, "PNG")
    print(f"{output}: {len(names)} rows × {len(levels)} severities of {preset}")


def _picture(path: Path, table: Preset) -> NDArray[np.uint8]:
    """Decode a photograph, and bring it to the size that the table is for if it has one."""
    content = path.read_bytes()
    sizes = table.sizes.allowed
    try:
        picture = decoded(content, Decoding())
        if sizes and picture.shape[:2] not in sizes:
            height, width = sizes[0]
            tell(f"{table.name} is for {height}×{width} pixels: this is the centre of the image in that size")
            picture = decoded(content, Decoding(resize=max(height, width), crop=(height, width)))
    except Rejected as error:
        raise CorruptgenError(f"{path} {error}") from error
    return picture


def _can_be_drawn(picture: NDArray[np.uint8], row: str, severity: float, preset: str) -> bool:
    try:
        corrupt(picture, row, severity, preset=preset, key="preview")
    except AssetError as error:
        tell(f"left out {row}: {error}")
        return False
    return True


def _show_levels(table: Preset, row: Row) -> None:
    print(f"{table.name}: {table.title}")
    parameters = dict.fromkeys(name for level in row.levels for name in level.parameters)
    lines = [("  severity", *(str(number) for number in range(1, len(row.levels) + 1)))]
    lines += [(f"  {name}", *(_value(level.parameters.get(name)) for level in row.levels)) for name in parameters]
    columns(lines)
    print(f"  between levels: {row.between}\n")


def _summary(row: Row) -> str:
    return row.levels[0].corruption.summary


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise SeverityError(f"--severities {text}: these are not numbers with commas between them") from None
