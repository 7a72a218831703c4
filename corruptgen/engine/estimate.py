"""How many bytes a plan will take, measured on a few of its images."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from corruptgen.codecs.high_bit_depth import decode_image
from corruptgen.codecs.images import encode_image
from corruptgen.engine.block import Cells
from corruptgen.engine.plan import Plan
from corruptgen.errors import AssetError, MissingPackage, Rejected
from corruptgen.recipe.output_section import OutputChoice
from corruptgen.records import Rejection
from corruptgen.sinks.frames import frames_in, images_per_item
from corruptgen.sinks.protocol import check_depth
from corruptgen.threads import single_threaded
from corruptgen.values.choice import choose_evenly

MOST_READ, MOST_MEASURED, MOST_CELLS, MOST_FRAMES = 100, 3, 8, 3


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
    cells = Cells.of(plan.preset, recipe, plan.cells, plan.frames, plan.planes)
    # Of each cell that is measured: the number of its images of an item, and the bytes of one of them.
    sizes: list[tuple[int, float]] = []
    rejected: list[Rejection] = []
    looked_at = choose_evenly(plan.listing.items, MOST_READ)
    measured = 0
    with single_threaded():
        for item in looked_at:
            try:
                content = plan.source.read(item)
                image = decode_image(content, recipe.decode)
                cells.check(image)
                if not sizes:
                    recipe.output.check_depth(image.form.dtype, f"{recipe.name} [output]")
                elif not recipe.output.is_array:
                    check_depth(image.pixels, recipe.output.stored)
                image, _, _ = plan.inputs.add(item, content, image, plan.source.read)
            except Rejected as error:
                rejected.append(Rejection(item.id, str(error)))
                continue
            measured += 1
            if measured > MOST_MEASURED:
                continue
            for cell in choose_evenly(range(len(plan.cells)), MOST_CELLS):
                try:
                    images = cells.some_images(plan.cells[cell], image, item.id, MOST_FRAMES)
                except (AssetError, MissingPackage):
                    continue
                size = sum(_stored_size(recipe.output, found) for found in images) / len(images)
                if recipe.output.pairs and not recipe.output.declared.has_file_per_item:
                    size += _stored_size(recipe.output, cells.clean(image)) / len(images)
                sizes.append((max(1, frames_in(plan.frames, cell)), size))
    files = len(plan.listing.items) * images_per_item(plan.frames, len(plan.cells))
    total = sum(count * size for count, size in sizes) / max(1, sum(count for count, _ in sizes))
    return SizeEstimate(files, int(files * total), len(sizes), len(looked_at), tuple(rejected))


def _stored_size(output: OutputChoice, image: NDArray[Any]) -> int:
    """Return the bytes of an image as it is stored; frames of videos take less than these."""
    return image.nbytes if output.is_array else len(encode_image(image, output.stored))
