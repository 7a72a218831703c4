"""People before the camera."""

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.supplied import find_supplied
from corruptgen.declare import BytesColour, LevelsColour, corruption
from corruptgen.errors import AssetError
from corruptgen.patterns.figures import GROUPS, crowd_cutout
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays

DRAWN = "drawn"


@corruption
def pasted_cutout(image: BytesColour, rng: Draws, *, share: float, cutouts: str) -> LevelsColour:
    """Paste one of several cut-outs of people over the image, anywhere.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        Samples in [0, 255].
    share : float
        Height and width of the cut-out as fractions of those of the image; more is worse.
    cutouts : str
        "drawn", six groups of people that are drawn, or the sha256 of picture files with an alpha channel in a
        directory of the user's, parted by spaces; red and blue of these are exchanged, as in the original.

    References
    ----------
    AVRobustBench, https://github.com/sarthaxxxxx/AV-C-Robustness-Benchmark
    """
    files = [] if cutouts == DRAWN else cutouts.split()
    number = int(rng.integers(len(files) or len(GROUPS)))
    cutout = _supplied_cutout(files[number]) if files else crowd_cutout(number)
    height, width = image.shape[:2]
    tall, wide = max(1, int(height * share)), max(1, int(width * share))
    small = cv2.resize(cutout, (wide, tall), interpolation=cv2.INTER_LINEAR)
    left = int(rng.integers(0, width - wide + 1))
    top = int(rng.integers(0, height - tall + 1))
    opacity = small[..., 3:] / 255
    result = image.astype(np.float64)
    covered = result[top : top + tall, left : left + wide]
    covered[:] = opacity * small[..., :3] + (1 - opacity) * covered
    return result


@keep_arrays
def _supplied_cutout(sha256: str) -> NDArray[np.uint8]:
    """Return a cut-out of the user's, (H, W, 4), in the order of channels that OpenCV reads."""
    advice = "Put the cut-outs that the table names into a directory"
    content = np.frombuffer(find_supplied(sha256, "the cut-out", advice), np.uint8)
    cutout = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if cutout is None or cutout.ndim != 3 or cutout.shape[2] != 4 or cutout.dtype != np.uint8:
        raise AssetError(
            f"the cut-out with sha256 {sha256[:12]}... is no picture of 8 bits with an alpha channel; name one that is"
        )
    return np.asarray(cutout, np.uint8)
