"""Threads inside of libraries: kept to one, because the workers share the processors among them."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import cv2
import numba
from threadpoolctl import threadpool_limits

_lock = threading.Lock()
_limits = ExitStack()
_users = 0


@contextmanager
def single_threaded() -> Iterator[None]:
    """Keep OpenCV, BLAS, OpenMP and numba to one thread while anyone in this process is inside.

    The limits belong to the process, so the first to come sets them and the last to go lifts them. They also keep the
    order in which a sum is taken, and so its last bit, from depending on the number of processors.
    """
    global _limits, _users  # noqa: PLW0603
    with _lock:
        if _users == 0:
            _limits = _limited()
        _users += 1
    # OpenMP and numba keep a number of their own for every thread.
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        with threadpool_limits(1, user_api="openmp"):
            yield
    finally:
        numba.set_num_threads(before)
        with _lock:
            _users -= 1
            if _users == 0:
                _limits.close()


def _limited() -> ExitStack:
    limits = ExitStack()
    limits.callback(cv2.setNumThreads, cv2.getNumThreads())
    # Not 1: if this process was forked from one that used several, that would wait for threads that do not exist.
    cv2.setNumThreads(0)
    limits.enter_context(threadpool_limits(1))
    return limits
