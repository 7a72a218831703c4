"""A lock on an output: one build, or the shards of one build, write into it at a time.

The system drops the lock of a process that ends, however it ends: what is left of one that was killed is an empty file
that stops no process.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from corruptgen.errors import OutputError, describe_error

try:
    import fcntl
except ImportError:  # Windows has none; there, two builds in one output are the user's to avoid.
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

LOCK = ".corruptgen.lock"
# Longer than another process takes to let go, short enough to be told soon.
PATIENCE, PAUSE = 2.0, 0.05  # seconds
# Where nothing can be written there is nothing to be guarded: a finished output may exist there. Some network file
# systems are mounted without locks; a build there is worth more than none.
UNGUARDED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
FLAGS = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True)
class Lock:
    """A lock that is held; without files where the file system has no locks."""

    files: tuple[tuple[Path, int], ...] = ()
    """Each file and the descriptor that it was locked by."""

    @property
    def is_ours(self) -> bool:
        """Whether every file still is the one that was locked: an output that is removed takes its lock along."""
        try:
            return all(_is_same(path, descriptor) for path, descriptor in self.files)
        except OSError:
            return False

    @property
    def is_taken(self) -> bool:
        """Whether there is a file of another process in the place of one of them."""
        try:
            return any(path.exists() and not _is_same(path, descriptor) for path, descriptor in self.files)
        except OSError:
            return True


@contextmanager
def hold_lock(root: Path, part: str = "", part_lock: str = "") -> Iterator[Lock]:
    """Keep others out of an output.

    Parameters
    ----------
    root : Path
        The directory; made if it is missing, and removed again if it stays empty.
    part : str, default ""
        What is written here of an output that others write parts of at the same time, such as "shard 1/2"; empty: no
        other process is let in.
    part_lock : str, default ""
        The name of the file by which this part is locked.

    Raises
    ------
    OutputError
        If another process holds it, or the lock cannot be let go of at the end.
    """
    if root.exists() and not root.is_dir():
        raise OutputError(f"the output {root.name} is a file; choose a directory with --output")
    with ExitStack() as stack:
        if not root.exists():
            try:
                root.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make {root.name}: {describe_error(error)}") from error
            stack.callback(_remove_empty, root)
        files = []
        if fcntl:
            busy = f"the output {root.name}"
            files += stack.enter_context(_locked(root / LOCK, shared=bool(part), busy=busy))
            if part:
                busy = f"{part} of the output {root.name}"
                files += stack.enter_context(_locked(root / part_lock, shared=False, busy=busy))
        yield Lock(tuple(files))


@contextmanager
def _locked(path: Path, *, shared: bool, busy: str) -> Iterator[list[tuple[Path, int]]]:
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
    except OutputError:
        raise
    except OSError as error:
        if error.errno not in UNGUARDED:
            raise OutputError(f"cannot lock {busy}: {describe_error(error)}") from error
        yield []
        return
    try:
        yield [(path, lock)]
    except BaseException:
        # What went wrong inside is what has to be said.
        with suppress(OSError):
            _let_go(path, lock)
        raise
    try:
        _let_go(path, lock)
    except OSError as error:
        raise OutputError(
            f"all is done, but the lock of {busy} cannot be let go of: {describe_error(error)}; "
            f"remove the file {path.name}"
        ) from error


def _let_go(path: Path, lock: int) -> None:
    """Remove the file if no other process holds it, and close it in any case."""
    try:
        # The last one out removes the file; who came in meanwhile finds that it is another one, and tries again.
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(path, lock):
                path.unlink()
    except OSError as error:
        if error.errno not in UNGUARDED:
            raise
    finally:
        os.close(lock)


def _is_same(path: Path, descriptor: int) -> bool:
    """Check whether a path still leads to the file that is open."""
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except (FileNotFoundError, NotADirectoryError):
        return False


def _opened(path: Path, kind: int) -> int | None:
    """Open and lock a file, or return None if it is locked by another."""
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
        if _is_same(path, lock):
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
