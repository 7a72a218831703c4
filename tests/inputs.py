"""What rows take beside the image, for tests that try every row there is."""

import numpy as np

from corruptgen.tables import catalog


def planes_for(preset, row, image):
    """Return the inputs of a row as planes with a gradient and specks in them; None if it takes none."""
    names = catalog.preset(preset).rows[row].inputs
    height, width = image.shape[:2]
    down, right = np.mgrid[0:height, 0:width]
    slope = 0.2 + 0.7 * (down + right) / (height + width)
    specks = ((31 * down * down + 7 * right) % 41 < 3).astype(float)
    return {name: specks if name == "mask" else slope for name in names} or None
