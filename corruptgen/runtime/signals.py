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
        """Check whether a signal was received."""
        return self.signal is not None


@contextmanager
def stopping(on_signal: Callable[[], None] = lambda: None) -> Iterator[Stop]:
    """Note SIGINT and SIGTERM instead of ending; a second one raises `KeyboardInterrupt`.

    Parameters
    ----------
    on_signal : callable
        Called when the first one comes.
    """
    stop, since = Stop(), 0.0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal since
        if stop.signal is None:
            stop.signal, since = number, time.monotonic()
            on_signal()
        elif time.monotonic() - since > ECHO:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in STOPPING}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def workers_ignore_signals() -> Iterator[None]:
    """Start workers that are deaf to these signals, which a terminal sends to all: only their parent ends them."""
    if not _is_main() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        with preserve_handlers():
            for number in STOPPING:
                # Loky lifts the mask while it starts its workers; they inherit this as well.
                signal.signal(number, signal.SIG_IGN)
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def preserve_handlers() -> Iterator[None]:
    """Keep our handlers where others bring their own."""
    handlers = {number: signal.getsignal(number) or signal.SIG_DFL for number in STOPPING}
    try:
        yield
    finally:
        if _is_main():
            for number, handler in handlers.items():
                signal.signal(number, handler)


def ignore_signals() -> None:
    """Ignore these signals from now on."""
    if _is_main():
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
