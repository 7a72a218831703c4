"""People before the camera."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from corruptgen.assets.supplied import find_supplied
from corruptgen.declare import BytesColour, LevelsColour, UnitColour, corruption
from corruptgen.errors import AssetError
from corruptgen.patterns.figures import CLOTHES, GROUPS, HAIR, SIDE, crowd_cutout, figure_cutout
from corruptgen.patterns.layers import averaged, fineness
from corruptgen.randomness.draws import Draws
from corruptgen.runtime.caching import keep_arrays

DRAWN = "drawn"
# Of people in a row: their size as a fraction of the shorter side, how near they stand as a fraction of their size, and
# how much lower the smallest are.
FIGURE, SPACING, LOWER = 0.62, 0.42, 0.16


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


@corruption
def crowd_in_front(image: UnitColour, rng: Draws, *, height: float) -> UnitColour:
    """Let people stand before the camera, side by side and seen from behind.

    Parameters
    ----------
    image : ndarray of float, shape (H, W, 3)
        Samples in [0, 1].
    height : float
        How high the tallest of them reaches, as a fraction of the image's height; more is worse, 0 leaves the image
        alone.

    References
    ----------
    Ours, after an idea of AVRobustBench.
    """
    samples = fineness(image.shape)
    tall, wide = (length * samples for length in image.shape[:2])
    side = FIGURE * min(tall, wide)
    count = max(1, round(wide / (SPACING * side)))
    draws = rng.random((count, 4))
    cover = np.zeros((tall, wide, 4), np.float32)
    # Smaller ones stand behind.
    for figure in np.argsort(draws[:, 0], kind="stable")[::-1]:
        smallness, sideways, hair, cloth = draws[figure]
        top = tall * (1 - height) + smallness * LOWER * side
        left = (figure + 0.5 + 0.4 * (sideways - 0.5)) / count * wide - side / 2
        window = slice(max(0, int(top)), tall), slice(max(0, int(left)), min(wide, math.ceil(left + side) + 1))
        move = np.array([[side / SIDE, 0, left - window[1].start], [0, side / SIDE, top - window[0].start]])
        person = figure_cutout(int(hair * len(HAIR)), int(cloth * len(CLOTHES)))
        # Bodies go on below what is drawn of them.
        behind = cover[window]
        size = (behind.shape[1], behind.shape[0])
        if min(size) == 0:
            continue
        placed = cv2.warpAffine(person, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        behind[:] = placed + (1 - placed[..., 3:]) * behind
    people = np.stack([averaged(np.ascontiguousarray(cover[..., i]), samples) for i in range(4)], axis=-1)
    return image * (1 - people[..., 3:]) + people[..., :3]
