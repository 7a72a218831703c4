"""NIfTI volumes: their axial slices are images, seen as radiologists see them."""

import gzip
import io
import logging
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from corruptgen.codecs.geometry import check_area
from corruptgen.codecs.guard import strict
from corruptgen.codecs.windowing import DTYPES, StoredSamples, samples_of_array, turn_around
from corruptgen.errors import CorruptgenError, Rejected, describe_error
from corruptgen.runtime.extras import need
from corruptgen.runtime.trouble import is_trouble, unreadable

EXTENSIONS = (".nii", ".nii.gz")
SLICE = re.compile(r"(.+\.nii(?:\.gz)?)#(\d{4,})", re.IGNORECASE | re.DOTALL)
# A packed volume is unpacked as a whole, since its slices can only be reached in turn.
MOST_BYTES = 1 << 32
# What may come behind the samples of a packed volume.
LONGEST_REST = 1 << 20  # bytes
LARGEST_RATIO = 1032  # Deflate cannot make anything more than this many times smaller.
CHUNK = 1 << 20  # bytes or samples
# Headers of both versions: the length that they begin with, the class of nibabel, and the words of single files.
HEADERS = ((348, "Nifti1Header", b"n+1\0", 344), (540, "Nifti2Header", b"n+2\0", 4))
# Types that samples of others are kept in where that loses nothing, in the order in which they are tried.
KEPT = {"i": ("int16", "uint16", "float32"), "u": ("uint16", "float32"), "f": ("float32",)}


@dataclass(frozen=True)
class Volume:
    """What the header of a volume states."""

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
    affine: tuple[float, ...]
    """From voxels, counted along these axes, to millimetres, row by row."""
    advised: tuple[float, float] | None
    kept: np.dtype[Any]
    """The type in which samples are kept: the file's own, or one that holds each of them exactly."""

    @property
    def size(self) -> int:
        """Bytes up to the last sample."""
        return prod(self.shape) * self.dtype.itemsize + self.offset

    @property
    def slices(self) -> int:
        """The number of axial slices."""
        return self.shape[self.axes[2]]


def is_nifti(name: str) -> bool:
    """Check whether a name ends like that of a volume."""
    return name.lower().endswith(EXTENSIONS)


def is_packed(path: Path) -> bool:
    """Check whether a volume is compressed."""
    return path.suffix.lower() == ".gz"


def slice_of(name: str) -> tuple[str, int] | None:
    """Take the id of a slice apart: the name of the volume and the number; None if it is none."""
    found = SLICE.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def slice_ids(path: Path, name: str) -> list[str]:
    """List the ids of the slices of a volume, from below; raise `Rejected` if it cannot be read."""
    return [f"{name}#{number:04d}" for number in range(_volume(path, _state(path)).slices)]


def read_nifti(path: Path, number: int) -> StoredSamples:
    """Return a slice: the front of the patient above, the right side on the left.

    Raises
    ------
    Rejected
        If the file is damaged or gone, or has no such slice.
    """
    state = _state(path)
    volume = _volume(path, state)
    if number >= volume.slices:
        raise Rejected(f"is not in the volume, which has {volume.slices} slices")
    found = samples_of_array(_plane(path, state, volume, number).astype(volume.kept))
    plain = replace(
        found,
        slope=volume.slope,
        intercept=volume.intercept,
        advised=volume.advised,
        siblings=volume.slices,
        affine=volume.affine,
    )
    return turn_around(plain) if volume.slope < 0 else plain


def _plane(path: Path, state: str, volume: Volume, number: int) -> NDArray[Any]:
    nibabel = need("nibabel", "a NIfTI volume")

    right, front, up = volume.axes
    wanted: list[Any] = [slice(None)] * 3
    wanted[up] = volume.slices - 1 - number if volume.flips[2] else number
    take: Any = nibabel.fileslice.fileslice
    with reading_volume(path), _opened(path, state, volume.size) as file:
        plane = np.asarray(take(file, tuple(wanted), volume.shape, volume.dtype, volume.offset, order="F"))
    # Rows run from the front to the back and columns from right to left of the patient.
    plane = plane if front < right else plane.T
    plane = plane if volume.flips[1] else plane[::-1]
    return plane if volume.flips[0] else plane[:, ::-1]


@lru_cache(maxsize=64)
def _volume(path: Path, state: str) -> Volume:
    """Read a header, once per process while the file stays as it is."""
    nibabel = need("nibabel", "a NIfTI volume")

    with reading_volume(path):
        header = _header(path)
        shape = tuple(int(side) for side in header.get_data_shape())
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) == 2:
            shape = (*shape, 1)
        if len(shape) != 3:
            raise Rejected(f"has {len(shape)} axes, that is several volumes; write each into a file of its own first")
        if min(shape) < 1:
            raise Rejected(f"has no samples (its shape is {shape})")
        slope, intercept = (float(value) for value in _units(header))
        if not (np.isfinite(slope) and np.isfinite(intercept) and slope):
            raise Rejected(f"has the slope {slope:g} and intercept {intercept:g}, which define no units")
        orient: Any = nibabel.io_orientation
        affine = header.get_best_affine()
        orientation = orient(affine)
        if np.isnan(orientation).any():
            raise Rejected("has an affine that does not state where its axes run")
        along = affine @ nibabel.orientations.inv_ornt_aff(orientation, shape)
        order = [int(np.flatnonzero(orientation[:, 0] == axis)[0]) for axis in range(3)]
        for side in (order[0], order[1]):
            check_area(shape[side], shape[order[0] + order[1] - side])
        flips = [bool(orientation[axis, 1] < 0) for axis in order]
        low, high = float(header["cal_min"]), float(header["cal_max"])
        volume = Volume(
            shape=(shape[0], shape[1], shape[2]),
            dtype=header.get_data_dtype(),
            offset=int(header.get_data_offset()),
            slope=slope,
            intercept=intercept,
            axes=(order[0], order[1], order[2]),
            flips=(flips[0], flips[1], flips[2]),
            affine=tuple(float(value) for value in along.flat),
            advised=(low, high) if np.isfinite(high - low) and high > low else None,
            kept=header.get_data_dtype().newbyteorder("="),
        )
        if volume.offset < 0 or volume.size > MOST_BYTES:
            raise Rejected(f"claims {volume.size} bytes; at most {MOST_BYTES} are taken")
        found = path.stat().st_size
        if is_packed(path) and volume.size > found * LARGEST_RATIO:
            raise Rejected(f"claims {volume.size} bytes, more than its {found} packed bytes can hold")
        if not is_packed(path):
            _check_length(volume.size, found)
        return volume if volume.kept.name in DTYPES else replace(volume, kept=_kept(path, state, volume))


def _header(path: Path) -> Any:
    """Parse the fixed part of a header; what follows it may be as long as it likes and is not read."""
    nibabel = need("nibabel", "a NIfTI volume")
    with gzip.open(path) if is_packed(path) else path.open("rb") as file:
        start = file.read(HEADERS[1][0])
    for length, name, word, place in HEADERS:
        if length in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")):
            if start[place : place + 4] != word:
                break
            return getattr(nibabel, name).from_fileobj(io.BytesIO(start[:length].ljust(length) + bytes(4)))
    raise Rejected("cannot be read: it is no NIfTI volume in a single file")


def _units(header: Any) -> tuple[float, float]:
    slope, intercept = header.get_slope_inter()
    return (1.0 if slope is None else slope), (0.0 if intercept is None else intercept)


def _kept(path: Path, state: str, volume: Volume) -> np.dtype[Any]:
    """Find a type that holds every sample of the volume exactly; NaN is one, and is refused slice by slice.

    Raises
    ------
    Rejected
        If there is none.
    """
    kind = volume.dtype
    possible = [np.dtype(name) for name in KEPT.get(kind.kind, ())]
    with _opened(path, state, volume.size) as file:
        file.seek(volume.offset)
        left = prod(volume.shape)
        while left and possible:
            samples = np.frombuffer(file.read(min(CHUNK, left) * kind.itemsize), kind)
            if not samples.size:
                raise Rejected("is cut off")
            possible = [wanted for wanted in possible if _fits(samples, wanted)]
            left -= samples.size
    if not possible:
        taken = ", ".join(DTYPES)
        raise Rejected(
            f"has samples of type {kind.newbyteorder('=').name} that none of {taken} holds exactly: convert it to one "
            "of them first"
        )
    return possible[0]


def _fits(samples: NDArray[Any], wanted: np.dtype[Any]) -> bool:
    """Check whether a type holds each of some samples exactly."""
    if wanted.kind != "f":
        limits = np.iinfo(wanted)
        return limits.min <= int(samples.min()) and int(samples.max()) <= limits.max
    with np.errstate(over="ignore"):
        narrow = samples.astype(wanted)
    if samples.dtype.kind != "f":
        # What lies beyond this is not compared in a type that would round it, too.
        most = 1 << np.finfo(wanted).nmant + 1
        return -most <= int(samples.min()) and int(samples.max()) <= most
    return bool(((narrow.astype(samples.dtype) == samples) | np.isnan(samples)).all())


def _opened(path: Path, state: str, size: int) -> BinaryIO:
    if not is_packed(path):
        return path.open("rb")
    content = _unpacked(path, state, size)
    _check_length(size, len(content))
    return io.BytesIO(content)


def _check_length(claimed: int, found: int) -> None:
    if found < claimed:
        raise Rejected(f"is cut off: its header claims {claimed} bytes, there are {found}")


# A volume and that of its masks.
@lru_cache(maxsize=2)
def _unpacked(path: Path, state: str, size: int) -> bytes:
    """Unpack the volume that is at work, once per process, as far as its header claims."""
    content = bytearray()
    with gzip.open(path) as file:
        while chunk := file.read(CHUNK):
            content += chunk
            if len(content) > size + LONGEST_REST:
                raise Rejected(f"unpacks to more than the {size} bytes that its header claims")
    return bytes(content)


def _state(path: Path) -> str:
    with reading_volume(path):
        found = path.stat()
    return f"{found.st_ino} {found.st_size} {found.st_mtime_ns}"


@contextmanager
def reading_volume(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a volume is read into a rejection, which does not name folders of this machine."""
    try:
        # Warnings and logs belong to the process, so one thread reads at a time.
        with strict(), warnings.catch_warnings(), _silent(logging.getLogger("nibabel.global")):
            warnings.simplefilter("ignore")
            yield
    except (CorruptgenError, MemoryError):
        raise
    except OSError as error:
        if is_trouble(error):
            raise unreadable(path.name, error) from error
        raise Rejected(f"cannot be read: {describe_error(error)}") from error
    except (EOFError, zlib.error) as error:
        raise Rejected("cannot be read: its packed bytes are damaged") from error
    # Headers that are fed broken bytes raise any kind of error.
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
