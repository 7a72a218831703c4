"""Short clips that are encoded as videos are and decoded again, so that an image bears what a video does to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corruptgen.errors import ImageError, MissingPackage
from corruptgen.runtime.extras import need

RATE = 25  # frames of a second
H264, H265 = "h264", "hevc"
ENCODERS: Mapping[str, str] = MappingProxyType({H264: "libx264", H265: "libx265"})
PURPOSE: Mapping[str, str] = MappingProxyType({H264: "a clip in H.264", H265: "a clip in H.265"})
# Broken frames are shown as far as they were decoded.
TOLERANT: Mapping[str, str] = MappingProxyType({"flags": "+output_corrupt", "flags2": "+showall"})


@dataclass(frozen=True)
class Clip:
    """A clip as it is sent: what a decoder needs beforehand, and a packet for each frame."""

    form: str
    """H264 or H265."""
    header: bytes
    packets: tuple[bytes, ...]

    @property
    def bytes_of_packets(self) -> int:
        """The length of all packets."""
        return sum(map(len, self.packets))


def encode_clip(frames: Sequence[NDArray[np.uint8]], form: str, options: Mapping[str, str]) -> Clip:
    """Encode frames with colour of half the rows and columns; equal frames produce equal bytes.

    Parameters
    ----------
    frames : sequence of ndarray of uint8, shape (H, W, 3)
        H and W are even.
    form : str
        H264 or H265.
    options : mapping of str to str
        What the encoder, libx264 or libx265, is told.

    Raises
    ------
    MissingPackage
        If PyAV is not installed, or was built without the encoder.
    ImageError
        If the encoder does not take images of this size.
    """
    av = need("av", PURPOSE[form])
    context = _context(av, ENCODERS[form], "w", form)
    context.height, context.width = frames[0].shape[:2]
    context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, RATE), Fraction(RATE)
    # What several threads encode depends on their number.
    context.thread_count = 1
    context.options = dict(options)
    # What the decoder needs beforehand does not stand in the packets.
    context.flags |= av.codec.context.Flags.global_header
    packets = []
    try:
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            packets += context.encode(frame)
        packets += context.encode(None)
    except av.FFmpegError as error:
        height, width = frames[0].shape[:2]
        raise ImageError(f"{ENCODERS[form]} does not encode images of {height}×{width} pixels: {error}") from error
    return Clip(form, bytes(context.extradata or b""), tuple(map(bytes, packets)))


def check_encoder(form: str) -> None:
    """Raise `MissingPackage` if clips of a form cannot be encoded here."""
    _context(need("av", PURPOSE[form]), ENCODERS[form], "w", form)


def decode_last(clip: Clip) -> NDArray[np.uint8] | None:
    """Return the last frame of a clip, (H, W, 3), however damaged; None if no frame can be decoded."""
    av = need("av", PURPOSE[clip.form])
    context = _context(av, clip.form, "r", clip.form)
    context.thread_count, context.extradata, context.options = 1, clip.header, dict(TOLERANT)
    last = None
    for content in (*clip.packets, None):
        try:
            frames = context.decode(None if content is None else av.Packet(content))
        except av.FFmpegError:
            # This packet is lost; the frame before it stays on the screen.
            continue
        last = frames[-1] if frames else last
    return None if last is None else last.to_ndarray(format="rgb24")


def _context(av: ModuleType, codec: str, mode: str, form: str) -> Any:
    """Return a codec of PyAV, whose own builds have all of them."""
    try:
        return av.CodecContext.create(codec, mode)
    except ValueError as error:
        raise MissingPackage(
            f"{PURPOSE[form]} needs {codec}, which the PyAV that is installed was built without; that of PyPI has it: "
            "pip install --force-reinstall --only-binary av 'corruptgen[video]'"
        ) from error
