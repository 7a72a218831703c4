"""Where this process stands among those of a data loader: fresh keys that no other worker, fork or rank draws."""

import os
import random
import sys
from typing import Any

import cv2

# A forked child has the same modules in memory, a spawned one loads them again: only in a fork does the number differ.
_HOME = os.getpid()
_BITS = 63
_settled = 0


def torch_if_loaded() -> Any | None:
    """Return torch if this process uses it, without loading it."""
    return sys.modules.get("torch")


def loader_worker() -> int | None:
    """Return the number of this worker of a torch DataLoader; None in any other process."""
    info = _worker_info()
    return None if info is None else int(info.id)


def loader_seed() -> int | None:
    """Return the number that the DataLoader has seeded this worker by, another one in every epoch; None elsewhere."""
    info = _worker_info()
    return None if info is None else int(info.seed)


def _worker_info() -> Any | None:
    data = sys.modules.get("torch.utils.data")
    return data.get_worker_info() if data is not None else None


def rank() -> int | None:
    """Return the rank of this process in a distributed run; None where this process does not know it."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank())
    written = os.environ.get("RANK", "")
    return int(written) if written.isdecimal() else None


def fresh_digits() -> str:
    """Draw a name that no other draw has, from the generator that the framework seeds.

    That is torch's where torch is loaded: the DataLoader reseeds it in every worker and for every epoch. Elsewhere,
    and in a forked process that is no worker of a DataLoader, it is Python's, which reseeds itself after a fork;
    torch's and numpy's would produce the same numbers.
    """
    torch = torch_if_loaded()
    if torch is None or (loader_worker() is None and os.getpid() != _HOME):
        high, low = random.getrandbits(_BITS), random.getrandbits(_BITS)
    else:
        high, low = torch.randint(0, 2**_BITS - 1, (2,), device="cpu").tolist()
    return f"{high:016x}{low:016x}"


def settle() -> None:
    """Keep OpenCV to one thread in the workers of a DataLoader, which share the processors among them."""
    global _settled  # noqa: PLW0603
    if _settled != os.getpid():
        _settled = os.getpid()
        if loader_worker() is not None:
            # Not 1, which would wait for threads that a forked process does not have.
            cv2.setNumThreads(0)
