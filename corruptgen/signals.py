"""Signals that ask a build to stop: the first lets it end what it is at, the second ends it at once."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
# A terminal and a launcher may both pass on the same key press.
ECHO = 0.5  # seconds


class Stop:
    """Whether a build was asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Tell whether a signal came."""
        return self.signal is not None


@contextmanager
def stopping(heard: Callable[[], None] = lambda: None) -> Iterator[Stop]:
    """Note SIGINT and SIGTERM instead of ending; a second one raises `KeyboardInterrupt`.

    Parameters
    ----------
    heard : called when the first one comes
    """
    stop, since = Stop(), 0.0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal since
        if stop.signal is None:
            stop.signal, since = number, time.monotonic()
            heard()
        elif time.monotonic() - since > ECHO:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def shielded() -> Iterator[None]:
    """Start workers that are deaf to these signals, which a terminal sends to all: only their parent ends them."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        # Some start with handlers of their own.
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
