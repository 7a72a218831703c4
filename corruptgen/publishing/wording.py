"""What a dataset says about itself in words: how images were read, what each row does, how to regenerate it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corruptgen.records import Decoding, Extent
from corruptgen.tables.interpolation import Value
from corruptgen.tables.row import Row
from corruptgen.tables.table import Preset
from corruptgen.verification.dataset import FinishedDataset

PARAMETER = re.compile(r"^(\w+) : (.*)((?:\n    .*)*)", re.MULTILINE)
# What stands behind the colon; docstrings of earlier plug-ins have the meaning there.
TYPE = re.compile(r"(bool|float|int|str)(,.*)?")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")  # of TOML
CAPITAL = re.compile(r"[A-Z](?=[a-z ])")
DIGITS = 6
# What became of grey images; recipes of the first version say nothing of it.
COLOURS = {None: "", "keep": ", grey images kept grey", "rgb": ", grey images made RGB", "grey": ", all made grey"}


def preprocessing(decoding: Decoding, dataset: FinishedDataset) -> str:
    """Return what was done to an image before and after it was corrupted."""
    done, staging = _steps(decoding), dataset.preset.staging
    turned = "EXIF orientation applied" if decoding.exif == "apply" else "EXIF orientation ignored"
    before = f"Every source image was decoded {_depth(decoding)} ({turned}{COLOURS[decoding.colour]})" + (
        f", {', then '.join(done)}" if done else ""
    )
    untouched = "" if done else " and kept at its own size"
    said = f"{before}{untouched}, then corrupted, then stored as {_stored(dataset)}."
    if not staging.changes:
        return said
    stages = ((_steps(staging.prepared), "before"), (_steps(staging.view), "after"))
    parts = [f"{' and '.join(found)} {when} a row acts on it" for found, when in stages if found]
    return f"{said} By its table a picture is {', and '.join(parts)}."


def _steps(decoding: Decoding) -> list[str]:
    """Return how a picture is resized and cropped, in that order."""
    steps = {
        "resize": decoding.resize and f"resized to {_size(decoding.resize)} ({decoding.interpolation})",
        "crop": decoding.crop and f"cropped to {_cropped(decoding.crop)} around the centre",
    }
    order = ["crop", "resize"] if decoding.order == "crop-resize" else ["resize", "crop"]
    return [step for name in order if (step := steps[name])]


def _depth(decoding: Decoding) -> str:
    if decoding.floats:
        beyond = "clipped" if decoding.clips else "not clipped"
        return f"to floats from 0, black, to 1, white, results beyond these {beyond}"
    match decoding.window:
        case None:
            return "to 8 bits"
        case str(word):
            return f"with its own depth, what lies beyond its window (`{word}`) clipped"
        case (black, white):
            return f"with its own depth, what lies beyond its window ({black:g} to {white:g}) clipped"


def _size(extent: Extent) -> str:
    if isinstance(extent, int):
        return f"{extent} pixels on the shorter side"
    return f"{extent[0]}×{extent[1]} pixels (height×width), the aspect ratio not kept"


def _cropped(extent: Extent | float) -> str:
    if isinstance(extent, float):
        return f"{extent:g} of each side"
    return f"{extent}×{extent} pixels" if isinstance(extent, int) else f"{extent[0]}×{extent[1]} pixels"


def _stored(dataset: FinishedDataset) -> str:
    output = dataset.recipe.output
    if output.is_array:
        return "plain arrays of pixels, without loss"
    if output.encoding == "video":
        loss = "without loss" if output.is_lossless else "with the settings of ImageNet-P, which lose a little"
        return f"H.264 videos, {loss}, and single images as PNG"
    if output.encoding == "jpeg":
        return f"JPEG of quality {output.quality}"
    return f"{output.encoding.upper()}, without loss"


def parameters(dataset: FinishedDataset, row: str) -> dict[str, list[Value | None]]:
    """Return the parameters of a row: the value of each at every severity of the dataset."""
    return parameters_at(dataset.preset, row, dataset.recipe.corrupt.severities_of(row))


def parameters_at(table: Preset, row: str, severities: Sequence[float]) -> dict[str, list[Value | None]]:
    """Return the parameters of a row: the value of each at every severity, None where the function has no such one."""
    levels = [table.cell(row, severity).parameters for severity in severities]
    names = dict.fromkeys(name for level in levels for name in level)
    return {name: [level.get(name) for level in levels] for name in names}


def meanings(row: Row) -> dict[str, str]:
    """Return what the parameters of a row mean, from the documentation of its functions."""
    found: dict[str, str] = {}
    for level in row.uses:
        for name, slot, below in PARAMETER.findall(level.corruption.docstring):
            if name in level.parameters:
                text = " ".join((below if TYPE.fullmatch(slot) else slot + below).split()).removesuffix(".")
                found[name] = text[0].lower() + text[1:] if CAPITAL.match(text) else text
    return found


def value_text(value: Value | None) -> str:
    """Write a value for people."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.{DIGITS}g}"
    return str(value)


def quirks(dataset: FinishedDataset) -> Iterator[str]:
    """Return what is odd about a table that is kept as it was published."""
    header = dataset.manifest["preset"]["table"]["preset"]
    if not dataset.preset.frozen:
        return
    yield (
        f"`{dataset.preset.name}` is a frozen table: it has the values of the published benchmark, oddities included, "
        "and never changes."
    )
    if header.get("rounding") == "truncate":
        yield "Fractions of a grey level are cut off, not rounded, so that flat areas may lose one grey level."
    for name, row in dataset.rows.items():
        for number in sorted(row.non_monotone_levels):
            yield f"`{name}`: level {number} is not worse than the level before it, as published."
        said = meanings(row)
        for parameter, values in parameters(dataset, name).items():
            if all(value is False for value in values) and parameter in said:
                yield f"`{name}`: `{parameter}` is off ({said[parameter]})."


def toml_text(content: Mapping[str, Any]) -> str:
    """Write a recipe's plain values as TOML."""
    lines = [f"{key} = {_toml(value)}" for key, value in content.items() if not isinstance(value, Mapping)]
    for name, section in content.items():
        if isinstance(section, Mapping):
            lines += ["", f"[{name}]", *(f"{_key(key)} = {_toml(value)}" for key, value in section.items())]
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON writes texts, numbers, true and false as TOML does.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
