"""The first pass: what rows take that is known only when all images of a source were read.

That is the mean amplitude of their frequencies, the input `mean_amplitude`. It depends on the images and their order in
the plan alone, so that it is the same for any number of workers and shards, and is recorded with its digest.
"""

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.pixels import Arithmetic, to_float
from corruptgen.codecs.windowing import CleanImage
from corruptgen.declare import Pixels
from corruptgen.errors import OutputError, RecipeError, Rejected, SourceError
from corruptgen.ops.colour import luminance
from corruptgen.ops.spectrum import frequencies_of
from corruptgen.records import Item
from corruptgen.sources import Content
from corruptgen.tables.table import Preset
from corruptgen.threads import single_threaded

MEAN_AMPLITUDE = "mean_amplitude"
INPUTS = frozenset({MEAN_AMPLITUDE})
"""What a first pass finds, by the names of the inputs."""
UNIT = Arithmetic("float64", "round")
COLOURS = (1, 3)
# Images that are in memory at once.
AT_ONCE = 64

Planes = dict[str, NDArray[np.float32]]


def needed_planes(preset: Preset, cells: Iterable[tuple[str, float]]) -> set[str]:
    """Name the inputs of some rows that only a first pass finds."""
    rows = {row for row, _ in cells if row in preset.rows}
    return {name for row in rows for name in preset.rows[row].inputs & INPUTS}


def find_planes(
    items: Iterable[Item],
    read: Callable[[Item], Content],
    decode: Callable[[Item, Content], CleanImage],
    place: str,
) -> Planes:
    """Read all images of a source and return what rows take of it.

    Parameters
    ----------
    items : iterable of Item
        Those of the source, in the order of the plan; what cannot be read or decoded is left out.
    read : callable
        Returns what the source holds of an item, or raises `Rejected`; it is called by one thread.
    decode : callable
        Returns the clean image, or raises `Rejected`; it is called by several threads.
    place : str
        What to call the recipe's rows in messages.

    Returns
    -------
    dict of str to ndarray of float32
        By the name of the input.

    Raises
    ------
    RecipeError
        If images differ in size, or have other channels than grey or colour.
    SourceError
        If no image can be decoded.
    """
    total, count, first = np.zeros((0, 0)), 0, ""

    def amplitude_of(named: tuple[Item, Content]) -> NDArray[np.float64] | None:
        try:
            image = decode(*named)
        except Rejected:
            return None
        if image.pixels.shape[2] not in COLOURS:
            raise RecipeError(f"{place}: {named[0].id} has {image.pixels.shape[2]} channels, allowed are 1 and 3")
        return np.abs(frequencies_of(luminance(to_float(image.pixels, Pixels.UNIT, image.form, UNIT))))

    contents = _contents(items, read)
    with single_threaded(), ThreadPoolExecutor(os.cpu_count()) as pool:
        while some := list(islice(contents, AT_ONCE)):
            for (item, _), amplitude in zip(some, pool.map(amplitude_of, some), strict=True):
                if amplitude is None:
                    continue
                size = f"{'×'.join(map(str, amplitude.shape))} ({item.id})"
                if not count:
                    total, first = np.zeros(amplitude.shape), size
                if amplitude.shape != total.shape:
                    raise RecipeError(
                        f"{place}: the mean amplitude is that of images of one size, found {first} and {size}; write "
                        "resize and crop in [decode], or leave the row out"
                    )
                # One after the other, since the order of a sum decides about its last bits.
                total += amplitude
                count += 1
    if not count:
        raise SourceError(f"{place}: no image of the source can be used, so that it has no mean amplitude")
    return {MEAN_AMPLITUDE: (total / count).astype(np.float32)}


def record_planes(planes: Mapping[str, NDArray[np.float32]]) -> dict[str, Any]:
    """Return what manifests and shards state about a first pass; nothing where there was none."""
    found = {
        name: {
            "sha256": _digest(plane),
            "shape": list(plane.shape),
            "float32": base64.b64encode(plane.astype("<f4").tobytes()).decode(),
        }
        for name, plane in planes.items()
    }
    return {"first_pass": found} if found else {}


def recorded_planes(record: Mapping[str, Any]) -> Planes:
    """Return what a first pass found, as a manifest or the record of a shard states it.

    Raises
    ------
    OutputError
        If it is not what its digest says.
    """
    found: Planes = {}
    for name, stated in record.get("first_pass", {}).items():
        try:
            numbers = np.frombuffer(base64.b64decode(stated["float32"], validate=True), "<f4").astype(np.float32)
            plane = numbers.reshape(stated["shape"])
        except ValueError as error:
            raise OutputError(f"its first pass is damaged: {name} {error}") from error
        if name not in INPUTS or _digest(plane) != stated["sha256"]:
            raise OutputError(f"its first pass is damaged: {name} is not what its digest states")
        found[name] = plane
    return found


def _contents(items: Iterable[Item], read: Callable[[Item], Content]) -> Iterator[tuple[Item, Content]]:
    for item in items:
        with suppress(Rejected):
            yield item, read(item)


def _digest(plane: NDArray[np.float32]) -> str:
    return hashlib.sha256(f"{plane.shape}".encode() + plane.astype("<f4").tobytes()).hexdigest()
