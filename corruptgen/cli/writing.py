"""The commands that write one file: a recipe to edit, or a corrupted image."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from corruptgen.cli.looking import read_image, read_window
from corruptgen.cli.terminal import FAILED, WRONG_USAGE, enable_log_output, fail
from corruptgen.codecs.images import encode_image
from corruptgen.errors import without_secrets
from corruptgen.recipe.recipe import shipped_text
from corruptgen.records import Encoding
from corruptgen.tables import catalog
from corruptgen.tables.api import corrupt
from corruptgen.values.arguments import severity_text

ENCODINGS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff"}


@dataclass(frozen=True)
class DrawChoice:
    """What decides how an image is corrupted, beside row and severity."""

    preset: str
    seed: int
    key: str


def init(name: str, output: Path | None) -> None:
    """Write a shipped recipe to a file that does not exist."""
    text = shipped_text(name)
    path = output or Path(f"{name.rpartition('/')[2]}.toml")
    if path.suffix != ".toml":
        fail(f"--output {path}: a recipe is a .toml", WRONG_USAGE)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{path} exists, and is not replaced; remove it, or choose another file with --output", FAILED)
    print(f"{path} is written; edit it, then: corruptgen plan {path}")


def apply(
    image: Path, row: str, severity: float, output: Path, draws: DrawChoice, *, window: str | None, quality: int
) -> None:
    """Corrupt an image file as `generate` does: the table decides about grey, and with a window depth stays depth."""
    encoding = Encoding(ENCODINGS.get(output.suffix.lower(), ""), quality)
    if not encoding.name:
        fail(f"--output {output}: its ending says how it is stored; allowed are {', '.join(ENCODINGS)}", WRONG_USAGE)
    if output.exists() and image.exists() and os.path.samefile(image, output):
        fail(f"--output {output}: this is the image itself; choose another file", WRONG_USAGE)
    enable_log_output()
    table = catalog.preset(draws.preset)
    table.cell(row, severity)
    shot = read_image(image, table, read_window(window) if window else None)
    if shot.pixels.dtype.name not in encoding.dtypes:
        fail(
            f"--output {output}: a {encoding.name.upper()} holds samples of {' and '.join(encoding.dtypes)}, and the "
            f"image has {shot.pixels.dtype.name}, which would lose its depth; write a .tif",
            WRONG_USAGE,
        )
    ends = None if window is None else (shot.form.black, shot.form.black + shot.form.full_scale)
    result = corrupt(shot.pixels, row, severity, preset=draws.preset, seed=draws.seed, key=draws.key, window=ends)
    write_whole(output, encode_image(result, encoding))
    lossy = "" if encoding.is_lossless else f"; stored as JPEG of quality {quality}, which loses some detail"
    named = without_secrets(draws.key)
    print(
        f"{output}: {row} at severity {severity_text(severity)} of {draws.preset}, "
        f"seed {draws.seed}, key {named!r}{lossy}"
    )


def write_whole(path: Path, content: bytes) -> int:
    """Write the whole file or none of it; return its size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{secrets.token_hex(8)}.unfinished")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return len(content)
