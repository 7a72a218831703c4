"""Files of the user's that a table names by the sha256 of their content, whatever they are called."""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from corruptgen.assets.textures import DIRECTORY_VARIABLE
from corruptgen.errors import AssetError
from corruptgen.runtime.caching import keep_arrays

# Members of a file of torch that hold the numbers of its tensors.
STORAGES = "/data/"


def find_supplied(sha256: str, what: str, advice: str) -> bytes:
    """Find content by its sha256 in the user's directory.

    Parameters
    ----------
    sha256 : str
        Of a whole file, of the numbers of an array in a `.npy`, or of those of a tensor in a `.pt`, none of which is
        ever unpickled.
    what : str
        What it is, for messages.
    advice : str
        Where it is to be had, for messages.

    Raises
    ------
    AssetError
        If no file has it; the message states what to do.
    """
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory:
        reason = f"{DIRECTORY_VARIABLE} is not set"
    elif not Path(directory).is_dir():
        reason = f"{DIRECTORY_VARIABLE} names no directory"
    else:
        for path in sorted(Path(directory).iterdir()):
            if path.is_file() and sha256 in _digests(path, path.stat().st_mtime_ns):
                return next(part for part in _parts(path) if hashlib.sha256(part).hexdigest() == sha256)
        reason = f"no file of the directory {DIRECTORY_VARIABLE} holds it"
    raise AssetError(
        f"{what} (sha256 {sha256[:12]}...) was not found: {reason}. {advice}, and set {DIRECTORY_VARIABLE} to the "
        "directory that it is in"
    )


@keep_arrays
def _digests(path: Path, _written: int) -> tuple[str, ...]:
    return tuple(hashlib.sha256(part).hexdigest() for part in _parts(path))


def _parts(path: Path) -> Iterator[bytes]:
    """Return the content of a file, and the numbers that are in it."""
    yield path.read_bytes()
    if path.suffix == ".npy":
        try:
            yield np.load(path, allow_pickle=False).tobytes()
        except (ValueError, EOFError):
            return  # not an array of numbers
    elif path.suffix == ".pt" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if STORAGES in name:
                    yield archive.read(name)
