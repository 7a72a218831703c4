"""How many bytes a plan will take, measured on a few of its images."""

from dataclasses import dataclass

from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.images import encode_image
from corruptgen.engine.block import Cells
from corruptgen.engine.plan import Plan
from corruptgen.errors import AssetError, Rejected
from corruptgen.records import Rejection
from corruptgen.sinks.protocol import check_depth
from corruptgen.threads import single_threaded
from corruptgen.values.choice import choose_evenly

MOST_READ, MOST_MEASURED, MOST_CELLS = 100, 3, 8


@dataclass(frozen=True)
class SizeEstimate:
    """What a plan comes to."""

    files: int
    size: int
    """Bytes; 0 if nothing could be measured."""
    measured: int
    """Images that were made to measure them."""
    looked_at: int
    """Items that were read."""
    rejected: tuple[Rejection, ...]
    """Those among them that `generate` would reject."""


def estimate_size(plan: Plan) -> SizeEstimate:
    """Read some items of a plan, make images of a few in memory and conclude from their size.

    Rows whose pictures are missing stay out.
    """
    recipe = plan.recipe
    cells = Cells.of(plan.preset, recipe, plan.cells)
    sizes: list[int] = []
    rejected: list[Rejection] = []
    looked_at = choose_evenly(plan.listing.items, MOST_READ)
    measured = 0
    with single_threaded():
        for item in looked_at:
            try:
                image = decode_image(plan.source.read(item), recipe.decode)
                cells.check(image)
                if not sizes:
                    recipe.output.check_depth(image.form.dtype, f"{recipe.name} [output]")
                elif not recipe.output.is_array:
                    check_depth(image.pixels, recipe.output.stored)
            except Rejected as error:
                rejected.append(Rejection(item.id, str(error)))
                continue
            measured += 1
            if measured > MOST_MEASURED:
                continue
            for name in choose_evenly(plan.cells, MOST_CELLS):
                try:
                    result = cells.apply(name, image, item.id)
                    stored = result.tobytes() if recipe.output.is_array else encode_image(result, recipe.output.stored)
                    sizes.append(len(stored))
                except AssetError:
                    continue
    files = len(plan.listing.items) * len(plan.cells)
    return SizeEstimate(
        files, files * sum(sizes) // len(sizes) if sizes else 0, len(sizes), len(looked_at), tuple(rejected)
    )
