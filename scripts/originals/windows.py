"""LR0.FM and the protocol of translations: what is cut from a picture, and at which resolution."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import corruptgen
from originals.replay import DIFFERS, EQUAL, Kept, Outcome, Replay, System, compare_pixels, digest, rewritten

# Of the low resolutions of LR0.FM, the row of each geometry and its table.
GEOMETRIES = {"keep": ("lr0-fm", "keep"), "squash": ("lr0-fm-squash", "squash"), "small": ("lr0-fm-small", "small")}
# Modes whose pictures Pillow resizes to the nearest pixel.
PALETTES = ("P", "1")
MODE = re.compile(r"PIL convert\('(\w+)'(?:, palette=ADAPTIVE, colors=(\d+))?\)")


def compare_resolution(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare a low resolution of LR0.FM."""
    kind, size, name = entry.split("/")
    geometry = kind.partition("_mode_")[0]
    low, _, side = size.partition("-")
    image = Image.fromarray(kept.picture(name))
    if mode := MODE.fullmatch(described.get("input_mode", "PIL convert('RGB')")):
        colours = {"palette": Image.Palette.ADAPTIVE, "colors": int(mode[2])} if mode[2] else {}
        image = image.convert(mode[1], **colours)
    else:
        return DIFFERS, f"its mode {described['input_mode']!r} is not understood"
    nearest = image.mode in PALETTES
    table = at_resolution(kept.folder, geometry, int(low), int(side or low), nearest=nearest)
    severity = 0 if low == side else 1
    # Each channel of a mode as a grey picture: the colours are made of them when they have their size.
    bands = image.convert("RGB").split() if nearest else image.split()
    made = [corruptgen.corrupt(band, GEOMETRIES[geometry][1], severity, preset=table) for band in bands]
    merged = made[0] if len(made) == 1 else Image.merge("RGB" if nearest else image.mode, made)
    return compare_pixels(kept, entry, described, np.asarray(merged.convert("RGB")), name)


def at_resolution(folder: Path, geometry: str, low: int, side: int, *, nearest: bool) -> str:
    """Write a table of one low resolution for models of a size, and return its path."""
    preset, _ = GEOMETRIES[geometry]
    changes = {
        "levels = 4": "levels = 1",
        "[128, 64, 32, 16]": str(low),
        'interpolation = "bicubic" }': f'interpolation = "{"nearest" if nearest else "bicubic"}" }}',
        'resampling = "bicubic"': f'resampling = "{"nearest" if nearest else "bicubic"}"',
        "[[224, 224], [128, 128], [64, 64], [32, 32], [16, 16]]": f"[[{low}, {low}]]",
        "[[224, 224]]": f"[[{side}, {side}]]",
        "[224, 224]": f"[{side}, {side}]",
        "= 224": f"= {side}",
    }
    return rewritten(preset, folder, f"{preset}-{low}-{side}-{nearest}", changes)


def compare_windows(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare windows of the anti-aliasing protocol."""
    protocol, *place = entry.split("/")
    if protocol == "diagonal":
        windows = np.stack(list(corruptgen.frames(kept.picture(place[0]), "diagonal", preset="antialiasing")))
        if digest(windows) != described["sha256_of_all"]:
            return DIFFERS, "one of all windows is another one"
        return compare_pixels(kept, entry, described, windows[described["kept"]], place[0])
    seed, *passes = place
    # All pictures of all passes share their draws, in the order in which the file has them.
    names = (name.split("/")[1:] for name in kept.entries if name.startswith(f"{protocol}/{seed}/epoch"))
    shown = list(dict.fromkeys((epoch, picture) for _, epoch, picture, _ in names))
    draws, state = Replay(int(seed), of_torch=False), np.random.RandomState(int(seed))
    for epoch, picture in shown:
        windows = list(corruptgen.frames(kept.picture(picture), "consistency", preset="antialiasing", rng=draws))
        offsets = [[state.randint(32, size=2).tolist()] for _ in windows]
        if passes[:2] == [epoch, picture]:
            number = int(passes[2])
            if (described["seed"], described["offset"]) != (int(seed), offsets[number]):
                return DIFFERS, f"its offset is {described['offset']}, and {offsets[number]} is drawn"
            return compare_pixels(kept, entry, described, windows[number], picture)
    is_next = draws.state.random_sample() == described["value"]
    return (EQUAL, "") if is_next else (DIFFERS, "another number of draws was taken")


SYSTEMS: Mapping[str, System] = {"lr0fm": System(compare_resolution), "translations": System(compare_windows)}
