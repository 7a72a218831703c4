"""Real photographs at any size, and wrappers around draws, for all tests."""

from functools import lru_cache

import cv2
import numpy as np
from skimage import data


@lru_cache(maxsize=256)
def photograph(height, width, channels=3, name="astronaut"):
    """Return a photograph that scikit-image ships, cut to the aspect ratio and resized; read-only."""
    picture = getattr(data, name)()[..., :3]
    rows, columns = picture.shape[:2]
    scale = min(rows / height, columns / width)
    cut = picture[: max(1, int(height * scale)), : max(1, int(width * scale))]
    small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
    if channels == 1:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)[..., None]
    small = np.ascontiguousarray(small)
    small.flags.writeable = False
    return small


class Plain:
    """A wrapper that hides the type of a stream, so that every helper takes its plain path."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)
