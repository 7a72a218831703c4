"""Memory that the kernels of a thread work in, kept from call to call: new memory is dear the first time it is written.

Nothing in it outlives the call of a kernel, and no result may lie in it.
"""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What is kept at most of each type; larger arrays are allocated each time.
LARGEST = 2**24
# Blocks of samples are fetched fastest from where the processor's own lines of memory begin.
ALIGNMENT = 64

_kept = threading.local()


def scratch_array(dtype: str, size: int) -> NDArray[Any]:
    """Return an array of at least `size` elements, which hold anything.

    The next call of this thread with this type gives the same one: a kernel gets one array of a type at most.
    """
    array: NDArray[Any] | None = getattr(_kept, dtype, None)
    if array is None or array.size < size:
        array = _aligned(np.dtype(dtype), size)
        if array.nbytes <= LARGEST:
            setattr(_kept, dtype, array)
    return array


def _aligned(dtype: np.dtype[Any], size: int) -> NDArray[Any]:
    memory = np.empty(size * dtype.itemsize + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size * dtype.itemsize].view(dtype)
