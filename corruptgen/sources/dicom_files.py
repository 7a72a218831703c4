"""DICOM files of a folder: known by their content, and each frame of several an image, as `file.dcm#12`."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from corruptgen.codecs import dicom
from corruptgen.codecs.dicom_header import is_dicom, is_directory, read_frame_count, read_header, stored_frames
from corruptgen.codecs.windowing import StoredSamples
from corruptgen.errors import Rejected, SourceError
from corruptgen.runtime.trouble import is_trouble, unreadable
from corruptgen.sources.nifti import reading_volume
from corruptgen.store.names import storable

# Tables and lists beside the images.
LISTS = (".csv", ".jsonl", ".parquet", ".txt", ".json")
FRAME = re.compile(r"(.+)#(\d{1,9})", re.DOTALL)
# Of what is read to know a file: the preamble, and what says that it is the directory of a medium.
PROBED = 1024  # bytes
# Of files that are not wanted, looked at for a hint; more would take time for nothing.
MOST_PROBED = 2000


def looks_like_dicom(path: str | os.PathLike[str]) -> bool:
    """Check whether the content of a file is DICOM and not the directory of a medium, whatever its name is."""
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            start = file.read(PROBED)
    except OSError as error:
        # What is hindered by the machine may well be an image, and is not left out for good.
        if is_trouble(error):
            raise unreadable(storable(os.path.basename(path)), error) from error
        return False
    return is_dicom(start) and not is_directory(start)


def hint(root: Path, others: Iterable[str]) -> str:
    """Return how many of the ignored files look like DICOM, and what reads them; "" if there are none."""
    names = sorted(others)
    found = 0
    for name in names[:MOST_PROBED]:
        # A hint is not worth an error: no user has asked for these files.
        with suppress(SourceError):
            found += looks_like_dicom(root / name)
    if not found:
        return ""
    more = "at least " if len(names) > MOST_PROBED else ""
    files = "1 of the other files looks" if found == 1 and not more else f"{more}{found} of the other files look"
    return f'{files} like DICOM; window in [decode], such as window = "header", reads them (docs/medical.md)'


def frame_of(name: str) -> tuple[str, int] | None:
    """Take the id of a frame apart: the name of the file and the number, from 1; None if it is none."""
    found = FRAME.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def frame_ids(path: Path, name: str) -> Iterator[str]:
    """List the ids of the images in a file: its name if it holds one, else one for each frame, as DICOM counts them.

    Raises
    ------
    Rejected
        If it claims more frames than it can hold.
    """
    with reading_volume(path):
        try:
            count = read_frame_count(path)
        except Rejected:
            raise
        # What lacks parts of its header is one image, which is refused with the reason when it is decoded.
        except (AttributeError, ValueError, NotImplementedError):
            count = 1
    digits = len(str(count))
    return iter([name] if count == 1 else [f"{name}#{number:0{digits}d}" for number in range(1, count + 1)])


def read_dicom_frame(path: Path, number: int) -> StoredSamples:
    """Decode a frame, from 1, of a file of several.

    Raises
    ------
    Rejected
        If the file is damaged, or has no such frame.
    """
    with reading_volume(path):
        found = path.stat()
        header = _opened(path, f"{found.st_ino} {found.st_size} {found.st_mtime_ns}")
        count = stored_frames(header)
        if not 1 <= number <= count:
            raise Rejected(f"is not in the file, which has {count} frames")
        return replace(dicom.read_frame(header, number - 1), siblings=count)


@lru_cache(maxsize=1)
def _opened(path: Path, state: str) -> Any:
    """Parse the file that is at work, once per process while it stays as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_header(path.read_bytes())
