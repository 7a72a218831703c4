"""LAION-C: single images, batches of two, and whole pictures."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import corruptgen
from corruptgen.assets.textures import DIRECTORY_VARIABLE
from corruptgen.corruptions.synthetic.occlusions import STICKER
from corruptgen.tables import catalog
from originals.replay import DIFFERS, EQUAL, Kept, Outcome, Replay, System, compare_pixels, digest, rewritten

SIDE = 224
VIEW = 'view = { resize = 256, crop = 224, interpolation = "bilinear" }\n'
# What is changed for pictures that are resized and cropped already.
AS_THEY_ARE = {VIEW: "", "resize = [256, 252, 256, 256, 252]": "resize = 0"}


class Batch(Replay):
    """The draws of the images of one batch: what is drawn for all of them at once, each gets its part of."""

    def __init__(self, seed: int, images: int, ahead: Iterable[tuple[int, Sequence[int]]]) -> None:
        super().__init__(seed, of_torch=False)
        self._ahead = [self.state.randint(0, high, (images, *size)) for high, size in ahead]
        self._board: Any = None
        self._parts: Iterator[Any] = iter(())

    def begin(self, image: int) -> None:
        """Go on to an image of the batch."""
        self._parts = iter([drawn[image] for drawn in self._ahead])

    def integers(self, low: int, high: int, size: Any = None) -> Any:
        """Draw whole numbers: first those that were drawn for the whole batch."""
        part = next(self._parts, None)
        return self.state.randint(low, high, size) if part is None else part

    def uniform(self, low: float, high: float, size: Any) -> Any:
        """Draw the board, which all images of a batch share."""
        if self._board is None:
            self._board = self.state.uniform(low, high, size)
        return self._board


def compare_images(kept: Kept, entry: str, described: Mapping[str, Any]) -> Outcome:
    """Compare the images of a batch, or a bank of tiles with what is stored of it."""
    if entry.startswith("bank/"):
        is_equal = digest(kept.arrays[entry]) == described["sha256"]
        return (EQUAL, "") if is_equal else (DIFFERS, "the bank that is stored is another one")
    row, level, together = entry.removeprefix("pipeline/").split("/")
    names = together.split("+")
    changes = {} if entry.startswith("pipeline/") else dict(AS_THEY_ARE)
    if bank := described.get("bank"):
        if not (path := kept.folder / f"{bank.replace('/', '-')}.npy").exists():
            np.save(path, kept.arrays[bank])
        changes['tiles = "drawn"'] = f'tiles = "{kept.entries[bank]["sha256"]}"'
    table = rewritten("laion-c", kept.folder, f"laion-{len(changes)}-{str(bank).replace('/', '-')}", changes)
    tiles = len(kept.arrays[bank]) if bank else 0
    draws = Batch(described["seed"], len(names), drawn_ahead(row, int(level), tiles))
    before = os.environ.get(DIRECTORY_VARIABLE)
    os.environ[DIRECTORY_VARIABLE] = str(kept.folder)
    made = []
    try:
        for number, name in enumerate(names):
            draws.begin(number)
            made.append(corruptgen.corrupt(kept.picture(name), row, int(level), preset=table, rng=draws))
    finally:
        os.environ.pop(DIRECTORY_VARIABLE)
        if before is not None:
            os.environ[DIRECTORY_VARIABLE] = before
    if draws.state.random_sample() != described["next_random_sample"]:
        return DIFFERS, "another number of draws was taken"
    result = made[0] if len(made) == 1 else np.stack(made)
    return compare_pixels(kept, entry, {**described, "picture": together}, result, together)


def drawn_ahead(row: str, level: int, tiles: int) -> list[tuple[int, Sequence[int]]]:
    """Return the limits and sizes of what is drawn for all images of a batch before the first of them."""
    if row != "stickers":
        return []
    count = catalog.cell("laion-c", row, level).parameters["count"]
    return [(tiles, (count,)), (SIDE - STICKER, (count, 2))]


SYSTEMS: Mapping[str, System] = {"laion_c": System(compare_images)}
