"""What a source gives for an item: the bytes of an image file, or the pixels themselves."""

import hashlib
from typing import Any

from numpy.typing import NDArray

from corruptgen.imaging.windowing import Acquired

Content = bytes | NDArray[Any] | Acquired


def source_digest(content: Content) -> str:
    """Give the sha256 of the bytes of a file; of pixels: of their type, their shape, their bytes and their meaning."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    if isinstance(content, Acquired):
        meaning = repr((content.bits, content.slope, content.intercept, content.advised))
        if content.padded is not None:
            meaning += source_digest(content.padded)
        return hashlib.sha256(f"{meaning} {source_digest(content.pixels)}".encode()).hexdigest()
    shape = "x".join(map(str, content.shape))
    return hashlib.sha256(f"{content.dtype.str} {shape}\0".encode() + content.tobytes()).hexdigest()
