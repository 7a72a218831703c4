"""The guard around every decoder: a broken file is rejected, the machine's trouble is not the file's fault."""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ImageFile, UnidentifiedImageError

from corruptgen.errors import CorruptgenError, Rejected
from corruptgen.runtime.trouble import is_trouble

# The modules whose warnings are about the file that is being decoded.
DECODERS = r"PIL\.|pillow_heif|pillow_jxl|corruptgen\.(codecs\.(images|high_bit_depth|tolerance)|sources\.label_masks)"
LONGEST_REASON = 160
_STRICT = threading.RLock()


@contextmanager
def guard_decoder() -> Iterator[None]:
    """Run a decoder strictly: whatever it raises or warns about says that the file is broken.

    Decoders that are fed broken bytes raise all kinds of errors. What the machine is to blame for passes through, as
    does everything that this package raises on purpose.

    Raises
    ------
    Rejected
        With the decoder's complaint.
    """
    with strict():
        try:
            yield
        except CorruptgenError:
            raise
        except Exception as error:
            if is_machine_trouble(error):
                raise
            raise Rejected(f"cannot be decoded: {decoder_complaint(error)}") from error


def is_machine_trouble(error: BaseException) -> bool:
    """Check whether an error says something about the machine, not about the file that was being decoded.

    Decoders raise `OSError` for truncated files too, but without the number of the operating system's errors.
    """
    return is_trouble(error)


@contextmanager
def strict() -> Iterator[None]:
    """Turn warnings into errors, and see to it that Pillow does not fill up truncated files.

    Both belong to the process, so one thread decodes at a time: beside 95 cells that costs
    nothing that can be measured.
    Only what Pillow warns about becomes an error, because other threads are corrupting meanwhile.
    """
    with _STRICT, warnings.catch_warnings():
        lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            warnings.filterwarnings("error", module=DECODERS)
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient


@contextmanager
def ignore_warnings() -> Iterator[None]:
    """Let decoders warn without effect; for use inside of the guard, which has the lock."""
    with _STRICT, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def decoder_complaint(error: Exception) -> str:
    """Word a decoder's complaint in one line that is the same in every run."""
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image of a known format"
    message = re.sub(r"<[^>]*>|0x[0-9a-fA-F]+", "...", str(error))
    line = " ".join(message.split())[:LONGEST_REASON]
    return line or type(error).__name__
