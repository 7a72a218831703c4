"""Photographs to look at: the user's own, or one that scikit-image ships."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from corruptgen.runtime.extras import need
from corruptgen.tables.table import Preset

USUAL_SIDE = 224  # pixels, for tables that take any size
# By the domain of a table's corruptions, the function of skimage.data that returns a photograph it is made for.
SHIPPED = {"medical": "immunohistochemistry"}
USUAL = "chelsea"


@dataclass(frozen=True)
class Photograph:
    """A clean image with a name."""

    name: str
    pixels: NDArray[np.uint8]
    """(H, W, 1) or (H, W, 3)."""


def shipped_photograph(table: Preset, side: int = USUAL_SIDE) -> Photograph:
    """Return a photograph that scikit-image ships, cut to the size that the table is for unless it prepares pictures.

    Parameters
    ----------
    table : Preset
        The table it is for.
    side : int
        Pixels, for tables that take any size.

    Raises
    ------
    MissingPackage
        If scikit-image is not installed.
    """
    data = need("skimage.data", "a gallery without photographs of yours", "name some with --images")
    domains = {level.corruption.domain for row in table.rows.values() for level in row.uses}
    name = next((SHIPPED[domain] for domain in sorted(domains) if domain in SHIPPED), USUAL)
    if table.staging.changes:
        return Photograph(name, getattr(data, name)())
    height, width = table.sizes.allowed[0] if table.sizes.allowed else (side, side)
    picture = Image.fromarray(getattr(data, name)())
    return Photograph(name, np.asarray(ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)))
