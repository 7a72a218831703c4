"""What a source gives for an item: the bytes of an image file, or the pixels themselves."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Content = bytes | NDArray[np.uint8]


def source_digest(content: Content) -> str:
    """Give the sha256 of the bytes of a file; of pixels: of their type, their shape and their bytes."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    shape = "x".join(map(str, content.shape))
    return hashlib.sha256(f"{content.dtype.str} {shape}\0".encode() + content.tobytes()).hexdigest()
