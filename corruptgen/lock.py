"""A lock on an output: one build, or the shards of one build, write into it at a time.

The system drops the lock of a process that ends, however it ends: what is left of one that was killed is an empty file
that stops nobody.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from corruptgen.errors import OutputError
from corruptgen.shards import LOCK, Shard

try:
    import fcntl
except ImportError:  # Windows has none; there, two builds in one output are the user's to avoid.
    fcntl = None  # type: ignore[assignment]

# Longer than another process takes to let go, short enough to be told soon.
PATIENCE, PAUSE = 2.0, 0.05  # seconds
# Where nothing can be written there is nothing to be guarded: a finished output may lie there. Some network file
# systems are mounted without locks; a build there is worth more than none.
UNGUARDED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
FLAGS = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def held(root: Path, shard: Shard | None = None) -> Iterator[None]:
    """Keep others out of an output.

    Parameters
    ----------
    root : the directory; made if it is not there, and removed again if it stays empty
    shard : let in those who make other shards, nobody else; None: nobody

    Raises
    ------
    OutputError
        If somebody else is in it.
    """
    if root.exists() and not root.is_dir():
        raise OutputError(f"the output {root.name} is a file; choose a directory with --output")
    with ExitStack() as stack:
        if not root.exists():
            try:
                root.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make {root.name}: {error.strerror or type(error).__name__}") from error
            stack.callback(_remove_empty, root)
        if fcntl:
            stack.enter_context(_locked(root / LOCK, shared=shard is not None, busy=f"the output {root.name}"))
            if shard:
                busy = f"shard {shard} of the output {root.name}"
                stack.enter_context(_locked(root / shard.lock, shared=False, busy=busy))
        yield


@contextmanager
def _locked(path: Path, *, shared: bool, busy: str) -> Iterator[None]:
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    deadline = time.monotonic() + PATIENCE
    try:
        while (lock := _opened(path, kind)) is None:
            if time.monotonic() > deadline:
                raise OutputError(
                    f"{busy} is being written by another process; wait until that has ended, "
                    "or choose another directory with --output"
                )
            time.sleep(PAUSE)
    except OSError as error:
        if error.errno not in UNGUARDED:
            raise OutputError(f"cannot lock {busy}: {error.strerror or type(error).__name__}") from error
        yield
        return
    try:
        yield
    finally:
        # The last one out removes the file; who came in meanwhile finds that it is another one, and tries again.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        os.close(lock)


def _opened(path: Path, kind: int) -> int | None:
    """Open and lock a file, or give None if it is locked by another."""
    lock = os.open(path, os.O_RDONLY | FLAGS, 0o666)
    try:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            # Network file systems lock only what is open for writing.
            os.close(lock)
            lock = os.open(path, os.O_RDWR | FLAGS, 0o666)
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(lock).st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(lock)
        with suppress(OSError):
            path.unlink()
        raise
    os.close(lock)
    return None


def _remove_empty(root: Path) -> None:
    with suppress(OSError):
        root.rmdir()
