"""How many bytes a plan will take, measured on a few of its images."""

from dataclasses import dataclass
from typing import TypeVar

from corruptgen.block import Cells
from corruptgen.errors import AssetError, Rejected
from corruptgen.imaging.codec import encoded
from corruptgen.imaging.deep import picture
from corruptgen.plan import Plan
from corruptgen.sinks.protocol import check_depth
from corruptgen.threads import single_threaded

MOST_ITEMS, MOST_CELLS = 3, 8

T = TypeVar("T")


@dataclass(frozen=True)
class Estimate:
    """What a plan comes to."""

    files: int
    size: int
    """Bytes; 0 if nothing could be measured."""
    measured: int
    """Images that were made to measure them."""


def estimate(plan: Plan) -> Estimate:
    """Make a few images of a plan in memory and conclude from their size; rows whose pictures are missing stay out."""
    recipe = plan.recipe
    cells = Cells.of(plan.preset, recipe, plan.cells)
    sizes: list[int] = []
    with single_threaded():
        for item in _spread(plan.listing.items, MOST_ITEMS):
            try:
                image = picture(plan.source.read(item), recipe.decode)
                cells.check(image.pixels)
                if not sizes:
                    recipe.output.check_depth(image.form.dtype, f"{recipe.name} [output]")
                elif not recipe.output.is_array:
                    check_depth(image.pixels, recipe.output.stored)
            except Rejected:
                continue
            for name in _spread(plan.cells, MOST_CELLS):
                try:
                    result = cells.apply(name, image, item.id)
                    stored = result.tobytes() if recipe.output.is_array else encoded(result, recipe.output.stored)
                    sizes.append(len(stored))
                except AssetError:
                    continue
    files = len(plan.listing.items) * len(plan.cells)
    return Estimate(files, files * sum(sizes) // len(sizes) if sizes else 0, len(sizes))


def _spread(things: tuple[T, ...], count: int) -> list[T]:
    """Choose some of many, evenly from the first to the last."""
    if len(things) <= count:
        return list(things)
    return [things[i * (len(things) - 1) // (count - 1)] for i in range(count)]
