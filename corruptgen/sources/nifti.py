"""NIfTI volumes: their axial slices are images, seen as radiologists see them."""

import gzip
import io
import logging
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import Rejected
from corruptgen.extras import need
from corruptgen.imaging.codec import strict
from corruptgen.imaging.geometry import check_area
from corruptgen.imaging.windowing import Acquired, array_acquired
from corruptgen.sources.places import OUT_OF_MEANS

EXTENSIONS = (".nii", ".nii.gz")
SLICE = re.compile(r"(.+\.nii(?:\.gz)?)#(\d{4,})", re.IGNORECASE | re.DOTALL)
# A packed volume is unpacked as a whole, since its slices can only be reached in turn.
MOST_BYTES = 1 << 32


@dataclass(frozen=True)
class Volume:
    """What the header of a volume says."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    """Where the samples begin, the first axis running fastest."""
    slope: float
    intercept: float
    axes: tuple[int, int, int]
    """The axes of the file that run nearest to right, to the front and upwards."""
    flips: tuple[bool, bool, bool]
    """Whether each of these runs the other way."""
    advised: tuple[float, float] | None

    @property
    def size(self) -> int:
        """Bytes up to the last sample."""
        return prod(self.shape) * self.dtype.itemsize + self.offset

    @property
    def slices(self) -> int:
        """The number of axial slices."""
        return self.shape[self.axes[2]]


def is_nifti(name: str) -> bool:
    """Tell whether a name ends like that of a volume."""
    return name.lower().endswith(EXTENSIONS)


def is_packed(path: Path) -> bool:
    """Tell whether a volume is compressed."""
    return path.suffix.lower() == ".gz"


def slice_of(name: str) -> tuple[str, int] | None:
    """Take the id of a slice apart: the name of the volume and the number; None if it is none."""
    found = SLICE.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def slice_ids(path: Path, name: str) -> list[str]:
    """List the ids of the slices of a volume, from below; raise `Rejected` if it cannot be read."""
    return [f"{name}#{number:04d}" for number in range(_volume(path, _state(path)).slices)]


def read(path: Path, number: int) -> Acquired:
    """Give a slice: the front of the patient above, the right side on the left.

    Raises
    ------
    Rejected
        If the file is damaged or gone, or has no such slice.
    """
    state = _state(path)
    volume = _volume(path, state)
    if number >= volume.slices:
        raise Rejected(f"is not in the volume, which has {volume.slices} slices")
    found = array_acquired(_plane(path, state, volume, number))
    return Acquired(found.pixels, found.bits, volume.slope, volume.intercept, volume.advised)


def _plane(path: Path, state: str, volume: Volume, number: int) -> NDArray[Any]:
    nibabel = need("nibabel", "a NIfTI volume")

    right, front, up = volume.axes
    wanted: list[Any] = [slice(None)] * 3
    wanted[up] = volume.slices - 1 - number if volume.flips[2] else number
    take: Any = nibabel.fileslice.fileslice
    with _reporting(path), _opened(path, state, volume.size) as file:
        plane = np.asarray(take(file, tuple(wanted), volume.shape, volume.dtype, volume.offset, order="F"))
    # Rows run from the front to the back and columns from right to left of the patient.
    plane = plane if front < right else plane.T
    plane = plane if volume.flips[1] else plane[::-1]
    return plane if volume.flips[0] else plane[:, ::-1]


@lru_cache(maxsize=64)
def _volume(path: Path, state: str) -> Volume:
    """Read a header, once per process while the file stays as it is."""
    nibabel = need("nibabel", "a NIfTI volume")

    with _reporting(path):
        image: Any = nibabel.load(path)
        shape = tuple(int(side) for side in image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) == 2:
            shape = (*shape, 1)
        if len(shape) != 3:
            raise Rejected(f"has {len(shape)} axes, that is several volumes; write each into a file of its own first")
        proxy, header = image.dataobj, image.header
        slope, intercept = float(proxy.slope), float(proxy.inter)
        if not (np.isfinite(slope) and np.isfinite(intercept)):
            raise Rejected(f"has the slope {slope:g} and intercept {intercept:g}, which give no units")
        orient: Any = nibabel.io_orientation
        orientation = orient(image.affine)
        if np.isnan(orientation).any():
            raise Rejected("has an affine that does not say where its axes run")
        order = [int(np.flatnonzero(orientation[:, 0] == axis)[0]) for axis in range(3)]
        for side in (order[0], order[1]):
            check_area(shape[side], shape[order[0] + order[1] - side])
        low, high = float(header["cal_min"]), float(header["cal_max"])
        volume = Volume(
            shape=(shape[0], shape[1], shape[2]),
            dtype=proxy.dtype,
            offset=int(proxy.offset),
            slope=slope,
            intercept=intercept,
            axes=(order[0], order[1], order[2]),
            flips=tuple(bool(orientation[axis, 1] < 0) for axis in order),  # type: ignore[arg-type]
            advised=(low, high) if np.isfinite(high - low) and high > low else None,
        )
        if volume.size > MOST_BYTES:
            raise Rejected(f"claims {volume.size} bytes; at most {MOST_BYTES} are taken")
        if not is_packed(path):
            _check_length(volume.size, path.stat().st_size)
        return volume


def _opened(path: Path, state: str, size: int) -> BinaryIO:
    if not is_packed(path):
        return path.open("rb")
    content = _unpacked(path, state)
    _check_length(size, len(content))
    return io.BytesIO(content)


def _check_length(claimed: int, found: int) -> None:
    if found < claimed:
        raise Rejected(f"is cut off: its header claims {claimed} bytes, there are {found}")


@lru_cache(maxsize=1)
def _unpacked(path: Path, state: str) -> bytes:
    """Unpack the volume that is at work, once per process."""
    with gzip.open(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Rejected(f"has more than {MOST_BYTES} bytes when it is unpacked; unpack it first")
    return content


def _state(path: Path) -> str:
    with _reporting(path):
        found = path.stat()
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


@contextmanager
def _reporting(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a volume is read into a rejection, which does not name folders of this machine."""
    try:
        # Warnings and logs belong to the process, so one thread reads at a time.
        with strict(), warnings.catch_warnings(), _silent(logging.getLogger("nibabel.global")):
            warnings.simplefilter("ignore")
            yield
    except Rejected:
        raise
    except OSError as error:
        if error.errno in OUT_OF_MEANS:
            raise
        raise Rejected(f"cannot be read: {error.strerror or type(error).__name__}") from error
    except (EOFError, zlib.error) as error:
        raise Rejected("cannot be read: its packed bytes are damaged") from error
    # Headers that are fed broken bytes raise whatever they stumble upon.
    except Exception as error:
        message = " ".join(str(error).replace(str(path), path.name).split())[:160]
        raise Rejected(f"cannot be read: {message or type(error).__name__}") from error


@contextmanager
def _silent(log: logging.Logger) -> Iterator[None]:
    """Keep a library's complaints about headers off the terminal."""
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
